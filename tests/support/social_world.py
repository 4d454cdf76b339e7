"""Sign-in by other providers as people meet it: the whole runtime, and real OpenID providers beside it."""

import asyncio
import contextlib
import html
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import psycopg
import uvicorn
from auth_world import KEYS, Answer, make_settings
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from node_packages import node_with_packages

from freehold.runtime.app import RuntimeApp
from freehold.testing.database import FreshDatabase, fresh_database

FOLDER = Path(__file__).parent / "oidc"
CLIENT, SECRET = "the-app", "s3cret/with+signs"
PACKAGES = ("oidc-provider", "@lovable.dev/cloud-auth-js")
BUILDERS_CLIENT = FOLDER / "node_modules/@lovable.dev/cloud-auth-js/dist/index.js"
"""There once the packages are installed."""
Tables = Callable[["OpenIdServer"], Mapping[str, object]]


@dataclass(frozen=True)
class OpenIdServer:
    """A provider that runs, and the key with which it signs."""

    issuer: str
    key: RSAKey | ECKey

    def id_token(self, key: RSAKey | ECKey | None = None, **claims: object) -> str:
        """Sign an ID token as this provider would; a claim that is None is left out."""
        now = int(time.time())
        given: dict[str, object] = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "native@example.com",
            "email": "native@example.com",
            "email_verified": True,
            "iat": now,
            "exp": now + 600,
        }
        signer = key or self.key
        algorithm = "RS256" if isinstance(signer, RSAKey) else "ES256"
        sent = {name: value for name, value in (given | claims).items() if value is not None}
        return jwt.encode({"alg": algorithm, "kid": signer.kid or ""}, sent, signer, algorithms=[algorithm])


@dataclass
class Visitor:
    """A browser without a screen: cookies by host, redirects one at a time, and the provider's forms."""

    http: aiohttp.ClientSession
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    async def open(self, url: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """One request; its cookies are kept."""
        kept = self.cookies.setdefault(urlsplit(url).netloc, {})
        sent = {"cookie": "; ".join(f"{name}={value}" for name, value in kept.items()), **headers}
        method = "GET" if form is None else "POST"
        async with self.http.request(method, url, data=form, headers=sent, allow_redirects=False) as answer:
            for line in answer.headers.getall("set-cookie", []):
                for name, morsel in SimpleCookie(line).items():
                    kept[name] = morsel.value
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, found, await answer.read())

    async def at_provider(self, url: str, person: str, until: str) -> str:
        """Sign in at the provider as this person and agree; gives the address below `until` that it leads back to."""
        answer, place = await self.open(url), url
        for _ in range(12):
            if "location" in answer.headers:
                place = _join(place, answer.headers["location"])
                if place.startswith(until):
                    return place
                answer = await self.open(place)
                continue
            page = answer.body.decode()
            action = re.search(r'<form[^>]*action="([^"]+)"', page)
            assert action is not None, (answer.status, page[:2000])
            fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
            if 'name="login"' in page:
                fields |= {"login": person, "password": "any"}
            place = _join(place, html.unescape(action[1]))
            answer = await self.open(place, fields)
        raise AssertionError(f"the provider did not come back: {place}")


@dataclass
class SocialWorld:
    """A runtime that serves, its providers and its database."""

    url: str
    first: OpenIdServer
    second: OpenIdServer
    admin: psycopg.Connection[Any]
    http: aiohttp.ClientSession
    mail_folder: Path

    def visitor(self) -> Visitor:
        """A new browser."""
        return Visitor(self.http)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.admin.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    async def ask(self, method: str, path: str, body: Any = None, token: str = "", **headers: str) -> Answer:
        """One request to /auth/v1 with the publishable key."""
        sent = {"apikey": KEYS.publishable_key, "x-supabase-api-version": "2024-01-01", **headers}
        if token:
            sent["authorization"] = f"Bearer {token}"
        url = f"{self.url}/auth/v1{path}"
        async with self.http.request(method, url, json=body, headers=sent, allow_redirects=False) as answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, found, await answer.read())

    async def sign_up(self, email: str, password: str = "correct horse") -> Any:
        answer = await self.ask("POST", "/signup", {"email": email, "password": password})
        assert answer.status == 200, answer.body
        return answer.json

    async def begin(self, visitor: Visitor, provider: str, **query: str) -> str:
        """Ask for a provider; gives the address at it."""
        answer = await visitor.open(self.address("/authorize", provider=provider, **query))
        assert answer.status == 302, answer.body
        return answer.headers["location"]

    async def come_back(self, visitor: Visitor, provider: str, person: str, **query: str) -> Answer:
        """Sign in by a provider; gives the callback's answer."""
        back = await visitor.at_provider(await self.begin(visitor, provider, **query), person, self.url)
        return await visitor.open(back)

    async def sign_in(self, visitor: Visitor, provider: str, person: str, **query: str) -> dict[str, str]:
        """Sign in by a provider; gives the fragment that the app gets."""
        answer = await self.come_back(visitor, provider, person, **query)
        assert answer.status == 302, answer.body
        assert "access_token" in answer.fragment, answer.headers["location"]
        return answer.fragment

    def address(self, path: str, **query: str) -> str:
        return f"{self.url}/auth/v1{path}?" + "&".join(f"{key}={_quote(value)}" for key, value in query.items())

    async def user(self, fragment: Mapping[str, str]) -> Any:
        return (await self.ask("GET", "/user", token=fragment["access_token"])).json


def tables(first: OpenIdServer, second: OpenIdServer, **more: object) -> dict[str, object]:
    """An [auth] table with the first provider as google and keycloak, and the second as gitlab."""
    one = {"enabled": True, "client_id": CLIENT, "secret": SECRET, "url": first.issuer}
    return {
        "email": {"max_frequency": "0s"},
        "enable_manual_linking": True,
        "external": {"google": one, "keycloak": one, "gitlab": one | {"url": second.issuer}},
        **more,
    }


@contextlib.asynccontextmanager
async def social_world(
    folder: Path, *, external: Mapping[str, object] | None = None, site: Path | None = None, **auth: object
) -> AsyncIterator[SocialWorld]:
    """Serve the runtime over a fresh database, with two providers. `external` adds to their tables."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(openid_server(url, claims_in_id_token=True))
        second = await stack.enter_async_context(openid_server(url, claims_in_id_token=False, method="basic"))
        database = stack.enter_context(fresh_database())
        table = tables(first, second, **auth)
        table["external"] = {**dict(table["external"]), **(external or {})}  # type: ignore[call-overload]
        settings = make_settings(
            database, folder, table, public_url=url, loopback_providers=True, site_directory=site,
            storage_directory=folder / "objects",
        )  # fmt: skip
        await stack.enter_async_context(_served(RuntimeApp(settings), listener))
        http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        admin = stack.enter_context(_admin(database))
        yield SocialWorld(url, first, second, admin, http, settings.mail_directory)


@contextlib.asynccontextmanager
async def openid_server(
    app: str, *, claims_in_id_token: bool, method: str = "post", key: RSAKey | ECKey | None = None
) -> AsyncIterator[OpenIdServer]:
    """Run a provider that knows the app by its callback."""
    node = node_with_packages(FOLDER, *PACKAGES)
    key = key or RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    client = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uris": [f"{app}/auth/v1/callback"],
        "token_endpoint_auth_method": f"client_secret_{method}",
    }
    config = {
        "clients": [client],
        "jwks": {"keys": [key.as_dict(private=True)]},
        "claimsInIdToken": claims_in_id_token,
    }
    process = await asyncio.create_subprocess_exec(
        str(node.node),
        "server.mjs",
        cwd=FOLDER,
        env=os.environ | {"CONFIG": json.dumps(config)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        yield OpenIdServer(json.loads(line)["issuer"], key)
    finally:
        process.stdin.close()
        await process.wait()


@contextlib.asynccontextmanager
async def _served(app: RuntimeApp, listener: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error"))
    await app.start()
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event to wait for
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await task
        await app.stop()


@contextlib.contextmanager
def _admin(database: FreshDatabase) -> Any:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        yield connection


def _join(base: str, location: str) -> str:
    if location.startswith("/"):
        parts = urlsplit(base)
        return f"{parts.scheme}://{parts.netloc}{location}"
    return location


def _quote(value: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - only here

    return quote(value, safe="")


def query_of(url: str) -> dict[str, str]:
    """The query of an address."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
