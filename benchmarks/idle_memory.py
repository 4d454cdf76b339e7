"""What an app takes while nobody uses it: PostgreSQL, runtime, its own server, 20 functions of which 3 were used.

    python benchmarks/idle_memory.py

A small app in TanStack Start's layout is brought up by `freehold up`, three functions and a page are called, and the
proportional share (PSS: what is shared counts once) of all its processes is summed. Beside it stands what Supabase's
page "Self-Hosting with Docker" asks for: 4 GB of memory at least, 8 GB or more recommended, for the whole machine.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FUNCTIONS = 20
USED = 3
SETTLE_SECONDS = 10
SUPABASE_MINIMUM_MB = 4096
SUPABASE_RECOMMENDED_MB = 8192
FUNCTION = """import { serve } from "https://deno.land/std@0.168.0/http/server.ts";
import { createClient } from "npm:@supabase/supabase-js@2.45.0";
serve(async () => {
  const client = createClient(Deno.env.get("SUPABASE_URL"), Deno.env.get("SUPABASE_SERVICE_ROLE_KEY"));
  const { data, error } = await client.from("notes").select();
  return Response.json({ data, error });
});
"""
BUILD = r"""import fs from "node:fs";
fs.mkdirSync(".output/server", { recursive: true }); fs.mkdirSync(".output/public");
fs.writeFileSync(".output/public/robots.txt", "");
fs.writeFileSync(".output/server/index.mjs", `import http from "node:http";
http.createServer(async (request, response) => {
  const key = process.env.SUPABASE_SERVICE_ROLE_KEY;
  const rows = await fetch(process.env.SUPABASE_URL + "/rest/v1/notes", { headers: { apikey: key } });
  response.end("<html>" + await rows.text() + "</html>");
}).listen(process.env.PORT);
`);
"""
SQL = "create table public.notes (id int primary key);\nalter table public.notes enable row level security;\n"
PACKAGE = {
    "name": "tanstack_start_ts",
    "type": "module",
    "scripts": {"build": "node build.mjs"},
    "dependencies": {"@tanstack/react-start": "file:./start"},
}


def main() -> None:
    """Bring the app up, use it, and print what it takes."""
    with tempfile.TemporaryDirectory(prefix="idle-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        _write(root / "app")
        up = _up(root)
        try:
            ready = _ready(up)
            _use(ready["url"], ready["publishable_key"])
            time.sleep(SETTLE_SECONDS)
            _print(f"{FUNCTIONS} functions, {USED} of them used", _memory(up.pid, "Pss"))
            print(f"  with every shared page counted in every process: {_memory(up.pid, 'Rss').total()} MB")
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(60)
    print(f"self-hosted Supabase, as its documentation says: {SUPABASE_MINIMUM_MB} MB at least,", end=" ")
    print(f"{SUPABASE_RECOMMENDED_MB} MB recommended (for the machine)")


def _write(root: Path) -> None:
    texts = {
        "package.json": json.dumps(PACKAGE),
        "start/package.json": json.dumps({"name": "@tanstack/react-start", "version": "1.0.0"}),
        "build.mjs": BUILD,
        ".lovable/project.json": '{"template": "tanstack_start_ts_2026-06-17"}',
        "src/integrations/supabase/client.ts": "export const url = import.meta.env.VITE_SUPABASE_URL;\n",
        "src/integrations/supabase/auth-middleware.ts": "export const requireSupabaseAuth = 1;\n",
        "supabase/config.toml": 'project_id = "qwertyuiopasdfghjklz"\n',
        "supabase/migrations/20260101000000_a.sql": SQL,
        **{f"supabase/functions/f{number}/index.ts": FUNCTION for number in range(FUNCTIONS)},
    }
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def _up(root: Path) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "freehold", "up", str(root / "app"), "--data", str(root / "data"), "--port", "0"]
    return subprocess.Popen([*argv, "--json"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _ready(up: "subprocess.Popen[str]") -> dict[str, str]:
    lines = []
    for line in up.stdout or ():
        lines.append(line)
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "ready":
            return {name: str(event[name]) for name in ("url", "publishable_key")}
    sys.exit("the app did not come up\n" + "".join(lines[-20:]))


def _use(url: str, key: str) -> None:
    headers = {"apikey": key, "authorization": f"Bearer {key}"}
    for path in (*(f"/functions/v1/f{number}" for number in range(USED)), "/"):
        request = urllib.request.Request(url + path, headers={} if path == "/" else headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()


def _memory(root: int, kind: str) -> Counter[str]:
    """Sum the memory in MB of a process and all that it started, by program: Pss, or Rss as an upper bound."""
    found: Counter[str] = Counter()
    for pid in (root, *_children(root)):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            name = _name(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"))
        except OSError:
            continue
        found[name] += sum(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) // 1024
    return found


def _children(root: int) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields: list[Any] = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    waiting = [root]
    while waiting:
        for child in parents.get(waiting.pop(), ()):
            yield child
            waiting.append(child)


def _name(argv: list[bytes]) -> str:
    text = b" ".join(argv).decode(errors="replace")
    for mark, name in (("postgres", "PostgreSQL"), ("preload.cjs", "the app's server"), ("runner.js", "functions")):
        if mark in text:
            return name
    return "runtime" if " serve " in text else "freehold up"


def _print(title: str, found: Counter[str]) -> None:
    print(f"{title}: {found.total()} MB")
    for name, megabytes in found.most_common():
        print(f"  {name:20} {megabytes:5} MB")


if __name__ == "__main__":
    main()
