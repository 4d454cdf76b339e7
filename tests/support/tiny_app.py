"""The smallest app that Freehold takes for a Lovable one: builds in a second, without packages."""

import json
from pathlib import Path

MIGRATION = "supabase/migrations/20260101000000_0f0e0d0c-0b0a-4908-8706-050403020100.sql"
SECOND = "supabase/migrations/20260102000000_1f0e0d0c-0b0a-4908-8706-050403020100.sql"
FILES = {
    "package.json": json.dumps({"name": "vite_react_shadcn_ts", "scripts": {"build": "node build.mjs"}}),
    "build.mjs": (
        "import { cpSync, mkdirSync, writeFileSync } from 'node:fs';\n"
        "mkdirSync('dist/assets', { recursive: true });\n"
        "cpSync('index.html', 'dist/index.html');\n"
        "writeFileSync('dist/assets/app.js', JSON.stringify(process.env.VITE_SUPABASE_URL));\n"
    ),
    "vite.config.ts": "export default {};\n",
    "README.md": "# Welcome to your Lovable project\n",
    "index.html": "<title>tiny</title>\n",
    ".env": 'VITE_SUPABASE_URL="https://abcdefghijklmnopqrst.supabase.co"\n',
    "src/integrations/supabase/client.ts": (
        'import { createClient } from "@supabase/supabase-js";\n'
        "export const supabase = createClient(import.meta.env.VITE_SUPABASE_URL, '');\n"
    ),
    MIGRATION: "create table public.notes (id bigint generated always as identity primary key, text text);\n",
}


def write(root: Path, **changes: str) -> Path:
    """Write the app into a folder; `changes` maps a path (with / as __) to its text."""
    for path, text in {**FILES, **{name.replace("__", "/"): text for name, text in changes.items()}}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root
