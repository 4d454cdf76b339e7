"""Send the REST core what nobody should send, over HTTP, and count what must not happen.

The server is a process of its own, asked over kept connections. Some bodies come in chunks, some clients leave before
they are answered. Counted: answers of 500 and above and none at all, answers that are cut short, error bodies without
their four keys, connections left open to the server and from it to PostgreSQL, statements under another role than the
caller's, and rows that row security or rights should have hidden (canaries). Prints one line a batch and the figures at
the end; exit status 1 when anything was found.

    python benchmarks/rest_fuzz.py --requests 1000000
"""

import argparse
import asyncio
import collections
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import uvloop
from _fuzz import Fuzz, Request
from _load import memory_megabytes
from _servers import POOL, Server, runtime
from rest_world import ANN, BEN, SCHEMA

from freehold.testing import database as databases

BATCH = 20_000
PARALLEL = 16
PATIENCE_SECONDS = 30
WITHOUT_BODY = (b"204", b"304")
ERROR_KEYS = ["code", "details", "hint", "message"]
CANARY = "canary-4f1d"
HOSTILE = """
create table public.vault (id int primary key, owner uuid, secret text);
alter table public.vault enable row level security;
create policy own on public.vault for all to authenticated using (owner = auth.uid()) with check (owner = auth.uid());
insert into public.vault values (1, '{ben}', '{canary}');
create table public.sealed (id int primary key, secret text);
insert into public.sealed values (1, '{canary}');
revoke all on public.sealed from anon, authenticated, service_role, public;
create schema hidden;
create table hidden.things (id int primary key, secret text);
insert into hidden.things values (1, '{canary}');
create table public.seen (who name, asked text);
grant insert on public.seen to public;
create function public.note() returns trigger language plpgsql as $$
begin
  insert into public.seen values (current_user, current_setting('request.jwt.claims', true));
  return null;
end $$;
create trigger noted after insert or update or delete on public.customers
  for each statement execute function public.note();
"""


class Found(collections.Counter[str]):
    """What must not happen, with the first few examples of each."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.examples: list[str] = []

    def add(self, kind: str, example: object) -> None:
        """Count one."""
        self[kind] += 1
        if self[kind] <= 3:
            self.examples.append(f"{kind}: {example}")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with databases.fresh_database() as database:
        with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
            owner.execute(SCHEMA)
            owner.execute(HOSTILE.replace("{ben}", BEN).replace("{canary}", CANARY))
        with runtime(database, require_apikey=False) as server:
            found = uvloop.run(_run(database, server, options.requests, options.seed))
    for example in found.examples:
        print(example)
    print("found:", dict(found) or "nothing")
    sys.exit(1 if found else 0)


async def _run(database: databases.FreshDatabase, server: Server, requests: int, seed: int) -> Found:
    found, statuses = Found(), collections.Counter[str]()
    started, done = time.monotonic(), 0
    with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
        while done < requests:
            share = min(BATCH, requests - done) // PARALLEL
            if not share:
                break
            clients = [_Client(server, seed * 1_000_003 + done + n, found, statuses) for n in range(PARALLEL)]
            await asyncio.gather(*(client.ask_all(share) for client in clients))
            done += share * PARALLEL
            await _no_connection_is_left(server, found)
            _look(admin, found)
            rate, memory = done / (time.monotonic() - started), memory_megabytes(server.pid)
            print(f"{done:9d} requests, {rate:6.0f}/s, found {dict(found) or 'nothing'}, memory {memory:.0f} MB, "
                  f"statuses {dict(sorted(statuses.items()))}", flush=True)  # fmt: skip
    return found


class _Client:
    """One connection at a time, kept as long as the server keeps it."""

    def __init__(self, server: Server, seed: int, found: Found, statuses: "collections.Counter[str]") -> None:
        self._port = server.port
        self._fuzz = Fuzz(seed)
        self._random = random.Random(seed)
        self._found = found
        self._statuses = statuses
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask_all(self, count: int) -> None:
        """Send so many requests, one after the other."""
        for _ in range(count):
            asked = self._fuzz.request()
            try:
                self._statuses[await asyncio.wait_for(self._ask(asked), PATIENCE_SECONDS)] += 1
            except TimeoutError:
                self._found.add("no answer", asked)
                self._leave()
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                self._found.add("connection lost", (asked, repr(error)))
                self._leave()
        self._leave()

    async def _ask(self, asked: Request) -> str:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        draw = self._random.random()
        writer.write(_written(asked, in_chunks=draw < 0.05))
        if draw > 0.99:
            await writer.drain()
            self._leave()
            return "left"
        head = await reader.readuntil(b"\r\n\r\n")
        body = await self._body(reader, asked, head)
        _judge(asked, head, body, self._found)
        if b"\r\nconnection: close" in head:
            self._leave()
        return head[9:12].decode("latin-1")

    async def _body(self, reader: asyncio.StreamReader, asked: Request, head: bytes) -> bytes:
        if asked[0] == "HEAD" or head[9:12] in WITHOUT_BODY:
            return b""
        _, named, rest = head.partition(b"\r\ncontent-length: ")
        if not named:
            self._found.add("answer without a length", (asked, head))
            return b""
        return await reader.readexactly(int(rest.partition(b"\r\n")[0]))

    def _leave(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


def _written(asked: Request, *, in_chunks: bool) -> bytes:
    method, path, query, headers, body = asked
    # With a space in its target a request is no HTTP, and would end at the parser.
    lines = [f"{method} {path}?{query.replace(' ', '%20')} HTTP/1.1".encode("utf-8", "replace"), b"host: x"]
    lines += [name + b": " + value for name, value in headers]
    if in_chunks:
        lines.append(b"transfer-encoding: chunked")
        pieces = [body[start : start + 100] for start in range(0, len(body), 100)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    else:
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _judge(asked: Request, head: bytes, body: bytes, found: Found) -> None:
    status = int(head[9:12])
    if CANARY.encode() in head + body:
        found.add("canary", asked)
    if status >= 500:
        found.add("500", (asked, body[:300]))
    # What is no HTTP at all is refused by the parser, in its own words.
    is_ours = body != b"Invalid HTTP request received."
    if status >= 400 and body and is_ours and _keys(body) != ERROR_KEYS:
        found.add("error without its four keys", (asked, body[:200]))


def _keys(body: bytes) -> list[str]:
    try:
        return sorted(json.loads(body))
    except ValueError:
        return []


async def _no_connection_is_left(server: Server, found: Found) -> None:
    """All clients have left: wait until the server has noticed."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (left := _connections(server)) and time.monotonic() < until:  # noqa: ASYNC110 - what is waited for is elsewhere
        await asyncio.sleep(0.05)
    if left:
        found.add("connection left open to the server", left)


def _connections(server: Server) -> int:
    """How many sockets the server holds that clients have opened."""
    port = f":{server.port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established, close_wait = "01", "08"
    return sum(line[1].endswith(port) and line[3] in (established, close_wait) for line in lines)


def _look(admin: "psycopg.Connection[Any]", found: Found) -> None:
    """Ask PostgreSQL what was left behind."""
    mine = "usename = 'authenticator' and datname = current_database()"
    left = admin.execute(f"select state, query from pg_stat_activity where {mine} and state <> 'idle'").fetchall()
    for state, query in left:
        found.add("connection to PostgreSQL in use", (state, query[:200]))
    many = admin.execute(f"select count(*) from pg_stat_activity where {mine}").fetchone()
    if many is None or many[0] > POOL + 1:
        found.add("too many connections to PostgreSQL", many)
    wrong = admin.execute(
        "select who, asked from public.seen where who not in ('anon', 'authenticated') "
        "or who <> coalesce(asked::json ->> 'role', '')"
    ).fetchall()
    for who in wrong:
        found.add("statement as another role", who)
    stolen = admin.execute(
        "select owner from public.vault where owner <> %s and secret <> %s", [ANN, CANARY]
    ).fetchall()
    for row in stolen:
        found.add("row changed behind row security", row)
    admin.execute("truncate public.seen")


if __name__ == "__main__":
    main()
