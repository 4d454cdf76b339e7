"""A Base44 app as its users meet it: the whole runtime on a real port over a database of its own."""

import asyncio
import contextlib
import json
import os
import re
import socket
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from freehold.core.inventory import RecordKind
from freehold.core.secret import Secret
from freehold.data import entities
from freehold.runtime.app import RuntimeApp
from freehold.runtime.settings import FunctionSettings, Settings
from freehold.testing.database import FreshDatabase

APP = "0123456789abcdef01234567"
PASSWORD = "correct horse battery"
SECRET = "a-secret-of-at-least-thirty-two-characters"
OWN = {"created_by_id": "{{user.id}}"}
ADMIN = {"user_condition": {"role": "admin"}}
ENTITIES: dict[str, dict[str, Any]] = {
    "Task": {
        "name": "Task",
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "status": {"type": "string", "enum": ["todo", "done"], "default": "todo"},
            "points": {"type": "integer"},
            "urgent": {"type": "boolean", "default": False},
            "tags": {"type": "array", "items": {"type": "string"}},
            "place": {"type": "object", "properties": {"city": {"type": "string"}, "zip": {"type": "number"}}},
            "due": {"type": "string", "format": "date"},
            "note": {"type": "string", "rls": {"read": ADMIN, "write": ADMIN}},
        },
        "required": ["title"],
        "rls": {"create": {"user_condition": {}}, "read": OWN, "update": OWN, "delete": OWN},
    },
    "News": {"name": "News", "type": "object", "properties": {"text": {"type": "string"}, "n": {"type": "number"}}},
    "Shared": {
        "name": "Shared",
        "type": "object",
        "properties": {"owner": {"type": "string"}, "guest": {"type": "string"}, "text": {"type": "string"}},
        "rls": {
            "create": True,
            "read": {"$or": [{"data.owner": "{{user.email}}"}, {"data.guest": "{{user.email}}"}, ADMIN]},
            "update": {"data.owner": "{{user.email}}"},
            "delete": False,
        },
    },
}


@dataclass
class World:
    """`url` is the app's origin; `sql` runs as the database's administrator."""

    url: str
    settings: Settings
    database: FreshDatabase
    http: aiohttp.ClientSession

    def api(self, path: str) -> str:
        return f"{self.url}/api/apps/{APP}/{path}"

    async def ask(
        self, method: str, path: str, body: Any = None, token: str = "", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON body of one call below the app's own API; a path with a leading slash is taken as it is."""
        sent = dict(headers or {}) | ({"authorization": f"Bearer {token}"} if token else {})
        address = self.url + path if path.startswith("/") else self.api(path)
        async with self.http.request(method, address, json=body, headers=sent, allow_redirects=False) as answer:
            content = await answer.read()
            try:
                return answer.status, json.loads(content) if content else None
            except ValueError:
                return answer.status, content.decode("utf-8", "replace")

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.superuser_dsn, autocommit=True) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def code(self, address: str) -> str:
        """The code in the newest mail to an address."""
        files = sorted(self.settings.mail_directory.glob("*.json"), reverse=True)
        mails = [json.loads(file.read_text()) for file in files]
        found = next(mail for mail in mails if mail["to"] == address)
        match = re.search(r"<strong>(\d+)</strong>", found["html"])
        assert match, found["html"]
        return match[1]

    def person(self, name: str, role: str = "user", **more: Any) -> tuple[str, str]:
        """Somebody who is signed in: token and id."""
        identity, subject, moment = os.urandom(12).hex(), str(uuid.uuid4()), "2026-01-01T00:00:00.000Z"
        self.sql(
            "insert into base44.person (id, auth_id, email, full_name, role, created_date, updated_date, _more)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)",
            *(identity, subject, f"{name}@example.com", name, role, moment, moment, json.dumps(more)),
        )
        claims = {"role": "authenticated", "sub": subject, "exp": int(time.time()) + 3600}
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET)), identity

    async def sign_up(self, name: str) -> tuple[str, str]:
        """Somebody who signs up as a person does: token and id."""
        address = f"{name}@example.com"
        status, body = await self.ask("POST", "auth/register", {"email": address, "password": PASSWORD})
        assert status == 200, body
        given = {"email": address, "otp_code": self.code(address)}
        status, body = await self.ask("POST", "auth/verify-otp", given)
        assert status == 200, body
        return body["access_token"], body["id"]

    def service_token(self) -> str:
        """A token such as a function gets."""
        claims = {"role": "service_role", "function": "test", "exp": int(time.time()) + 600}
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


def kinds(schemas: Mapping[str, dict[str, Any]] | None = None, inferred: Sequence[str] = ()) -> list[RecordKind]:
    """Schemas as the builder's reader gives them."""
    given = ENTITIES if schemas is None else schemas
    return [
        *(RecordKind(name=name, kind="entity", schema=schema) for name, schema in given.items()),
        *(RecordKind(name=name, kind="entity", declared=False) for name in inferred),
    ]


@contextlib.asynccontextmanager
async def base44_world(
    database: FreshDatabase,
    folder: Path,
    *,
    schemas: Mapping[str, dict[str, Any]] | None = None,
    inferred: Sequence[str] = (),
    visibility: str = "public_without_login",
    functions: tuple[FunctionSettings, ...] = (),
    **more: Any,
) -> AsyncIterator[World]:
    """Serve an app with these entities."""
    records = kinds(schemas, inferred)
    entities.apply(records, owner_dsn=Secret(database.owner_dsn), report=lambda _: None)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(200)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = make_settings(database, folder, url, visibility, functions=functions, **more)
    app = RuntimeApp(settings)
    config = uvicorn.Config(
        app, log_level="warning", lifespan="off", ws="websockets-sansio", timeout_keep_alive=300
    )  # a slow machine must not close a connection that a test is about to use
    server = uvicorn.Server(config)
    await app.start()
    task = asyncio.create_task(server.serve([listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event to wait for
        await asyncio.sleep(0.01)
    try:
        async with aiohttp.ClientSession() as http:
            yield World(url, settings, database, http)
    finally:
        server.should_exit = True
        server.force_exit = True
        await task
        await app.stop()


def make_settings(database: FreshDatabase, folder: Path, url: str, visibility: str, **more: Any) -> Settings:
    """Settings as `freehold up` writes them."""

    def signed(role: str) -> str:
        return jwt.encode({"alg": "HS256"}, {"role": role}, OctKey.import_key(SECRET))

    values: dict[str, Any] = {
        "public_url": url,
        "rest_dsn": Secret(database.rest_dsn),
        "auth_dsn": Secret(database.auth_dsn),
        "storage_dsn": Secret(database.storage_dsn),
        "jwt_secret": Secret(SECRET),
        "signing_key": Secret(json.dumps(ECKey.generate_key("P-256", private=True).as_dict(private=True))),
        "publishable_key": "sb_publishable_test",
        "secret_key": Secret("sb_secret_test"),
        "anon_jwt": signed("anon"),
        "service_role_jwt": Secret(signed("service_role")),
        "storage_directory": folder / "objects",
        "function_state_directory": folder / "functions",
        "mail_directory": folder / "mail",
        "function_secrets": {"LOVABLE_API_KEY": Secret("fh_virtual_key_of_this_app")},
        "pool_size": 6,
        "auth": {
            "minimum_password_length": 8,
            "email": {"enable_confirmations": True, "otp_expiry": 600, "max_frequency": "0s"},
            "rate_limit": {"sign_in_sign_ups": 1000, "token_verifications": 1000},
        },
        "base44": {"app_id": APP, "visibility": visibility, "name": "Tasks"},
    }
    return Settings(**(values | more))


async def heard(socket: aiohttp.ClientWebSocketResponse, start: str) -> str:
    """The next frame of a watcher of entities that begins so; a minute without any is too long."""
    while True:
        message = await socket.receive(timeout=60)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        if str(message.data).startswith(start):
            return str(message.data)
