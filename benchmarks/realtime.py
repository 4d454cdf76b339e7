"""Database changes to many sockets: exactly the rows that each may see, how late they come, and what it takes.

    python benchmarks/realtime.py [--scale 0.1] [--seconds 20]

Scale 1 is 2,000 sockets of 500 users, each with a filter on its own rows, at 200 changes a second; then 100 users
without a filter at 50 a second, so that row security alone decides. One worker process; clients and writer beside it.
"""

import argparse
import asyncio
import json
import os
import resource
import secrets
import socket
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import aiohttp
import psycopg
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from freehold.core.secret import Secret
from freehold.runtime import settings
from freehold.runtime.settings import Settings
from freehold.testing.database import FreshDatabase, fresh_database

SECRET = secrets.token_urlsafe(32)
SCHEMA = """
create table public.notes (id bigint generated always as identity primary key, owner uuid not null, sent float8);
create index on public.notes (owner);
alter table public.notes enable row level security;
create policy own on public.notes for select to authenticated using (owner = (select auth.uid()));
alter publication supabase_realtime add table public.notes;
"""


def main() -> None:
    """Run both parts and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--seconds", type=float, default=15)
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    print("sockets users filter changes/s  rows told   exact  p50 ms  p95 ms  server MB (idle, end)  server CPU")
    with fresh_database() as database:
        with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
            owner.execute(SCHEMA)
        size = given.scale
        filtered = Load(round(2000 * size), round(500 * size), 200 * size, given.seconds, filtered=True)
        unfiltered = Load(round(100 * size), round(100 * size), 50 * size, given.seconds, filtered=False)
        for load in (filtered, unfiltered):
            with served(database) as (url, pid):
                asyncio.run(measure(database, url, pid, load))


@dataclass(frozen=True)
class Load:
    """What is asked of the server; `rate` in changes a second."""

    sockets: int
    users: int
    rate: float
    seconds: float
    filtered: bool


async def measure(database: FreshDatabase, url: str, pid: int, load: Load) -> None:
    """Connect, write, and compare what each socket heard with what it should have."""
    people = [str(uuid.uuid4()) for _ in range(load.users)]
    idle = megabytes(pid)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        ears = []
        for start in range(0, load.sockets, 50):
            batch = range(start, min(load.sockets, start + 50))
            ears += await asyncio.gather(*(listen(http, url, people[one % load.users], load.filtered) for one in batch))
        before = cpu(pid)
        written = await asyncio.to_thread(write, database.superuser_dsn, people, load.rate, load.seconds)
        expected = sum(len(written[ear.person]) for ear in ears)
        deadline = time.monotonic() + 60
        while heard(ears) < expected and time.monotonic() < deadline:  # noqa: ASYNC110 - clients have no signal
            await asyncio.sleep(0.1)
        used = (cpu(pid) - before) / load.seconds
        exact = all(ear.rows == written[ear.person] for ear in ears)
        late = sorted(value for ear in ears for value in ear.late)
        p50, p95 = statistics.quantiles(late, n=100)[49], statistics.quantiles(late, n=100)[94]
        told = heard(ears)
        print(
            f"{load.sockets:7} {load.users:5} {'eq' if load.filtered else 'none':6} {load.rate:9.0f} {told:10}"
            f" {exact!s:>7} {p50 * 1000:7.0f} {p95 * 1000:7.0f} {idle:10.0f} {megabytes(pid):9.0f} {used:12.0%}",
            flush=True,
        )
        for ear in ears:
            ear.task.cancel()
        if not exact:
            sys.exit("error: somebody did not hear exactly its own rows")


def heard(ears: list["Ear"]) -> int:
    """How many rows were told so far."""
    return sum(len(ear.rows) for ear in ears)


class Ear:
    """One socket: the ids of the rows it heard, in order, and how late each was."""

    def __init__(self, person: str) -> None:
        """Nothing is heard yet."""
        self.person = person
        self.rows: list[int] = []
        self.late: list[float] = []
        self.ready = asyncio.Event()
        self.task: asyncio.Task[None]

    async def hear(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        """Take frames until the end."""
        async for message in connection:
            _, _, _, event, payload = json.loads(message.data)
            if event == "postgres_changes":
                record = payload["data"]["record"]
                self.rows.append(record["id"])
                self.late.append(time.time() - record["sent"])
            elif event == "system":
                self.ready.set()


async def listen(http: aiohttp.ClientSession, url: str, person: str, filtered: bool) -> Ear:
    """Join and wait until changes are followed."""
    ear = Ear(person)
    connection = await http.ws_connect(f"{url}/realtime/v1/websocket?apikey=sb_publishable_bench&vsn=2.0.0")
    ear.task = asyncio.create_task(ear.hear(connection))
    binding = {"event": "INSERT", "schema": "public", "table": "notes"}
    if filtered:
        binding["filter"] = f"owner=eq.{person}"
    payload = {"config": {"postgres_changes": [binding], "presence": {"enabled": False}}, "access_token": token(person)}
    await connection.send_json(["1", "1", "realtime:notes", "phx_join", payload])
    async with asyncio.timeout(60):
        await ear.ready.wait()
    return ear


def write(dsn: str, people: list[str], rate: float, seconds: float) -> dict[str, list[int]]:
    """Insert rows at a steady rate, each somebody's; give the ids by owner."""
    written: dict[str, list[int]] = {person: [] for person in people}
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set synchronous_commit = on")  # as in production; the test server's default is off
        start = time.monotonic()
        for number in range(round(rate * seconds)):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            person = people[number * 7919 % len(people)]
            row = connection.execute(
                "insert into notes (owner, sent) values (%s, %s) returning id", (person, time.time())
            ).fetchone()
            written[person].append(row[0] if row else 0)
    return written


@contextmanager
def served(database: FreshDatabase) -> Iterator[tuple[str, int]]:
    """Run `freehold serve` on a port of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ready, announce = os.pipe()
        numbers = ["--fd", str(listener.fileno()), "--ready-fd", str(announce)]
        process = subprocess.Popen(
            [sys.executable, "-m", "freehold", "serve", "--config", "-", *numbers],
            stdin=subprocess.PIPE,
            pass_fds=(listener.fileno(), announce),
        )
        text = settings.dump(options(database, url)).encode()
        Thread(target=process.communicate, args=(text,), daemon=True).start()
        os.close(announce)
        os.read(ready, 1)
        os.close(ready)
        try:
            yield url, process.pid
        finally:
            process.terminate()
            process.wait()


def options(database: FreshDatabase, url: str) -> Settings:
    """Settings of the measured server."""
    key = ECKey.generate_key("P-256", {"kid": "bench"}, private=True)
    return Settings(
        public_url=url,
        rest_dsn=Secret(database.rest_dsn),
        auth_dsn=Secret(database.auth_dsn),
        storage_dsn=Secret(database.storage_dsn),
        jwt_secret=Secret(SECRET),
        signing_key=Secret(json.dumps(key.as_dict(private=True))),
        publishable_key="sb_publishable_bench",
        secret_key=Secret("sb_secret_bench"),
        anon_jwt=token(None),
        service_role_jwt=Secret("none"),
    )


def token(person: str | None) -> str:
    """A user's token, or the anon key."""
    claims = {"role": "anon"} if person is None else {"role": "authenticated", "sub": person}
    return jwt.encode({"alg": "HS256"}, {**claims, "exp": 4_000_000_000}, OctKey.import_key(SECRET))


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
