"""`/realtime/v1` as people meet it: a server on a real port over a database of its own, and the workers behind it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import psycopg
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from freehold.core.secret import Secret
from freehold.runtime.app import RuntimeApp
from freehold.runtime.settings import Settings
from freehold.testing.database import FreshDatabase

SECRET = "a secret of more than thirty-two characters"
ANN = "317eadce-631a-4429-a0bb-f19a7a517b4a"
BEN = "4d56e902-f0a0-4662-8448-a4d9e643c142"
FAR_FUTURE = 4_000_000_000
PATIENCE_SECONDS = 60
SCHEMA = """
create table public.notes (
  id bigint generated always as identity primary key,
  owner uuid not null,
  title text not null,
  secret text,
  done boolean not null default false,
  amount numeric(12, 2),
  tags text[],
  extra jsonb,
  made timestamptz not null default '2026-03-04 05:06:07.89+00'
);
alter table public.notes enable row level security;
alter table public.notes replica identity full;
create policy own on public.notes for all to authenticated using (owner = auth.uid());
revoke select on public.notes from anon, authenticated;
grant select (id, owner, title, done, amount, tags, extra, made) on public.notes to anon, authenticated;
create table public.news (id int primary key, title text, body text);
create table public.keyless (title text);
alter table public.keyless enable row level security;
alter table public.keyless replica identity full;
create table public.unheard (id int primary key);
alter publication supabase_realtime add table public.notes, public.news, public.keyless;
create policy read_own_room on realtime.messages for select to authenticated
  using (realtime.topic() = 'room-' || auth.uid()::text);
create policy write_own_room on realtime.messages for insert to authenticated
  with check (realtime.topic() = 'room-' || auth.uid()::text and extension in ('broadcast', 'presence'));
"""


def signed(**claims: object) -> str:
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, {"exp": FAR_FUTURE, **claims}, OctKey.import_key(SECRET))


ANON_KEY = signed(role="anon")
SERVICE_KEY = signed(role="service_role")
TOKENS = {
    "anon": ANON_KEY,
    "service": SERVICE_KEY,
    "ann": signed(role="authenticated", sub=ANN),
    "ben": signed(role="authenticated", sub=BEN),
}


def settings_for(database: FreshDatabase, url: str, **changes: Any) -> Settings:
    key = ECKey.generate_key("P-256", {"kid": "test"}, private=True)
    made = Settings(
        public_url=url,
        rest_dsn=Secret(database.rest_dsn),
        auth_dsn=Secret(database.auth_dsn),
        storage_dsn=Secret(database.storage_dsn),
        jobs_dsn=Secret(database.owner_dsn),
        jwt_secret=Secret(SECRET),
        signing_key=Secret(json.dumps(key.as_dict(private=True))),
        publishable_key="sb_publishable_test",
        secret_key=Secret("sb_secret_test"),
        anon_jwt=ANON_KEY,
        service_role_jwt=Secret(SERVICE_KEY),
        pool_size=4,
    )
    return replace(made, **changes)


class Client:
    """One WebSocket that speaks Phoenix; every frame it gets is kept in `heard` as (topic, event, payload, ref)."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, version: str) -> None:
        self.socket = socket
        self.version = version
        self.heard: list[tuple[str, str, Any, Any]] = []
        self.binary: list[bytes] = []
        self._changed = asyncio.Event()
        self._ref = 0
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type == aiohttp.WSMsgType.BINARY:
                self.binary.append(message.data)
                data = message.data
                topic, event, meta = data[1], data[2], data[3]
                start = 5 + topic + event + meta
                content = json.loads(data[start:]) if data[4] else data[start:]
                payload = {
                    "type": "broadcast",
                    "event": data[5 + topic : 5 + topic + event].decode(),
                    "payload": content,
                }
                if meta:
                    payload["meta"] = json.loads(data[5 + topic + event : start])
                self.heard.append((data[5 : 5 + topic].decode(), "broadcast", payload, None))
            elif self.version == "2.0.0":
                _, ref, topic, event, payload = json.loads(message.data)
                self.heard.append((topic, event, payload, ref))
            else:
                frame = json.loads(message.data)
                self.heard.append((frame["topic"], frame["event"], frame["payload"], frame["ref"]))
            self._changed.set()
        self._changed.set()

    async def say(self, topic: str, event: str, payload: Any, join_ref: str | None = "1") -> str:
        self._ref += 1
        ref = str(self._ref)
        if self.version == "2.0.0":
            await self.socket.send_json([join_ref, ref, topic, event, payload])
        else:
            frame = {"topic": topic, "event": event, "payload": payload, "ref": ref, "join_ref": join_ref}
            await self.socket.send_json(frame)
        return ref

    async def ask(self, topic: str, event: str, payload: Any, join_ref: str | None = "1") -> dict[str, Any]:
        """Push, and give the reply's payload."""
        ref = await self.say(topic, event, payload, join_ref)
        (reply,) = await self.until(lambda: [p for _, e, p, r in self.heard if e == "phx_reply" and r == ref])
        return dict(reply)

    async def join(self, topic: str, token: str | None = None, **config: Any) -> dict[str, Any]:
        payload = {"config": config} | ({"access_token": token} if token else {})
        return await self.ask(f"realtime:{topic}", "phx_join", payload)

    async def listen(self, topic: str, token: str | None = None, **binding: Any) -> None:
        """Join for changes and wait until they are followed."""
        reply = await self.join(topic, token, postgres_changes=[{"event": "*", "schema": "public", **binding}])
        assert reply["status"] == "ok", reply
        await self.until(lambda: [p for p in self.of("system", topic) if p["message"] == "Subscribed to PostgreSQL"])

    def of(self, event: str, topic: str | None = None) -> list[Any]:
        """The payloads of one event."""
        return [p for t, e, p, _ in self.heard if e == event and topic in (None, t.removeprefix("realtime:"))]

    def changes(self) -> list[dict[str, Any]]:
        return [payload["data"] for payload in self.of("postgres_changes")]

    async def until(self, find: Callable[[], Any]) -> Any:
        """Wait until something was heard; gives it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := find()):
                self._changed.clear()
                if self._task.done() and not find():
                    raise AssertionError(f"closed with {self.socket.close_code}: {self.heard}")
                await self._changed.wait()
            return found

    async def closed(self) -> int | None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._task
        return self.socket.close_code


@dataclass
class World:
    """A running server and its database."""

    url: str
    app: RuntimeApp
    admin: psycopg.Connection[Any]
    http: aiohttp.ClientSession
    tokens: dict[str, str] = field(default_factory=lambda: dict(TOKENS))

    async def connect(self, apikey: str = ANON_KEY, version: str = "2.0.0") -> Client:
        address = f"{self.url}/realtime/v1/websocket?apikey={apikey}&vsn={version}"
        return Client(await self.http.ws_connect(address, max_msg_size=0), version)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.admin.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []

    async def until(self, true: Callable[[], Any]) -> Any:
        """Wait until something is so in the database."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := true()):  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.05)
            return found


@contextlib.asynccontextmanager
async def realtime_world(database: FreshDatabase, **settings: Any) -> AsyncIterator[World]:
    """Start everything, with the tables above, and take it down again."""
    with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
        lay_out(database)
        async with served(database, **settings) as (url, app), aiohttp.ClientSession() as http:
            yield World(url, app, admin, http)


def lay_out(database: FreshDatabase) -> None:
    """Make the tables above, as an app's migrations do; the policies on messages are the administrator's."""
    tables, _, policies = SCHEMA.partition("create policy read_own_room")
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute(tables)
    with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
        admin.execute("create policy read_own_room" + policies)


@contextlib.asynccontextmanager
async def served(database: FreshDatabase, **settings: Any) -> AsyncIterator[tuple[str, RuntimeApp]]:
    """One runtime in this process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = RuntimeApp(settings_for(database, url, **settings))
        config = uvicorn.Config(
            app, lifespan="on", log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not server.started:  # noqa: ASYNC110 - uvicorn says so in a plain field
                await asyncio.sleep(0.01)
        try:
            yield url, app
        finally:
            server.should_exit = True
            await task
