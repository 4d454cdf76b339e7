"""Many users at once on one runtime, in every way an app asks: nobody may ever get what is another's.

Each user has a mark, a row, a file and a token. Calls of all users and kinds are shuffled and run many at a time over
few database connections, one function process and one server process. Every answer has to hold its caller's mark
and no other.
"""

import asyncio
import contextlib
import json
import random
import re
import socket
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psycopg
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from freehold.core.secret import Secret
from freehold.kit import programs
from freehold.runtime.app import RuntimeApp
from freehold.runtime.settings import FunctionSettings, ServerSettings, Settings
from freehold.testing.database import FreshDatabase

SECRET = "a-secret-of-at-least-thirty-two-characters"  # noqa: S105 - of a test's own database
FAR_FUTURE = 4102444800
AT_ONCE = 64
SHORTEST_WAIT_SECONDS = 60
MARK = re.compile(r"mark-[0-9a-f]{12}")
SCHEMA = """
create table public.notes (id bigint generated always as identity primary key, owner uuid not null, title text);
alter table public.notes enable row level security;
create policy own on public.notes for all to authenticated using (owner = auth.uid()) with check (owner = auth.uid());
grant all on public.notes to anon, authenticated;
create table public.seen (id bigint generated always as identity, owner uuid default auth.uid(), title text);
alter table public.seen enable row level security;
create policy own on public.seen for all to authenticated using (owner = auth.uid()) with check (owner = auth.uid());
grant all on public.seen to anon, authenticated;
create function public.mine() returns text language sql stable
  as $$ select string_agg(title, ',') from public.notes $$;
"""
POLICY = """
create policy own_folder on storage.objects for all to authenticated
using (bucket_id = 'files' and (storage.foldername(name))[1] = auth.uid()::text)
with check (bucket_id = 'files' and (storage.foldername(name))[1] = auth.uid()::text);
insert into storage.buckets (id, name) values ('files', 'files');
"""
ASK = """
async function mine(token) {
  const headers = { apikey: ENV("SUPABASE_ANON_KEY"), "content-type": "application/json" };
  if (token) headers.authorization = token;
  const rows = await fetch(ENV("SUPABASE_URL") + "/rest/v1/notes?select=title", { headers });
  await new Promise((next) => setTimeout(next, Math.random() * 5));
  const call = await fetch(ENV("SUPABASE_URL") + "/rest/v1/rpc/mine", { method: "POST", headers, body: "{}" });
  return (await rows.text()) + (await call.text());
}
"""
FUNCTION = (
    ASK.replace("ENV(", "Deno.env.get(")
    + 'Deno.serve(async (request) => new Response(await mine(request.headers.get("authorization"))));\n'
)
SERVER = (
    'import http from "node:http";\n'
    + re.sub(r'ENV\("(\w+)"\)', r"process.env.\1", ASK)
    + "http.createServer(async (request, response) => {\n"
    '  const cookie = /session=([^;]+)/.exec(request.headers.cookie ?? "");\n'
    "  response.end('<p>' + (await mine(cookie && 'Bearer ' + cookie[1])) + '</p>');\n"
    "}).listen(process.env.PORT);\n"
)


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody who calls; nobody signed in when `token` is ""."""

    id: str
    mark: str
    token: str = ""


@dataclass
class Outcome:
    """What was asked how often, and every answer that was wrong."""

    calls: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class World:
    """A served runtime and who calls it."""

    url: str
    http: aiohttp.ClientSession
    users: tuple[User, ...]

    def headers(self, user: User) -> dict[str, str]:
        """What supabase-js sends."""
        bearer = {"authorization": f"Bearer {user.token}"} if user.token else {}
        return {"apikey": "sb_publishable_test", **bearer}

    async def text(  # noqa: PLR0913 - what a request is made of, by name
        self,
        user: User,
        method: str,
        path: str,
        *,
        json: object = None,
        data: str | None = None,
        prefer: str = "",
    ) -> str:
        """The answer's status and body."""
        headers = self.headers(user) | ({"prefer": prefer} if prefer else {})
        async with self.http.request(method, self.url + path, headers=headers, json=json, data=data) as answer:
            return f"{answer.status} {await answer.text()}"


Kind = Callable[[World, User], Awaitable[str]]


async def run(database: FreshDatabase, folder: Path, *, calls: int, users: int, seed: int = 1) -> Outcome:
    """Make `calls` calls of `users` users and of nobody; gives what was wrong."""
    crowd = _users(users)
    _lay_out(database, crowd)
    outcome = Outcome()
    async with _served(database, folder) as url, aiohttp.ClientSession() as http:
        world = World(url, http, crowd)
        for user in crowd:
            await world.text(user, "POST", f"/storage/v1/object/files/{user.id}/note.txt", data=user.mark)
        chance = random.Random(seed)  # noqa: S311 - an order, no secret
        nobody = User(id="", mark="")
        work = [(kind, (*crowd, nobody)[at % (users + 1)]) for at in range(calls) for kind in [_kind(at, users)]]
        chance.shuffle(work)
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(_judge(world, kind, user, gate, outcome) for kind, user in work))
    return outcome


def _kind(at: int, users: int) -> str:
    """Give every user every kind in turn."""
    names = [*KINDS]
    return names[(at // (users + 1)) % len(names)]


async def _judge(world: World, kind: str, user: User, gate: asyncio.Semaphore, outcome: Outcome) -> None:
    async with gate:
        said = await KINDS[kind](world, user)
    outcome.calls[kind] += 1
    others = {*MARK.findall(said)} - {user.mark}
    ids = [other.id for other in world.users if other.id != user.id and other.id in said]
    if others or ids or (user.token and user.mark not in said):
        outcome.wrong.append(f"{kind} of {user.mark or 'nobody'} got {said[:200]}")


async def _rows(world: World, user: User) -> str:
    return await world.text(user, "GET", "/rest/v1/notes?select=owner,title")


async def _call(world: World, user: User) -> str:
    return await world.text(user, "POST", "/rest/v1/rpc/mine", json={})


async def _write(world: World, user: User) -> str:
    """Insert a row whose owner the database fills in, and read it back."""
    body = {"title": user.mark}
    return await world.text(user, "POST", "/rest/v1/seen", json=body, prefer="return=representation")


async def _file(world: World, user: User) -> str:
    owner = user if user.token else world.users[0]
    return await world.text(user, "GET", f"/storage/v1/object/authenticated/files/{owner.id}/note.txt")


async def _others_file(world: World, user: User) -> str:
    """Another's file, which must not come; the caller's own mark is added, as every answer has to hold it."""
    other = world.users[(world.users.index(user) + 1) % len(world.users)] if user.token else world.users[0]
    said = await world.text(user, "GET", f"/storage/v1/object/authenticated/files/{other.id}/note.txt")
    return said.replace(other.id, "") + user.mark


async def _function(world: World, user: User) -> str:
    return await world.text(user, "POST", "/functions/v1/mine", json={})


async def _page(world: World, user: User) -> str:
    cookie = {"cookie": f"session={user.token}"} if user.token else {}
    async with world.http.get(world.url + "/", headers=cookie) as answer:
        return f"{answer.status} {await answer.text()}"


KINDS: Mapping[str, Kind] = {
    "rows": _rows,
    "function in SQL": _call,
    "write": _write,
    "file": _file,
    "another's file": _others_file,
    "edge function": _function,
    "page": _page,
}


def _users(count: int) -> tuple[User, ...]:
    made = []
    for _ in range(count):
        number = str(uuid.uuid4())
        made.append(User(id=number, mark=f"mark-{uuid.uuid4().hex[:12]}", token=_token(sub=number)))
    return tuple(made)


def _token(role: str = "authenticated", **claims: object) -> str:
    return jwt.encode({"alg": "HS256"}, {"exp": FAR_FUTURE, "role": role, **claims}, OctKey.import_key(SECRET))


def _lay_out(database: FreshDatabase, users: tuple[User, ...]) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute(SCHEMA)
        for user in users:
            owner.execute("insert into public.notes (owner, title) values (%s, %s)", [user.id, user.mark])
    with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
        admin.execute(POLICY)


def settings(database: FreshDatabase, folder: Path, url: str) -> Settings:
    """A runtime with one function and a server of the app's own, four connections a protocol."""
    function = folder / "functions/mine"
    entry = "supabase/functions/mine/index.ts"
    (function / entry).parent.mkdir(parents=True)
    (function / entry).write_text(FUNCTION)
    (function / "deno.json").write_text("{}")
    server = folder / "server"
    server.mkdir()
    (server / "index.mjs").write_text(SERVER)
    key = ECKey.generate_key("P-256", {"kid": "test"}, private=True)
    return Settings(
        public_url=url,
        rest_dsn=Secret(database.rest_dsn),
        auth_dsn=Secret(database.auth_dsn),
        storage_dsn=Secret(database.storage_dsn),
        jwt_secret=Secret(SECRET),
        signing_key=Secret(json.dumps(key.as_dict(private=True))),
        publishable_key="sb_publishable_test",
        secret_key=Secret("sb_secret_test"),
        anon_jwt=_token("anon"),
        service_role_jwt=Secret(_token("service_role")),
        storage_directory=folder / "storage",
        functions=(
            FunctionSettings(name="mine", directory=function, entry=entry, verify_jwt=False, import_map="deno.json"),
        ),
        function_state_directory=folder / "state",
        deno=str(programs.deno()),
        server=ServerSettings(directory=server, entry="index.mjs", reads=("SUPABASE_URL", "SUPABASE_ANON_KEY", "PORT")),
        node=str(programs.node().node),
        pool_size=4,
    )


@contextlib.asynccontextmanager
async def _served(database: FreshDatabase, folder: Path) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = RuntimeApp(settings(database, folder, url))
        config = uvicorn.Config(
            app, lifespan="on", log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(SHORTEST_WAIT_SECONDS):
            while not server.started:  # noqa: ASYNC110 - uvicorn says so in a plain field
                await asyncio.sleep(0.01)
        try:
            yield url
        finally:
            server.should_exit = True
            await task
