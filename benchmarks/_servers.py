"""What is compared: `/rest/v1` with an app's tokens, `freehold serve rest`, and @supabase/lite, over one database."""

import contextlib
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
import uvloop
from psycopg import conninfo

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from rest_world import ANN, ANON_KEY, settings_of

from freehold.kit import programs
from freehold.runtime.http_protocol import OneWriteProtocol
from freehold.runtime.rest.app import RestApp
from freehold.runtime.services import open_services
from freehold.runtime.settings import Settings
from freehold.testing.database import FreshDatabase

POOL = 8
"""Connections to PostgreSQL, for pgbench and for the runtime."""
LITE = "@supabase/lite@0.10.0"
CEILING = r"""
\startpipeline
select num_nulls(set_config('search_path', '"public", "public", "extensions"', true),
  set_config('statement_timeout', '8s', true), set_config('role', 'authenticated', true),
  set_config('request.jwt.claims', '{"sub":"%(ann)s","role":"authenticated","email":"ann@example.com"}', true),
  set_config('request.method', 'GET', true), set_config('request.path', '/projects', true),
  set_config('request.headers', '{"host":"127.0.0.1","apikey":"%(key)s","authorization":"Bearer %(key)s"}', true),
  set_config('request.cookies', '{}', true), set_config('transaction_read_only', 'on', true));
with pgrst_source as (
  select "public"."projects"."id", "public"."projects"."title", "public"."projects"."budget" from "public"."projects"
  where "public"."projects"."id" = 1 limit 1000
)
select null::bigint, pg_catalog.count(_postgrest_t), coalesce(json_agg(_postgrest_t), '[]'),
  nullif(current_setting('response.headers', true), ''), nullif(current_setting('response.status', true), ''), ''
from (select * from pgrst_source) _postgrest_t;
\endpipeline
""".replace("%(ann)s", ANN).replace("%(key)s", ANON_KEY)
"""The two statements of a one-row read, as the runtime sends them."""


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    port: int
    pid: int


def ceiling(database: FreshDatabase, seconds: float) -> float | None:
    """Transactions a second of pgbench with the statements of a one-row read, None where there is no pgbench."""
    pgbench = programs.postgres().pgbench
    if pgbench is None:
        return None
    parts = conninfo.conninfo_to_dict(database.rest_dsn)
    environment = {
        "PGHOST": str(parts["host"]), "PGPORT": str(parts["port"]), "PGUSER": str(parts["user"]),
        "PGPASSWORD": str(parts["password"]), "PGDATABASE": str(parts["dbname"]),
    }  # fmt: skip
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(CEILING)
        script.flush()
        command = [str(pgbench), "-n", "-M", "prepared", "-c", str(POOL), "-T", str(max(1, round(seconds)))]
        ran = subprocess.run([*command, "-f", script.name], env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([0-9.]+)", ran.stdout)
    if found is None:
        raise SystemExit(ran.stdout + ran.stderr)
    return float(found[1])


@contextlib.contextmanager
def runtime(database: FreshDatabase, **settings: object) -> Iterator[Server]:
    """The runtime's REST core with the app's tokens, in one process of its own."""
    chosen = settings_of(database, pool_size=POOL, **settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = multiprocessing.get_context("fork").Process(target=_serve, args=(chosen, listener), daemon=True)
        process.start()
        try:
            yield Server(int(listener.getsockname()[1]), process.pid or 0)
        finally:
            process.terminate()
            process.join(10)


def _serve(settings: Settings, listener: socket.socket) -> None:
    app = RestApp(open_services(settings))
    config = uvicorn.Config(
        app, loop="none", http=OneWriteProtocol, ws="none", lifespan="off", access_log=False, log_level="error",
        server_header=False, proxy_headers=False,
    )  # fmt: skip

    async def run() -> None:
        await app.start()
        await uvicorn.Server(config).serve(sockets=[listener])

    uvloop.run(run())


@contextlib.contextmanager
def stand_in(database: FreshDatabase) -> Iterator[Server]:
    """`freehold serve rest`, as the role anon."""
    port = _free_port()
    told = {"PGRST_DB_URI": database.rest_dsn, "PGRST_DB_ANON_ROLE": "anon", "PGRST_SERVER_PORT": str(port),
            "PGRST_SERVER_HOST": "127.0.0.1"}  # fmt: skip
    argv = [sys.executable, "-m", "freehold", "serve", "rest"]
    with _running(argv, os.environ | told, Path.cwd(), port, "/things?limit=1") as pid:
        yield Server(port, pid)


def install_lite(folder: Path) -> Path | None:
    """Fetch @supabase/lite from npm; None where that cannot be done."""
    (folder / "package.json").write_text('{"private": true}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", LITE, "postgres"]
    try:
        subprocess.run(command, cwd=folder, check=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{LITE} cannot be installed, so it is left out: {error}")
        return None
    return folder


@contextlib.contextmanager
def lite(database: FreshDatabase, installed: Path) -> Iterator[Server]:
    """@supabase/lite on the same PostgreSQL, as the superuser, as it wants it."""
    port = _free_port()
    parts = conninfo.conninfo_to_dict(database.superuser_dsn)
    url = f"postgres://{parts['user']}:{parts['password']}@127.0.0.1:{database.port}/{database.name}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "supabase").mkdir()
        config = f'[db]\ndriver = "postgres"\nurl = "{url}"\n[api]\nport = {port}\n'
        (folder / "supabase/config.toml").write_text(config)
        argv = ["node", str(installed / "node_modules/@supabase/lite/dist/cli/index.js"), "start"]
        quiet = {"LITE_TELEMETRY": "0", "DO_NOT_TRACK": "1", "PORT": str(port)}
        with _running(argv, os.environ | quiet, folder, port, "/rest/v1/things?limit=1") as pid:
            yield Server(port, pid)


@contextlib.contextmanager
def _running(argv: list[str], environment: dict[str, str], folder: Path, port: int, path: str) -> Iterator[int]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(argv, env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            until = time.monotonic() + 60
            while not _answers(port, path):
                if process.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    raise SystemExit(f"{argv[:3]} does not answer: {log.read().decode()[-2000:]}")
                time.sleep(0.1)
            yield process.pid
        finally:
            process.terminate()
            process.wait(30)


def _answers(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            return client.recv(100).startswith(b"HTTP/1.1 2")
    except OSError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
