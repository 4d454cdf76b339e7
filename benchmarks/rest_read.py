"""One row by its key through `/rest/v1`, against pgbench sending the same two statements as one pipeline.

One server process (uvicorn, httptools, uvloop): HTTP, a verified token, role switch, claims, row security, JSON. The
two take turns, so that both meet the same machine; what counts is the ratio.
"""

import argparse
import asyncio
import multiprocessing
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psycopg
import uvicorn
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from rest_world import ANN, ANON_KEY, SCHEMA, TOKENS, settings_of

from freehold.kit import programs
from freehold.runtime.http_protocol import OneWriteProtocol
from freehold.runtime.rest.app import RestApp
from freehold.runtime.services import open_services
from freehold.testing import database as databases

CONNECTIONS = 16
QUERY = "select=id,title,budget&id=eq.1"
PARALLEL = 8
SCRIPT = r"""
\startpipeline
select set_config('search_path', '"public", "public", "extensions"', true), set_config('role', 'authenticated', true),
  set_config('request.jwt.claims', '{"sub":"%(ann)s","role":"authenticated","email":"ann@example.com"}', true),
  set_config('request.method', 'GET', true), set_config('request.path', '/projects', true),
  set_config('request.headers', '{"host":"127.0.0.1","apikey":"%(key)s","authorization":"Bearer %(key)s"}', true),
  set_config('request.cookies', '{}', true), set_config('transaction_read_only', 'on', true);
with pgrst_source as (
  select "public"."projects"."id", "public"."projects"."title", "public"."projects"."budget" from "public"."projects"
  where "public"."projects"."id" = 1 limit 1000 offset 0
)
select null::bigint, pg_catalog.count(_postgrest_t), coalesce(json_agg(_postgrest_t), '[]'),
  nullif(current_setting('response.headers', true), ''), nullif(current_setting('response.status', true), ''), ''
from (select * from pgrst_source) _postgrest_t;
\endpipeline
""".replace("%(ann)s", ANN).replace("%(key)s", ANON_KEY)


def main() -> None:
    """Print requests a second of both, and their ratio, round by round."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    pgbench = programs.postgres().pgbench
    if pgbench is None:
        print("pgbench is not here: nothing to compare with")
        return
    with databases.fresh_database() as database:
        with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
            owner.execute(SCHEMA)
            owner.execute("analyze")
        with _server(database) as (port, pid):
            _rounds(database, pgbench, port, pid, options)


def _rounds(database: databases.FreshDatabase, pgbench: Path, port: int, pid: int, options: argparse.Namespace) -> None:
    ratios, ceilings, rates, costs = [], [], [], []
    uvloop.run(_load(port, 1.0))
    for number in range(1, options.rounds + 1):
        ceiling = _ceiling(database, pgbench, options.seconds)
        before = _cpu_seconds(pid)
        started = time.monotonic()
        answered = uvloop.run(_load(port, options.seconds))
        rate = answered / (time.monotonic() - started)
        cost = (_cpu_seconds(pid) - before) / answered * 1e6
        ratios.append(rate / ceiling)
        ceilings.append(ceiling)
        rates.append(rate)
        costs.append(cost)
        print(f"round {number}: pgbench {ceiling:8.0f}/s   rest {rate:8.0f}/s   ratio {rate / ceiling:.2f}   "
              f"server CPU {cost:5.0f} us a request", flush=True)  # fmt: skip
    print(f"median : pgbench {statistics.median(ceilings):8.0f}/s   rest {statistics.median(rates):8.0f}/s   "
          f"ratio {statistics.median(ratios):.2f}   server CPU {statistics.median(costs):5.0f} us a request"
    )  # fmt: skip


class _server:  # noqa: N801 - reads as a function where it is used
    """The runtime's REST core in a process of its own."""

    def __init__(self, database: databases.FreshDatabase) -> None:
        """Start nothing yet."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_serve, args=(database, self._listener), daemon=True)

    def __enter__(self) -> tuple[int, int]:
        """Give the port and the process id."""
        self._process.start()
        assert self._process.pid is not None
        return self._listener.getsockname()[1], self._process.pid

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.terminate()
        self._process.join(10)


def _serve(database: databases.FreshDatabase, listener: socket.socket) -> None:
    app = RestApp(open_services(settings_of(database, pool_size=PARALLEL)))

    async def lifespan(scope: dict, receive: object, send: object) -> None:  # type: ignore[type-arg]
        if scope["type"] == "lifespan":
            await receive()  # type: ignore[operator]
            await app.start()
            await send({"type": "lifespan.startup.complete"})  # type: ignore[operator]
            await receive()  # type: ignore[operator]
            await app.stop()
            await send({"type": "lifespan.shutdown.complete"})  # type: ignore[operator]
        else:
            await app(scope, receive, send)  # type: ignore[arg-type]

    config = uvicorn.Config(
        lifespan, loop="uvloop", http=OneWriteProtocol, lifespan="on", access_log=False, log_level="warning",
        server_header=False, proxy_headers=False,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listener])


def _ceiling(database: databases.FreshDatabase, pgbench: Path, seconds: float) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(SCRIPT)
        script.flush()
        settings = dict(psycopg.conninfo.conninfo_to_dict(database.rest_dsn))
        environment = {
            "PGHOST": str(settings["host"]), "PGPORT": str(settings["port"]), "PGUSER": str(settings["user"]),
            "PGPASSWORD": unquote(str(settings["password"])), "PGDATABASE": str(settings["dbname"]),
        }  # fmt: skip
        command = [
            str(pgbench),
            "-n",
            "-M",
            "prepared",
            "-c",
            str(PARALLEL),
            "-T",
            str(max(1, round(seconds))),
            "-f",
            script.name,
        ]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([0-9.]+)", ran.stdout)
    assert found is not None, ran.stdout
    return float(found[1])


@dataclass
class _Client(asyncio.Protocol):
    """Asks again as soon as it is answered. All answers have the length of the first."""

    request: bytes
    until: float
    answered: int = 0
    size: int = 0
    first: bytes = b""
    received: int = 0
    done: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        # uvloop's transports do not inherit from asyncio's
        self.transport: Any = transport
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Count, and ask again."""
        if not self.size:
            self.first += data
            head, end, body = self.first.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            if not end or length is None or len(body) < int(length[1]):
                return
            assert head.startswith(b"HTTP/1.1 200"), self.first
            data, self.size = self.first, len(self.first)
        self.received += len(data)
        while self.received >= self.size:
            self.received -= self.size
            self.answered += 1
            if time.monotonic() >= self.until:
                self.transport.close()
                return
            self.transport.write(self.request)

    def connection_lost(self, _: Exception | None) -> None:
        """Say that it is over."""
        self.done.set_result(None)


async def _load(port: int, seconds: float) -> int:
    request = (
        f"GET /projects?{QUERY} HTTP/1.1\r\nhost: 127.0.0.1\r\napikey: {ANON_KEY}\r\n"
        f"authorization: Bearer {TOKENS['ann']}\r\n\r\n"
    ).encode()
    until = time.monotonic() + seconds
    loop = asyncio.get_running_loop()
    clients = [_Client(request, until) for _ in range(CONNECTIONS)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.wait_for(asyncio.gather(*(client.done for client in clients)), seconds + 30)
    return sum(client.answered for client in clients)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    main()
