"""Sign-in as people meet it: a server on a real port over a database of its own, with its mail in a folder."""

import asyncio
import contextlib
import html
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import psycopg
import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey

from freehold.core.secret import Secret
from freehold.platform.credentials import keys
from freehold.runtime.auth.app import AuthApp
from freehold.runtime.mail.mailer import Mailer, open_mailer
from freehold.runtime.services import Services, open_services
from freehold.runtime.settings import Settings
from freehold.testing.database import FreshDatabase, fresh_database

PREFIX = "/auth/v1"
API_VERSION = {"x-supabase-api-version": "2024-01-01"}
PASSWORD = "correct horse"
KEYS = keys.new_keys()


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
        """The error code, "" for an answer that is none."""
        return str(self.json.get("code", "")) if self.status >= 400 else ""

    @property
    def fragment(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.headers["location"]).fragment, keep_blank_values=True))

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.headers["location"]).query, keep_blank_values=True))


@dataclass(frozen=True)
class SentMail:
    """A mail as it arrived."""

    to: str
    subject: str
    code: str
    link: str
    """Path and query of the link, below /auth/v1."""

    @property
    def token(self) -> str:
        return dict(parse_qsl(urlsplit(self.link).query))["token"]


@dataclass
class World:
    """A running server, its database and its mails."""

    url: str
    mail_folder: Path
    services: Services
    admin: psycopg.Connection[Any]
    http: aiohttp.ClientSession

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request with the publishable key; `token` is the bearer."""
        sent = {"apikey": KEYS.publishable_key, **API_VERSION, **(headers or {})}
        if token:
            sent["authorization"] = f"Bearer {token}"
        async with self.http.request(method, self.url + path, json=body, headers=sent, allow_redirects=False) as answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, found, await answer.read())

    async def admin_ask(self, method: str, path: str, body: Any = None) -> Answer:
        """One request with the service_role key."""
        return await self.ask(method, path, body, KEYS.service_role_jwt.reveal())

    async def sign_up(self, email: str, password: str = PASSWORD, **more: Any) -> Any:
        answer = await self.ask("POST", "/signup", {"email": email, "password": password, **more})
        assert answer.status == 200, answer.body
        return answer.json

    async def sign_in(self, email: str, password: str = PASSWORD) -> Answer:
        return await self.ask("POST", "/token?grant_type=password", {"email": email, "password": password})

    async def refresh(self, token: str) -> Answer:
        return await self.ask("POST", "/token?grant_type=refresh_token", {"refresh_token": token})

    def mails(self, to: str = "") -> list[SentMail]:
        """Every mail so far, or those to one address, oldest first."""
        found = [_mail(json.loads(file.read_text())) for file in sorted(self.mail_folder.glob("*.json"))]
        return [mail for mail in found if not to or mail.to == to]

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.admin.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@contextlib.asynccontextmanager
async def auth_world(
    folder: Path, auth: Mapping[str, object] | None = None, *, mailer: Mailer | None = None, **more: Any
) -> AsyncIterator[World]:
    """Serve /auth/v1 with this [auth] table over a fresh database."""
    with fresh_database() as database, _admin(database) as admin:
        settings = make_settings(database, folder, auth or {}, **more)
        services = open_services(settings)
        app = AuthApp(services, mailer or open_mailer(settings))
        await app.start()
        try:
            async with _served(app) as url, aiohttp.ClientSession() as http:
                yield World(url, settings.mail_directory, services, admin, http)
        finally:
            await app.stop()
            await services.auth.close()


def make_settings(database: FreshDatabase, folder: Path, auth: Mapping[str, object], **more: Any) -> Settings:
    """Settings as `freehold up` would write them."""
    return Settings(
        public_url=more.pop("public_url", "https://app.example.com"),
        rest_dsn=Secret(database.rest_dsn),
        auth_dsn=Secret(database.auth_dsn),
        storage_dsn=Secret(database.storage_dsn),
        jwt_secret=KEYS.jwt_secret,
        signing_key=KEYS.signing_key,
        publishable_key=KEYS.publishable_key,
        secret_key=KEYS.secret_key,
        anon_jwt=KEYS.anon_jwt,
        service_role_jwt=KEYS.service_role_jwt,
        mail_directory=folder / "mail",
        pool_size=6,
        auth={"email": {"max_frequency": "0s"}, **auth},
        **more,
    )


def hmac_token(**claims: object) -> str:
    """A token by the project's HS256 secret."""
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, OctKey.import_key(KEYS.jwt_secret.reveal()))


def claims_of(token: str) -> dict[str, Any]:
    """What an access token says; its signature is not checked here."""
    import base64  # noqa: PLC0415 - only here

    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def _mail(raw: dict[str, str]) -> SentMail:
    link = re.search(r'href="([^"]+)"', raw["html"])
    code = re.search(r"<strong>(\d+)</strong>", raw["html"])
    address = html.unescape(link[1]) if link else ""
    path = address.partition(PREFIX)[2]
    return SentMail(to=raw["to"], subject=raw["subject"], code=code[1] if code else "", link=path)


@contextlib.contextmanager
def _admin(database: FreshDatabase) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        yield connection


@contextlib.asynccontextmanager
async def _served(app: AuthApp) -> AsyncIterator[str]:
    async def below_prefix(scope: Any, receive: Any, send: Any) -> None:
        inner = {**scope, "path": scope["path"][len(PREFIX) :], "raw_path": scope["raw_path"][len(PREFIX) :]}
        await app(inner, receive, send)

    config = uvicorn.Config(below_prefix, host="127.0.0.1", port=0, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event to wait for
        await asyncio.sleep(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}{PREFIX}"
    finally:
        server.should_exit = True
        await task
