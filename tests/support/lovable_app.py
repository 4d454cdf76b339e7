"""A small Lovable app, written file by file, for tests that read one."""

import base64
import json
import subprocess
from pathlib import Path

from freehold.core.app import App

REF = "qwertyuiopasdfghjklz"


def key(role: str) -> str:
    """A key in JWT form that names a role and the project; its signature is made up."""
    parts = ({"alg": "HS256", "typ": "JWT"}, {"iss": "supabase", "ref": REF, "role": role})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl"])


ANON = key("anon")
SERVICE = key("service_role")

FILES = {
    "package.json": json.dumps(
        {
            "name": "vite_react_shadcn_ts",
            "scripts": {"build": "vite build"},
            "dependencies": {"@supabase/supabase-js": "^2.98.0", "react": "^18.3.1"},
            "devDependencies": {"lovable-tagger": "^1.1.13", "vite": "^5.4.19"},
        },
        indent=2,
    ),
    "vite.config.ts": (
        'import { componentTagger } from "lovable-tagger";\nexport default { plugins: [componentTagger()] };\n'
    ),
    "README.md": "# Welcome to your Lovable project\n",
    "index.html": '<html><head></head><body><div id="root"></div></body></html>\n',
    ".env": f'VITE_SUPABASE_URL="https://{REF}.supabase.co"\nVITE_SUPABASE_PUBLISHABLE_KEY="{ANON}"\n'
    f'VITE_SUPABASE_PROJECT_ID="{REF}"\nVITE_TITLE="Pots & pans"\nSERVER_PASSWORD="not for the build"\n',
    "src/integrations/supabase/client.ts": (
        'import { createClient } from "@supabase/supabase-js";\n'
        "export const supabase = createClient(\n"
        "  import.meta.env.VITE_SUPABASE_URL, import.meta.env.VITE_SUPABASE_PUBLISHABLE_KEY);\n"
    ),
    "src/App.tsx": (
        "export default () => <Routes>\n"
        '  <Route path="/" element={<Home />} />\n  <Route path="/pots/:id" element={<Pot />} />\n</Routes>;\n'
    ),
    "supabase/config.toml": f'project_id = "{REF}"\n\n[functions.ping]\nverify_jwt = false\n',
    "supabase/migrations/20260101000000_0f0e0d0c-0b0a-4908-8706-050403020100.sql": (
        "CREATE TABLE public.pots (id uuid PRIMARY KEY);\nALTER PUBLICATION supabase_realtime ADD TABLE public.pots;\n"
    ),
    "supabase/migrations/20260102000000_1f0e0d0c-0b0a-4908-8706-050403020100.sql": (
        "CREATE OR REPLACE VIEW public.pot_list AS SELECT id FROM public.pots;\n"
    ),
    "supabase/functions/ping/index.ts": (
        'import { serve } from "https://deno.land/std@0.168.0/http/server.ts";\n'
        'import { say } from "../_shared/say.ts";\nserve(() => new Response(say(Deno.env.get("PING_NAME"))));\n'
    ),
    "supabase/functions/_shared/say.ts": (
        'import Stripe from "npm:stripe@17";\n'
        'export const say = (x) => x + Deno.env.get("STRIPE_SECRET_KEY") + Deno.env.get("SUPABASE_URL");\n'
    ),
}  # fmt: skip


def write(root: Path, changes: dict[str, str | None] | None = None) -> App:
    """Write the app with some files changed, added, or left out (None)."""
    for path, text in {**FILES, **(changes or {})}.items():
        if text is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
    return App(root=root, origin=str(root), name="pots")


def commit(root: Path, message: str = "Changes", author: str = "Somebody") -> None:
    """Put everything into git."""
    name = ["-c", f"user.name={author}", "-c", "user.email=somebody@example.org"]
    if not (root / ".git").exists():
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(["git", *name, "commit", "-q", "--allow-empty", "-m", message], cwd=root, check=True)
