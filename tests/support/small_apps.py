"""Small apps, written file by file, for tests of one builder each."""

import json
import subprocess
from pathlib import Path

from freehold.core.app import App

BOLT_PACKAGE = json.dumps(
    {
        "name": "vite-react-typescript-starter",
        "private": True,
        "type": "module",
        "scripts": {"build": "vite build"},
        "dependencies": {"@supabase/supabase-js": "2.57.4"},
        "devDependencies": {"vite": "5.4.21"},
        "overrides": {"rollup": "4.65.0", "esbuild": "0.25.12"},
    }
)
BOLT = {
    ".bolt/config.json": '{"template": "bolt-vite-react-ts"}\n',
    "package.json": BOLT_PACKAGE,
    "index.html": '<html><body><ul id="pots"></ul><script type="module" src="/src/main.ts"></script></body></html>\n',
    "src/lib/supabase.ts": (
        "import { createClient } from '@supabase/supabase-js';\n"
        "export const supabase = createClient(\n"
        "  import.meta.env.VITE_SUPABASE_URL, import.meta.env.VITE_SUPABASE_ANON_KEY);\n"
    ),
    "src/main.ts": (
        "import { supabase } from './lib/supabase';\n"
        "const { data } = await supabase.from('pots').select('name');\n"
        "document.title = JSON.stringify(data);\n"
    ),
    "tsconfig.json": '{"compilerOptions": {"target": "ESNext", "module": "ESNext"}}\n',
    "vite.config.ts": "export default { build: { target: 'esnext' } };\n",
    "supabase/migrations/20251001120000_icy_leaf.sql": (
        "/*\n  # Pots\n\n  1. New Tables\n    - `pots`\n*/\n"
        "CREATE TABLE IF NOT EXISTS pots (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);\n"
        "ALTER TABLE pots ENABLE ROW LEVEL SECURITY;\n"
        'CREATE POLICY "Anyone can read" ON pots FOR SELECT TO anon, authenticated USING (true);\n'
        "INSERT INTO pots (name) VALUES ('kettle');\n"
    ),
    ".bolt/supabase_discarded_migrations/20251001110000_bad_idea.sql": "CREATE TABLE bad_idea (id int);\n",
}


def write(root: Path, files: dict[str, str]) -> App:
    """Write files and give the app they make."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return App(root=root, origin=str(root), name="pots")


def commit(root: Path, message: str = "Changes", author: str = "Somebody", email: str = "somebody@example.org") -> None:
    """Put everything into git."""
    name = ["-c", f"user.name={author}", "-c", f"user.email={email}"]
    if not (root / ".git").exists():
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(["git", *name, "commit", "-q", "--allow-empty", "-m", message], cwd=root, check=True)
