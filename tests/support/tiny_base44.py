"""The smallest app that Freehold takes for a Base44 one: an entity, a function, and a build that fetches nothing."""

import json
from pathlib import Path
from typing import Any

import tiny_app

APP = "0123456789abcdef01234567"
MINE = {"created_by_id": "{{user.id}}"}
RULES: dict[str, Any] = {"create": MINE, "read": MINE, "update": MINE, "delete": MINE}
FILES = {
    "package.json": json.dumps(
        {"name": "base44-app", "scripts": {"build": "node build.mjs"}, "dependencies": {"vite": "file:./nothing"}}
    ),
    "nothing/package.json": json.dumps({"name": "vite", "version": "0.0.0"}),
    "build.mjs": tiny_app.FILES["build.mjs"].replace("VITE_SUPABASE_URL", "VITE_BASE44_BACKEND_URL"),
    "vite.config.js": "export default {};\n",
    "index.html": "<title>tiny</title>\n",
    "src/api/base44Client.js": "import { createClient } from '@base44/sdk';\nexport const base44 = createClient({});\n",
    "base44/config.jsonc": json.dumps({"name": "Tiny"}),
    "base44/.app.jsonc": json.dumps({"id": APP}),
    "base44/functions/hello/entry.ts": 'Deno.serve(() => Response.json("hello"));\n',
}


def write(root: Path, **changes: str) -> Path:
    """Write the app into a folder; `changes` maps a path (with / as __) to its text."""
    for path, text in {**FILES, **{name.replace("__", "/"): text for name, text in changes.items()}}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def note(rules: dict[str, Any] | None = None, **properties: Any) -> dict[str, str]:
    """The file of the app's entity, as a change for `write`."""
    schema = {"name": "Note", "type": "object", "properties": properties, "rls": RULES | (rules or {})}
    return {"base44/entities/note.jsonc": json.dumps(schema)}
