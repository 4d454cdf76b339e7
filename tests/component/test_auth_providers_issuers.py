"""Tokens of other issuers: the old back end's while they last, and those of [auth.third_party]."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from auth_world import auth_world
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from served import served

from freehold.core.errors import BadUsage
from freehold.core.secret import Secret
from freehold.runtime.openid import Directory, NotValid
from freehold.runtime.outbound import NotReached, Outbound
from freehold.runtime.session import Refused
from freehold.runtime.table import Table
from freehold.runtime.trusted import Trusted, TrustWatch, read_third_party

OLD = "https://abcdefghijklmnopqrst.supabase.co/auth/v1"


def _key(name: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": name, "alg": "ES256"}, private=True)


def _jwks(*keys: ECKey) -> str:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


def _token(key: ECKey, **claims: object) -> str:
    given = {
        "iss": OLD,
        "aud": "authenticated",
        "role": "authenticated",
        "sub": "00000000-0000-4000-8000-000000000001",
        "exp": int(time.time()) + 600,
    }
    sent = {name: value for name, value in (given | claims).items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": key.kid or ""}, sent, key)


async def test_a_moved_users_token_is_accepted_until_it_ends(tmp_path: Path) -> None:
    key = _key("old")
    async with auth_world(tmp_path, old_issuers={OLD: _jwks(key)}) as world:
        sessions = world.services.sessions
        assert sessions.verify(_token(key)).role == "authenticated"
        assert sessions.verify(_token(key)).user_id == "00000000-0000-4000-8000-000000000001"
        with pytest.raises(Refused) as ended:
            sessions.verify(_token(key, exp=int(time.time()) - 60))
        assert ended.value.expired
        assert [item["kid"] for item in sessions.jwks()["keys"]] != ["old"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "claims",
    [
        {"role": "service_role"},
        {"role": "supabase_admin"},
        {"role": "postgres"},
        {"role": None},
        {"role": "anon"},
        {"aud": "another"},
        {"aud": None},
        {"exp": None},
        {"iss": "https://other.supabase.co/auth/v1"},
    ],
)
async def test_the_old_back_end_gives_no_other_role_and_no_endless_token(
    tmp_path: Path, claims: dict[str, object]
) -> None:
    key = _key("old")
    async with auth_world(tmp_path, old_issuers={OLD: _jwks(key)}) as world:
        with pytest.raises(Refused):
            world.services.sessions.verify(_token(key, **claims))


async def test_the_old_back_ends_public_key_signs_nothing_else(tmp_path: Path) -> None:
    key = _key("old")
    async with auth_world(tmp_path, old_issuers={OLD: _jwks(key)}) as world:
        own = f"{world.services.settings.public_url}/auth/v1"
        for token in (_token(key, iss=own), _token(key, iss=None), _token(_key("old"))):
            with pytest.raises(Refused):
                world.services.sessions.verify(token)
        claims = {"iss": OLD, "aud": "authenticated", "role": "authenticated", "exp": int(time.time()) + 60}
        forged = jwt.encode(
            {"alg": "HS256", "kid": "old"}, claims, OctKey.import_key(b"a public key as a secret, 32 bytes")
        )
        with pytest.raises(Refused):
            world.services.sessions.verify(forged)


SHARED = "the old project's shared secret, long enough"


def _shared_token(word: str = SHARED, **claims: object) -> str:
    given: dict[str, object] = {"iss": OLD, "aud": "authenticated", "role": "authenticated"}
    given |= {"sub": "00000000-0000-4000-8000-000000000001", "exp": int(time.time()) + 600}
    sent = {name: value for name, value in (given | claims).items() if value is not None}
    return jwt.encode({"alg": "HS256"}, sent, OctKey.import_key(word))


async def test_a_shared_secret_of_the_old_back_end_verifies_its_users_and_nobody_else(tmp_path: Path) -> None:
    key = _key("old")
    async with auth_world(tmp_path, old_issuers={OLD: _jwks(key)}, old_hs256={OLD: Secret(SHARED)}) as world:
        verify = world.services.sessions.verify
        assert verify(_shared_token()).user_id == "00000000-0000-4000-8000-000000000001"
        assert verify(_token(key)).role == "authenticated"
        own = f"{world.services.settings.public_url}/auth/v1"
        for wrong in (
            {"role": "service_role"}, {"role": "anon"}, {"role": None}, {"aud": None}, {"exp": None}, {"iss": own},
            {"iss": "supabase", "role": "service_role"}, {"iss": None}, {"exp": int(time.time()) - 60},
            {"word": "another secret that is as long as it"},
        ):  # fmt: skip
            with pytest.raises(Refused):
                verify(_shared_token(**wrong))  # type: ignore[arg-type]
        public = json.dumps(key.as_dict(private=False))
        with pytest.raises(Refused):
            verify(_shared_token(public))


async def test_a_short_shared_secret_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="less than 32"):
        async with auth_world(tmp_path, old_hs256={OLD: Secret("short")}):
            pass


async def test_a_jwks_without_public_keys_stops_the_start(tmp_path: Path) -> None:
    secret = json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "x"}]})
    for text in (secret, "not json", "[]", "{}"):
        with pytest.raises(BadUsage, match="JWKS"):
            async with auth_world(tmp_path, old_issuers={OLD: text}):
                pass


class Issuer:
    """An issuer on loopback whose keys can be changed."""

    def __init__(self) -> None:
        self.keys: list[ECKey] = [_key("first")]
        self.url = ""
        self.asked = 0

    async def document(self, _request: web.Request) -> web.Response:
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    async def jwks(self, _request: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(text=_jwks(*self.keys))

    async def elsewhere(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound(f"{self.url}/keys")

    async def huge(self, _request: web.Request) -> web.Response:
        return web.Response(body=b"[" + b" " * (2 << 20) + b"]")

    def token(self, key: ECKey, **claims: object) -> str:
        return _token(key, **{"iss": self.url, "aud": None, "sub": "user_2abc", **claims})


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Issuer]:
    found = Issuer()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", found.document)
    app.router.add_get("/keys", found.jwks)
    app.router.add_get("/elsewhere", found.elsewhere)
    app.router.add_get("/huge", found.huge)
    async with served(app) as found.url:
        yield found


def _third(issuer: Issuer) -> dict[str, object]:
    return {"third_party": {"workos": {"enabled": True, "issuer_url": issuer.url}}}


async def test_a_third_partys_users_come_with_the_role_that_their_token_names(tmp_path: Path, issuer: Issuer) -> None:
    async with auth_world(tmp_path, _third(issuer), loopback_providers=True) as world:
        sessions = world.services.sessions
        assert sessions.verify(issuer.token(issuer.keys[0])).role == "authenticated"
        assert sessions.verify(issuer.token(issuer.keys[0], role=None)).role == "anon"
        for role in ("service_role", "supabase_auth_admin", "", "none", 1):
            with pytest.raises(Refused):
                sessions.verify(issuer.token(issuer.keys[0], role=role))


async def test_a_third_partys_user_is_no_user_of_ours(tmp_path: Path, issuer: Issuer) -> None:
    async with auth_world(tmp_path, _third(issuer), loopback_providers=True) as world:
        session = await world.sign_up("ann@example.com")
        token = issuer.token(issuer.keys[0], sub=session["user"]["id"])
        for method, path in (("GET", "/user"), ("PUT", "/user"), ("POST", "/logout"), ("GET", "/admin/users")):
            assert (await world.ask(method, path, None, token)).status == 403


async def test_nothing_is_believed_while_an_issuer_is_not_reached(tmp_path: Path, issuer: Issuer) -> None:
    async with auth_world(tmp_path, _third(issuer)) as world:
        with pytest.raises(Refused):
            world.services.sessions.verify(issuer.token(issuer.keys[0]))
        assert issuer.asked == 0


async def test_changed_keys_are_read_again(issuer: Issuer) -> None:
    outbound = Outbound(allow_loopback=True)
    directory = Directory(outbound, pause_seconds=0)
    try:
        assert (await directory.keys(issuer.url, "first")).find("first")
        assert (await directory.keys(issuer.url, "first")).find("first")
        assert issuer.asked == 1
        issuer.keys = [_key("second")]
        keys = await directory.keys(issuer.url, "second")
        assert keys.find("second")
        assert keys.find("first") is None
    finally:
        await outbound.close()


async def test_a_token_by_a_new_key_is_believed_soon(tmp_path: Path, issuer: Issuer) -> None:
    async with auth_world(tmp_path, _third(issuer), loopback_providers=True) as world:
        trusted = Trusted(world.services.settings, pause_seconds=0.01)
        watch = TrustWatch(trusted)
        await watch.start()
        try:
            old, new = issuer.keys[0], _key("second")
            assert trusted.verify(issuer.token(old))["sub"] == "user_2abc"
            issuer.keys = [new]
            for _ in range(6000):
                with contextlib.suppress(NotValid):
                    assert trusted.verify(issuer.token(new))
                    break
                await asyncio.sleep(0.01)
            else:
                pytest.fail("the new key was never read")
            with pytest.raises(NotValid):
                trusted.verify(issuer.token(old))
        finally:
            await watch.stop()


async def test_unknown_keys_are_not_asked_for_all_the_time(issuer: Issuer) -> None:
    outbound = Outbound(allow_loopback=True)
    directory = Directory(outbound)
    try:
        for number in range(20):
            await directory.keys(issuer.url, f"made up {number}")
        assert issuer.asked == 1
    finally:
        await outbound.close()


async def test_neither_a_redirect_nor_a_flood_is_followed(issuer: Issuer) -> None:
    outbound = Outbound(allow_loopback=True)
    try:
        for path in ("/elsewhere", "/huge"):
            with pytest.raises(NotReached):
                await Directory(outbound).keys_at(issuer.url + path)
        assert issuer.asked == 0
    finally:
        await outbound.close()


async def test_a_name_that_stands_for_this_machine_is_not_called() -> None:
    outbound = Outbound()
    try:
        with pytest.raises(NotReached):
            await outbound.get("https://localhost/")
        with pytest.raises(NotReached):
            await outbound.get("https://ip6-loopback/")
    finally:
        await outbound.close()


@pytest.mark.parametrize(
    ("name", "values", "address", "audience"),
    [
        ("firebase", {"project_id": "my-app"}, "https://securetoken.google.com/my-app", "my-app"),
        ("auth0", {"tenant": "me", "tenant_region": "eu"}, "https://me.eu.auth0.com", ""),
        ("auth0", {"tenant": "me"}, "https://me.auth0.com", ""),
        (
            "aws_cognito",
            {"user_pool_id": "eu-west-1_x", "user_pool_region": "eu-west-1"},
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x",
            "",
        ),
        ("clerk", {"domain": "clerk.example.com"}, "https://clerk.example.com", ""),
    ],
)
def test_third_parties_are_known_by_what_the_file_names(
    name: str, values: Mapping[str, Any], address: str, audience: str
) -> None:
    found = read_third_party(Table({name: {"enabled": True, **values}}, "auth.third_party"))
    assert [(item.address, item.audience) for item in found] == [(address, audience)]
    assert read_third_party(Table({name: {"enabled": False, **values}}, "auth.third_party")) == ()


@pytest.mark.parametrize(
    ("name", "values"),
    [("firebase", {}), ("clerk", {"domain": "clerk.example.com/evil"}), ("auth0", {"tenant": "a/b"}), ("other", {})],
)
def test_a_third_party_that_cannot_be_right_stops_the_start(name: str, values: Mapping[str, Any]) -> None:
    with pytest.raises(BadUsage):
        read_third_party(Table({name: {"enabled": True, **values}}, "auth.third_party"))
