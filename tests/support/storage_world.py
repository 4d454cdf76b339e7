"""Storage as people meet it: a server on a real port over a database of its own, with two users and strangers."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from freehold.core.secret import Secret
from freehold.runtime.services import Services, open_services
from freehold.runtime.settings import Settings
from freehold.runtime.storage.app import StorageApp
from freehold.testing.database import FreshDatabase

PREFIX = "/storage/v1"
SECRET = "a secret of more than thirty-two characters"
ANN = "317eadce-631a-4429-a0bb-f19a7a517b4a"
BEN = "4d56e902-f0a0-4662-8448-a4d9e643c142"
FAR_FUTURE = 4_000_000_000
FILE_SIZE_LIMIT = 1_000_000


def signed(**claims: object) -> str:
    """A token by the server's HS256 secret, as the keys of a Supabase project are."""
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, {"exp": FAR_FUTURE, **claims}, OctKey.import_key(SECRET))


ANON_KEY = signed(role="anon")
SERVICE_KEY = signed(role="service_role")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The storage error's code, "" for an answer that is none."""
        return str(self.json.get("code", "")) if self.status >= 400 else ""


@dataclass
class World:
    """A running server, its database and its folder."""

    url: str
    folder: Path
    services: Services
    admin: psycopg.Connection[Any]
    http: aiohttp.ClientSession
    tokens: dict[str, str] = field(default_factory=dict)

    async def ask(
        self,
        who: str,
        method: str,
        path: str,
        *,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        """One request by "ann", "ben", "anon", "service" or "nobody" (who sends no key)."""
        sent = {**self.headers(who), **(headers or {})}
        async with self.http.request(method, self.url + path, data=data, headers=sent, **more) as answer:
            return Answer(
                answer.status, {name.lower(): value for name, value in answer.headers.items()}, await answer.read()
            )

    def headers(self, who: str) -> dict[str, str]:
        if who == "nobody":
            return {}
        token = self.tokens.get(who, who)
        return {"apikey": ANON_KEY, "authorization": f"Bearer {token}"}

    async def upload(self, who: str, path: str, content: Any = b"content", **headers: str) -> Answer:
        sent = {"content-type": "text/plain"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask(who, "POST", f"/object/{path}", data=content, headers=sent)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.admin.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    def bucket(self, name: str, *, public: bool = False) -> None:
        self.sql("insert into storage.buckets (id, name, public) values (%s, %s, %s)", name, name, public)

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


@contextlib.asynccontextmanager
async def storage_world(database: FreshDatabase, folder: Path) -> AsyncIterator[World]:
    """Start everything and take it down again."""
    with _admin(database) as admin:
        services = open_services(_settings(database, folder))
        app = StorageApp(services)
        await app.start()
        async with _served(app) as url, aiohttp.ClientSession(auto_decompress=False) as http:
            world = World(url, folder, services, admin, http)
            world.tokens = {
                "anon": ANON_KEY,
                "service": SERVICE_KEY,
                "ann": services.sessions.mint({"sub": ANN, "role": "authenticated", "exp": FAR_FUTURE}),
                "ben": services.sessions.mint({"sub": BEN, "role": "authenticated", "exp": FAR_FUTURE}),
            }
            yield world
        await app.stop()
        for pool in (services.rest, services.auth, services.storage):
            await pool.close()


OWN_FOLDER = """
create policy "own folder" on storage.objects for all to authenticated
using (bucket_id = 'files' and (storage.foldername(name))[1] = auth.uid()::text)
"""


@contextlib.contextmanager
def _admin(database: FreshDatabase) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute("set storage.allow_delete_query = 'true'")
        yield connection


def _settings(database: FreshDatabase, folder: Path) -> Settings:
    key = ECKey.generate_key("P-256", {"kid": "test"}, private=True)
    return Settings(
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
        storage_directory=folder,
        storage_file_size_limit_bytes=FILE_SIZE_LIMIT,
        pool_size=6,
    )


@contextlib.asynccontextmanager
async def _served(app: StorageApp) -> AsyncIterator[str]:
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
