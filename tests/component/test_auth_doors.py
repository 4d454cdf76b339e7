"""Every route of /auth/v1, asked by everyone who might ask: default is no."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import nested
import pytest
from auth_world import API_VERSION, KEYS, World, auth_world, hmac_token

from freehold.runtime.auth.app import ROUTES
from freehold.runtime.auth.guard import Door

NOBODY = "00000000-0000-4000-8000-000000000000"
REFUSED = {401, 403}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with auth_world(tmp_path, {"enable_manual_linking": True}) as found:
        yield found


async def test_every_route_asks_who_is_there(world: World) -> None:
    ann, ben = await world.sign_up("ann@example.com"), await world.sign_up("ben@example.com")
    before = world.sql("select id, updated_at from auth.users order by id")
    for route in ROUTES:
        path = route.path.replace("{}", ann["user"]["id"])
        for who, headers in _callers(ben["access_token"]).items():
            async with world.http.request(
                route.method, world.url + path, headers=headers, json={}, allow_redirects=False
            ) as answer:
                body = await answer.read()
                label = f"{who} {route.method} {path}: {answer.status} {body[:120]!r}"
                if _must_refuse(route.door, who):
                    assert answer.status in REFUSED, label
                elif (route.door, who) == (Door.ADMIN, "ben"):
                    assert json.loads(body)["code"] == "not_admin", label
                assert answer.status != 500 or who == "ben", label
                if route.door is not Door.ADMIN:
                    assert ann["user"]["id"] not in body.decode(), label
        if route.path == "/logout":
            ben = (await world.sign_in("ben@example.com")).json
    after = {str(row[0]): row[1] for row in world.sql("select id, updated_at from auth.users")}
    assert after[ann["user"]["id"]] == {str(row[0]): row[1] for row in before}[ann["user"]["id"]]


def _callers(user_token: str) -> dict[str, dict[str, str]]:
    def with_key(token: str, key: str = KEYS.publishable_key) -> dict[str, str]:
        return {**API_VERSION, "apikey": key, "authorization": f"Bearer {token}"}

    return {
        "nobody": dict(API_VERSION),
        "a stranger's key": with_key("sb_publishable_x", "sb_publishable_x"),
        "anon": with_key(KEYS.anon_jwt, KEYS.anon_jwt),
        "publishable": with_key(KEYS.publishable_key),
        "an unsigned token": with_key("eyJhbGciOiJub25lIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIn0."),
        "a header without end": with_key(nested.tokens()[0]),
        "claims without end": with_key(nested.tokens()[1]),
        "an expired admin": with_key(hmac_token(role="service_role", exp=1)),
        "ben": with_key(user_token),
    }


def _must_refuse(door: Door, who: str) -> bool:
    if door is Door.OPEN:
        return False
    if door is Door.KEY:
        return who in {"nobody", "a stranger's key"}
    return who != "ben" or door is Door.ADMIN


async def test_a_token_of_a_user_who_was_given_an_admin_s_role_is_no_admin(world: World) -> None:
    await world.sign_up("ann@example.com")
    world.sql("update auth.users set role = 'service_role'")
    session = (await world.sign_in("ann@example.com")).json
    answer = await world.ask("GET", "/admin/users", token=session["access_token"])
    assert (answer.status, answer.code) == (403, "not_admin")


async def test_a_session_of_one_user_does_not_serve_another(world: World) -> None:
    import time  # noqa: PLC0415 - only here

    from auth_world import claims_of  # noqa: PLC0415 - only here

    ann, ben = await world.sign_up("ann@example.com"), await world.sign_up("ben@example.com")
    session_id = claims_of(ann["access_token"])["session_id"]
    forged = hmac_token(sub=ben["user"]["id"], session_id=session_id, role="authenticated", exp=int(time.time()) + 60)
    answer = await world.ask("GET", "/user", token=forged)
    assert (answer.status, answer.code) == (403, "session_not_found")


async def test_a_provider_that_is_not_switched_on_is_refused(world: World) -> None:
    answer = await world.ask("GET", "/authorize?provider=google&redirect_to=https://evil.example")
    assert answer.status == 400
    assert answer.json["message"] == "Unsupported provider: provider is not enabled"


async def test_what_anyone_may_know_has_gotrue_s_shape(world: World) -> None:
    settings = (await world.ask("GET", "/settings")).json
    assert settings["external"]["email"] is True
    assert settings["external"]["google"] is False
    assert (settings["disable_signup"], settings["mailer_autoconfirm"]) == (False, True)
    keys = await world.ask("GET", "/.well-known/jwks.json")
    assert keys.headers["cache-control"] == "public, max-age=600"
    assert set(keys.json["keys"][0]) == {"kty", "crv", "x", "y", "kid", "alg", "use", "key_ops"}
    assert (await world.ask("GET", "/health")).json["name"] == "GoTrue"
    assert (await world.ask("GET", "/nothing")).status == 404
    assert (await world.ask("GET", "/signup")).status == 405


async def test_a_body_that_is_too_large_is_refused(world: World) -> None:
    answer = await world.ask("POST", "/signup", {"email": "a" * (1 << 20)})
    assert (answer.status, answer.code) == (413, "request_entity_too_large")


async def test_answers_are_never_kept_by_a_cache(world: World) -> None:
    answer = await world.ask("GET", "/settings")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
