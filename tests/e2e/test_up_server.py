"""`freehold up` on an app that a server renders: its own Node program, as an owner sees it."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from owner import Owner, Up, call, processes_below

pytestmark = pytest.mark.e2e

PACKAGE = {
    "name": "tanstack_start_ts",
    "type": "module",
    "scripts": {"build": "node build.mjs"},
    "dependencies": {"@tanstack/react-start": "file:./start"},
}
BUILD = r"""import fs from "node:fs";
fs.mkdirSync(".output/server", { recursive: true }); fs.mkdirSync(".output/public/assets", { recursive: true });
fs.writeFileSync(".output/nitro.json", JSON.stringify({ preset: process.env.NITRO_PRESET }));
fs.writeFileSync(".output/public/assets/app.js", `start("${process.env.VITE_SUPABASE_URL}")`);
fs.writeFileSync(".output/server/index.mjs", fs.readFileSync("server.mjs", "utf8"));
"""
SERVER = """import http from "node:http";
http.createServer(async (request, response) => {
  if (request.url === "/leak") return response.end(process.env.SUPABASE_SERVICE_ROLE_KEY);
  const key = process.env.SUPABASE_SERVICE_ROLE_KEY;
  const rows = await fetch(process.env.SUPABASE_URL + "/rest/v1/notes?select=title", { headers: { apikey: key } });
  const mail = process.env.MAIL_KEY ?? "no mail";
  response.setHeader("content-type", "text/html");
  response.end(`<html>${await rows.text()} ${mail} ${process.pid}</html>`);
}).listen(process.env.PORT);
"""
SQL = (
    "create table public.notes (title text);\nalter table public.notes enable row level security;\n"
    "insert into public.notes values ('only the service key sees this');\n"
)
FILES = {
    "package.json": json.dumps(PACKAGE),
    "start/package.json": json.dumps({"name": "@tanstack/react-start", "version": "1.0.0"}),
    "build.mjs": BUILD,
    "server.mjs": SERVER,
    ".lovable/project.json": '{"template": "tanstack_start_ts_2026-06-17"}',
    ".env": (
        'VITE_SUPABASE_URL="https://qwertyuiopasdfghjklz.supabase.co"\n'
        'VITE_SUPABASE_PUBLISHABLE_KEY="sb_publishable_x"\n'
    ),
    "src/integrations/supabase/client.ts": "export const url = import.meta.env.VITE_SUPABASE_URL;\n",
    "src/integrations/supabase/auth-middleware.ts": "export const requireSupabaseAuth = 1;\n",
    "src/lib/mail.server.ts": "export const key = process.env.MAIL_KEY;\n",
    "supabase/config.toml": 'project_id = "qwertyuiopasdfghjklz"\n',
    "supabase/migrations/20260101000000_a.sql": SQL,
}
Served = tuple[Up, dict[str, object]]


@pytest.fixture(scope="module")
def rendered(owner: Owner) -> Iterator[Served]:
    """The app, brought up once."""
    root = owner.home / "rendered"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    up = owner.start(str(root), "--port", "0", "--data", _data(owner))
    try:
        yield up, up.wait_for("ready")
    finally:
        up.stop()


def _data(owner: Owner) -> str:
    return str(owner.home / "rendered-data")


def _page(ready: dict[str, object]) -> str:
    status, text = call(f"{ready['url']}/", headers={"accept": "text/html"})
    assert status == 200, text
    return text


def _until(ready: dict[str, object], words: str) -> str:
    """Wait until a page has these words: what changes it goes on in other processes."""
    deadline = time.monotonic() + 120
    while True:
        status, text = call(f"{ready['url']}/", headers={"accept": "text/html"})
        if status == 200 and words in text:
            return text
        assert time.monotonic() < deadline, text
        time.sleep(0.1)


def test_its_pages_are_rendered_with_the_apps_own_back_end(rendered: Served) -> None:
    _, ready = rendered
    assert "only the service key sees this" in _page(ready)
    assert call(f"{ready['url']}/assets/app.js")[1] == f'start("{ready["url"]}")'
    key = {"apikey": str(ready["publishable_key"])}
    assert json.loads(call(f"{ready['url']}/rest/v1/notes", headers=key)[1]) == []


def test_the_service_key_does_not_leave_it(rendered: Served) -> None:
    _, ready = rendered
    status, text = call(f"{ready['url']}/leak")
    assert status == 500
    assert "eyJ" not in text


def test_a_secret_that_it_reads_is_asked_for_and_taken_while_it_runs(owner: Owner, rendered: Served) -> None:
    _, ready = rendered
    assert ready["unset_secrets"] == {"MAIL_KEY": ["the app's server"]}
    assert "no mail" in _page(ready)
    owner.run("secrets", "set", "MAIL_KEY", "--data", _data(owner), stdin="a key for mail")
    assert "a key for mail" in _until(ready, "a key for mail")


def test_a_killed_server_comes_back_and_ends_with_up(owner: Owner, rendered: Served) -> None:
    up, ready = rendered
    before = int(_page(ready).removesuffix("</html>").rsplit(" ", 1)[1])
    assert before in processes_below(Path(_data(owner)))
    os.kill(before, signal.SIGKILL)
    after = int(_until(ready, "only the service key").removesuffix("</html>").rsplit(" ", 1)[1])
    assert after != before
    up.stop()
    assert not Path(f"/proc/{after}").exists()
