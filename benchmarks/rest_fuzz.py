"""Send the REST core what nobody should send, and count what must not happen.

Random and mutated URLs, headers, bodies, CSV, nesting, ranges, unicode and NULs. All go straight into the application,
every hundredth (or --http-every) goes over HTTP too. Counted: answers of 500 and above, connections that are not idle after
a batch, statements under another role than the caller's, and rows that row security or rights should have hidden
(canaries). Prints one line a batch and the figures at the end; exit status 1 when anything was found.

    python -m benchmarks.rest_fuzz --requests 1000000
"""

# ruff: noqa: E501 - lists of what is sent

import argparse
import asyncio
import collections
import json
import random
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import uvicorn
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from rest_world import ANN, ANON_KEY, BEN, SCHEMA, TOKENS, settings_of

from freehold.runtime.http_protocol import OneWriteProtocol
from freehold.runtime.rest.app import RestApp
from freehold.runtime.services import open_services
from freehold.testing import database as databases

BATCH = 20_000
PARALLEL = 8
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
TABLES = (
    "customers", "projects", "tasks", "tags", "task_tags", "profiles", "open_tasks", "readings", "vault", "sealed",
    "hidden.things", "things", "pg_authid", "rpc/projects_of", "rpc/sum_of", "rpc/add_customer", "rpc/whoami",
    "rpc/refuse", "rpc/pg_sleep", "rpc/note", "rpc/", "", "nowhere", "a/b", "%00", "%ff", "projects%20", "..%2f",
)  # fmt: skip
KNOWN = 9
"""So many of them exist and are for the callers."""
VALID = (
    "", "select=*", "limit=1", "id=eq.1", "order=id.desc", "select=id", "id=gt.1&limit=2",
    "select=id,title,tasks(title,tags(name))&order=id.desc&limit=2", "select=*,customers!inner(*)&customers.name=like.A*",
    "or=(id.eq.1,and(id.gt.2,not.title.is.null))", "select=title,count()", 'id=in.(1,2,"3")', "labels=cs.{web}",
    "details->>city=eq.Oslo&select=details->tier->level", "title=fts(english).site", "select=...projects(title)",
    "columns=id,name&on_conflict=id", "starts_at=gte.2020-01-01&order=starts_at.nullslast", "tasks.order=id&tasks.limit=1",
    "select=id::text,budget::int", "numbers=1&numbers=2", "customer=1&select=title", "owner=eq.{ben}",
)  # fmt: skip
PIECES = (
    "*", "id", "title", "name", "details", "labels", "secret", "owner", "tasks(", "customers(", "vault(*)", "sealed(*)",
    "profiles!", "tags(", "...", ")", "(", ",", ".", ":", "::", "int", "text", "regclass", "->", "->>", "0", "-1",
    "99999999999999999999", "eq.", "in.(", "is.null", "is.", "not.", "cs.{", "}", "ov.", "fts.", "like.*", "match.[",
    "(any)", "asc", ".desc", ".nullslast", "count()", "sum()", "!inner", "!left", '"', "\\", "'", "--", "/*", ";", "%00",
    "%ff", "%", "&", "=", "é", "☃", "%F0%9F%98%80", " ", "+", "%0a", "$1", "' or '1'='1", "pg_sleep(9)", "current_user",
)  # fmt: skip
NAMES = (
    "select", "order", "limit", "offset", "or", "and", "not.or", "not.and", "id", "title", "labels", "details->>city",
    "tasks.order", "tasks.limit", "tasks.id", "tasks.or", "columns", "on_conflict", "customer", "numbers", '"odd name"',
    "secret", "owner", "", "%00",
)  # fmt: skip
PREFERENCES = (
    "", "count=exact", "count=planned", "count=estimated", "return=representation", "return=minimal",
    "return=headers-only", "missing=default", "resolution=merge-duplicates", "resolution=ignore-duplicates",
    "handling=strict", "handling=lenient", "max-affected=1", "max-affected=-1", "tx=rollback", "timezone=Mars/Moon",
    "timezone=Europe/Oslo", "wat", "=,=", "\x7f",
)  # fmt: skip
ACCEPTS = (
    "*/*", "application/json", "application/vnd.pgrst.object+json", "application/vnd.pgrst.object+json;nulls=stripped",
    "application/vnd.pgrst.array+json;nulls=stripped", "text/csv", "application/geo+json", "image/png", ",;q=x", "a/b/c",
    "application/vnd.pgrst.plan+json", "application/openapi+json", "text/xml", "application/octet-stream",
)  # fmt: skip
TYPES = (
    "application/json", "application/json", "application/json", "text/csv", "application/x-www-form-urlencoded",
    "text/plain", "text/xml", "application/octet-stream", "x", "",
)  # fmt: skip
RANGES = ("", "0-1", "5-", "9-1", "x", "-5", "0-99999999999999999999", "1-2,3-4")
BODIES = (
    "", "{}", "[]", "null", "[1]", "true", '"x"', "{", '{"id":1}', '[{"id":5,"name":"x"},{"id":6,"name":"y"}]',
    '[{"id":5},{"name":"y"}]', '{"name":"\\u0000"}', '{"name":"\\ud800"}', '{"name":1e400}', '{"id":99999999999999999999}',
    '{"numbers":[1,2]}', '{"customer":"x"}', "id,name\n7,seven\n", 'id,name\n7,"se\nven"\n', 'id,name\n7,"\n', "id\n1,2\n",
    "id=8&name=eight", "id=%ff", '{"details":{"a":[[[]]]}}', '{"name":"n","details":{"x":1}}', '{"reason":"because"}',
    '{"id":1,"owner":"{ben}","secret":"x"}', "\ufeff{}", '{"a":NaN}', '{"name":"a","name":"b"}', "name\nNULL\n",
)  # fmt: skip
METHODS = ("GET",) * 8 + ("HEAD", "POST", "POST", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "TRACE", "PROPFIND")
CALLERS = ("ann",) * 8 + ("anon", "nobody", "wrong")


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


class Fuzz:
    """Makes requests from a seed, so that a run can be repeated."""

    def __init__(self, seed: int) -> None:
        """Begin at a seed."""
        self._random = random.Random(seed)

    def request(self) -> tuple[str, str, str, list[tuple[bytes, bytes]], bytes]:
        """Give method, path, query, headers and body."""
        choose = self._random.choice
        method = choose(METHODS)
        table = choose(TABLES[:KNOWN]) if self._random.random() < 0.75 else choose(TABLES)
        headers = [
            (b"prefer", f"{choose(PREFERENCES)},{choose(PREFERENCES)}".encode()), (b"accept", choose(ACCEPTS).encode()),
            (b"content-type", choose(TYPES).encode()), (b"range", choose(RANGES).encode()),
            (choose((b"accept-profile", b"content-profile", b"x")), choose((b"public", b"hidden", b"x", b"\xff"))),
        ]  # fmt: skip
        kept = [item for item in headers if item[1] and self._random.random() < 0.25]
        return method, "/" + table, self._query(), kept + self._caller(), self._body()

    def _caller(self) -> list[tuple[bytes, bytes]]:
        who = self._random.choice(CALLERS)
        if who == "nobody":
            return []
        token = self._mutated(TOKENS["ann"]) if who == "wrong" else TOKENS[who]
        return [(b"apikey", ANON_KEY.encode()), (b"authorization", f"Bearer {token}".encode("utf-8", "replace"))]

    def _query(self) -> str:
        draw = self._random.random()
        if draw < 0.35:
            return self._random.choice(VALID).replace("{ben}", BEN)
        if draw < 0.7:
            return self._mutated(self._random.choice(VALID))
        if draw < 0.72:
            depth = self._random.randrange(1, 400)
            return "select=" + "tasks(" * depth + "id" + ")" * depth
        if draw < 0.74:
            depth = self._random.randrange(1, 400)
            return "or=" + "(and" * depth + "(id.eq.1)" + ")" * depth
        count = self._random.randrange(4)
        return "&".join(
            f"{self._random.choice(NAMES)}={''.join(self._random.choices(PIECES, k=self._random.randrange(7)))}"
            for _ in range(count)
        )

    def _mutated(self, text: str) -> str:
        for _ in range(self._random.randrange(1, 4)):
            place = self._random.randrange(len(text) + 1)
            end = min(len(text), place + self._random.randrange(4))
            text = text[:place] + self._random.choice(("", *PIECES)) + text[end:]
        return text

    def _body(self) -> bytes:
        draw = self._random.random()
        if draw < 0.8:
            return self._random.choice(BODIES).replace("{ben}", BEN).encode("utf-8", "replace")
        if draw < 0.9:
            return self._mutated(self._random.choice(BODIES)).encode("utf-8", "replace")
        if draw < 0.93:
            depth = self._random.randrange(1, 3000)
            return b'{"name":"n","details":' + b"[" * depth + b"]" * depth + b"}"
        return self._random.randbytes(self._random.randrange(200))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--http-every", type=int, default=100, help="1 sends all requests over HTTP too.")
    options = parser.parse_args()
    with databases.fresh_database() as database:
        with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
            owner.execute(SCHEMA)
            owner.execute(HOSTILE.replace("{ben}", BEN).replace("{canary}", CANARY))
        found = uvloop.run(_run(database, options))
    for example in found.examples:
        print(example)
    print("found:", dict(found) or "nothing")
    sys.exit(1 if found else 0)


async def _run(database: databases.FreshDatabase, options: argparse.Namespace) -> Found:
    services = open_services(settings_of(database, pool_size=PARALLEL, require_apikey=False))
    app = RestApp(services)
    await app.start()
    found, statuses, over_http = Found(), collections.Counter[int](), collections.Counter[str]()
    requests, seed = options.requests, options.seed
    started = time.monotonic()
    with (
        psycopg.connect(database.superuser_dsn, autocommit=True) as admin,
        socket.create_server(("127.0.0.1", 0)) as port,
    ):
        server = uvicorn.Server(
            uvicorn.Config(app, lifespan="off", log_level="critical", http=OneWriteProtocol, ws="none")
        )
        serving = asyncio.create_task(server.serve(sockets=[port]))
        done = 0
        while done < requests:
            count = min(BATCH, requests - done)
            fuzzers = [Fuzz(seed * 1_000_003 + done + number) for number in range(PARALLEL)]
            share = count // PARALLEL
            address = port.getsockname()
            batches = [_batch(app, each, share, found, statuses) for each in fuzzers]
            asked = [item for batch in await asyncio.gather(*batches) for item in batch]
            wanted = asked[:: options.http_every]
            await asyncio.gather(*(_sent(address, wanted[n::PARALLEL], found, over_http) for n in range(PARALLEL)))
            done += count
            _look(admin, found)
            rate = done / (time.monotonic() - started)
            print(f"{done:9d} requests, {rate:6.0f}/s, found {dict(found) or 'nothing'}, "
                  f"memory {_memory_megabytes():.0f} MB, statuses {dict(sorted(statuses.items()))}, "
                  f"over HTTP {dict(sorted(over_http.items()))}", flush=True)  # fmt: skip
        server.should_exit = True
        await serving
    await app.stop()
    for pool in (services.rest, services.auth, services.storage):
        await pool.close()
    return found


async def _batch(
    app: RestApp, fuzz: Fuzz, count: int, found: Found, statuses: "collections.Counter[int]"
) -> list[tuple[Any, ...]]:
    sent = []
    for _ in range(count):
        asked = fuzz.request()
        sent.append(asked)
        try:
            status, headers, body = await asyncio.wait_for(_ask(app, *asked), 30)
        except Exception as error:  # noqa: BLE001 - anything that gets out of the application is what is looked for
            found.add("exception", f"{type(error).__name__} {error} for {asked}")
            continue
        statuses[status] += 1
        _judge(asked, status, headers, body, found)
    return sent


async def _sent(
    address: tuple[str, int], requests: list[tuple[Any, ...]], found: Found, statuses: "collections.Counter[str]"
) -> None:
    for asked in requests:
        statuses[await _over_http(address, asked, found)] += 1


def _judge(asked: tuple[Any, ...], status: int, headers: list[tuple[bytes, bytes]], body: bytes, found: Found) -> None:
    if CANARY.encode() in body + b"".join(value for _, value in headers):
        found.add("canary", asked)
    if any(mark in value for _, value in headers for mark in (b"\r", b"\n", b"\0")):
        found.add("broken header", asked)
    if status >= 400 and body:
        try:
            keys = sorted(json.loads(body))
        except ValueError:
            keys = []
        if keys != ["code", "details", "hint", "message"]:
            found.add("error without its four keys", (asked, body[:200]))
    if status >= 500:
        found.add("500", (asked, body[:300]))


async def _ask(  # noqa: PLR0913, PLR0917 - a request's parts
    app: RestApp, method: str, path: str, query: str, headers: list[tuple[bytes, bytes]], body: bytes
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    messages: list[dict[str, Any]] = []
    incoming = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        try:
            return next(incoming)
        except StopIteration:
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "root_path": "",
        "raw_path": path.encode("utf-8", "replace"), "query_string": query.encode("utf-8", "replace"),
        "headers": [(b"host", b"x"), *headers],
    }  # fmt: skip
    await app(scope, receive, send)
    return messages[0]["status"], list(messages[0]["headers"]), b"".join(item.get("body", b"") for item in messages)


async def _over_http(address: tuple[str, int], asked: tuple[Any, ...], found: Found) -> str:
    """Send one request on a connection of its own; give the answer's status."""
    method, path, query, headers, body = asked
    lines = [f"{method} {path}?{query} HTTP/1.1".encode("utf-8", "replace"), b"host: x", b"connection: close"]
    lines += [name + b": " + value for name, value in headers]
    lines.append(b"content-length: %d" % len(body))
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        answer = await asyncio.wait_for(reader.read(-1), 30)
    except ConnectionError:
        return "reset"
    except TimeoutError:
        found.add("no answer over HTTP", asked)
        return "none"
    finally:
        writer.transport.abort()
    if answer[9:10] == b"5":
        found.add("500 over HTTP", (asked, answer[:300]))
    if CANARY.encode() in answer:
        found.add("canary over HTTP", asked)
    head, end, content = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head)
    if not end or (length is not None and method != "HEAD" and len(content) != int(length[1])):
        found.add("answer cut short over HTTP", (asked, answer[:300]))
    return answer[9:12].decode("latin-1")


def _look(admin: "psycopg.Connection[Any]", found: Found) -> None:
    """Ask PostgreSQL what was left behind."""
    mine = "usename = 'authenticator' and datname = current_database()"
    left = admin.execute(f"select state, query from pg_stat_activity where {mine} and state <> 'idle'").fetchall()
    for state, query in left:
        found.add("connection left", (state, query[:200]))
    many = admin.execute(f"select count(*) from pg_stat_activity where {mine}").fetchone()
    if many is None or many[0] > PARALLEL + 1:
        found.add("too many connections", many)
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


def _memory_megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
