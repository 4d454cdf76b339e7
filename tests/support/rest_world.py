"""`/rest/v1` as people meet it: a server on a real port over a database of its own, with two users and strangers."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from freehold.core.secret import Secret
from freehold.runtime.rest.app import RestApp
from freehold.runtime.services import Services, open_services
from freehold.runtime.settings import Settings
from freehold.testing.database import FreshDatabase

PREFIX = "/rest/v1"
SECRET = "a secret of more than thirty-two characters"
ANN = "317eadce-631a-4429-a0bb-f19a7a517b4a"
BEN = "4d56e902-f0a0-4662-8448-a4d9e643c142"
FAR_FUTURE = 4_000_000_000
SCHEMA = Path(__file__).with_name("rest_world.sql").read_text()


def signed(**claims: object) -> str:
    """A token by the server's HS256 secret, as the keys of a Supabase project are."""
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, {"exp": FAR_FUTURE, **claims}, OctKey.import_key(SECRET))


ANON_KEY = signed(role="anon")
SERVICE_KEY = signed(role="service_role")
TOKENS = {
    "anon": ANON_KEY,
    "service": SERVICE_KEY,
    "ann": signed(role="authenticated", sub=ANN, email="ann@example.com"),
    "ben": signed(role="authenticated", sub=BEN, email="ben@example.com"),
}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class World:
    """A running server and its database."""

    url: str
    services: Services
    app: RestApp
    admin: psycopg.Connection[Any]
    http: aiohttp.ClientSession
    tokens: dict[str, str] = field(default_factory=lambda: dict(TOKENS))

    async def ask(
        self, who: str, path: str, *, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request by "ann", "ben", "anon", "service" or "nobody" (who sends no key)."""
        sent = {**self.headers(who), **(headers or {})}
        data = body if body is None or isinstance(body, str | bytes) else json.dumps(body)
        if method != "GET":
            sent.setdefault("content-type", "application/json")
        async with self.http.request(method, self.url + path, data=data, headers=sent) as answer:
            return Answer(
                answer.status, {name.lower(): value for name, value in answer.headers.items()}, await answer.read()
            )

    def headers(self, who: str) -> dict[str, str]:
        if who == "nobody":
            return {}
        return {"apikey": ANON_KEY, "authorization": f"Bearer {self.tokens.get(who, who)}"}

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.admin.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something has happened."""
        async with asyncio.timeout(60):
            while not true():  # noqa: ASYNC110 - what is waited for happens in PostgreSQL
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def rest_world(database: FreshDatabase, **settings: Any) -> AsyncIterator[World]:
    """Start everything, with the tables of rest_world.sql, and take it down again."""
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute(SCHEMA)
    with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
        services = open_services(settings_of(database, **settings))
        app = RestApp(services)
        await app.start()
        try:
            async with _served(app) as url, aiohttp.ClientSession() as http:
                yield World(url, services, app, admin, http)
        finally:
            await app.stop()
            for pool in (services.rest, services.auth, services.storage):
                await pool.close()


def settings_of(database: FreshDatabase, **more: Any) -> Settings:
    """The runtime's settings for a test's database."""
    key = ECKey.generate_key("P-256", {"kid": "test"}, private=True)
    settings = Settings(
        public_url="http://127.0.0.1",
        rest_dsn=Secret(database.rest_dsn),
        auth_dsn=Secret(database.auth_dsn),
        storage_dsn=Secret(database.storage_dsn),
        jwt_secret=Secret(SECRET),
        signing_key=Secret(json.dumps(key.as_dict(private=True))),
        publishable_key="sb_publishable_test",
        secret_key=Secret("sb_secret_test"),
        anon_jwt=ANON_KEY,
        service_role_jwt=Secret(SERVICE_KEY),
        pool_size=4,
    )
    return replace(settings, **more)


@contextlib.asynccontextmanager
async def _served(app: RestApp) -> AsyncIterator[str]:
    async def below_prefix(scope: Any, receive: Any, send: Any) -> None:
        inner = {**scope, "path": scope["path"][len(PREFIX) :], "raw_path": scope["raw_path"][len(PREFIX) :]}
        await app(inner, receive, send)

    config = uvicorn.Config(below_prefix, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # the socket listens from here on: a client that comes before the server is up waits for it
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}{PREFIX}"
        finally:
            server.should_exit = True
            await task
