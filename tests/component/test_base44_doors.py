"""Every route of /api as nobody, a person, another person, an attacker with a made-up token, and a function."""

import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from base44_world import APP, OWN, World, base44_world

from freehold.runtime.base44 import app as routes
from freehold.testing.database import FreshDatabase

SCHEMAS: dict[str, dict[str, Any]] = {
    "Task": {
        "name": "Task",
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "rls": {"create": OWN, "read": OWN, "update": OWN, "delete": OWN},
    }
}
FORGED = "eyJhbGciOiJub25lIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIiwiZXhwIjo0MTAyNDQ0ODAwfQ."
WHO = ("nobody", "owner", "other", "forged", "function")
FORM = {"title": "x"}
MAIL = {"to": "x@y.z", "subject": "", "body": ""}
T = "entities/Task"

# Method, path below the app, body, and the status for nobody, the record's owner, another person, a forged token and
# a function. {id} is a record of the owner, {person} the owner's own id.
ROUTES: list[tuple[str, str, Any, tuple[int, int, int, int, int]]] = [
    ("GET", T, None, (200, 200, 200, 401, 200)),
    ("GET", f"{T}/count", None, (200, 200, 200, 401, 200)),
    ("GET", f"{T}/v2/list", None, (200, 200, 200, 401, 200)),
    ("GET", f"{T}/{{id}}", None, (404, 200, 404, 401, 200)),
    ("POST", T, FORM, (403, 201, 201, 401, 201)),
    ("POST", f"{T}/bulk", [FORM], (403, 201, 201, 401, 201)),
    ("PUT", f"{T}/{{id}}", FORM, (404, 200, 404, 401, 200)),
    ("PUT", f"{T}/bulk", [{"id": "{id}", "title": "x"}], (404, 200, 404, 401, 200)),
    ("PATCH", f"{T}/update-many", {"query": {}, "data": {"$set": FORM}}, (200, 200, 200, 401, 200)),
    ("POST", f"{T}/aggregate", {}, (200, 200, 200, 401, 200)),
    ("POST", f"{T}/upsert", {"records": [FORM], "key": "title"}, (403, 200, 200, 401, 200)),
    ("POST", f"{T}/import", None, (400, 400, 400, 401, 400)),
    ("DELETE", T, {"title": "nothing"}, (200, 200, 200, 401, 200)),
    ("DELETE", f"{T}/{{id}}", None, (404, 200, 404, 401, 200)),
    ("GET", "entities/User/me", None, (401, 200, 200, 401, 401)),
    ("PUT", "entities/User/me", {"a": 1}, (401, 200, 200, 401, 401)),
    ("GET", "entities/User", None, (401, 200, 200, 401, 200)),
    ("GET", "entities/User/{person}", None, (401, 200, 404, 401, 200)),
    ("PUT", "entities/User/{person}", {"a": 1}, (401, 200, 404, 401, 200)),
    ("POST", "entities/User", {"a": 1}, (401, 200, 200, 401, 200)),
    ("POST", "users/invite-user", {"user_email": "x@example.com"}, (401, 403, 403, 401, 200)),
    ("POST", "runtime/users/invite-user", {"user_email": "x@example.com"}, (401, 403, 403, 401, 200)),
    ("POST", "integration-endpoints/Core/InvokeLLM", {"prompt": "x"}, (403, 503, 503, 401, 503)),
    ("POST", "integration-endpoints/Core/GenerateImage", {"prompt": "x"}, (403, 503, 503, 401, 503)),
    ("POST", "integration-endpoints/Core/SendEmail", MAIL, (401, 403, 403, 401, 200)),
    ("POST", "integration-endpoints/Core/UploadFile", None, (400, 400, 400, 401, 400)),
    ("POST", "integration-endpoints/Core/UploadPrivateFile", None, (401, 400, 400, 401, 400)),
    ("POST", "integration-endpoints/Core/CreateFileSignedUrl", {"file_uri": "{person}/x"}, (401, 404, 403, 401, 404)),
    ("POST", "integration-endpoints/Core/ExtractDataFromUploadedFile", {}, (422, 422, 422, 401, 422)),
    ("POST", "integration-endpoints/Core/SendSMS", {}, (501, 501, 501, 401, 501)),
    ("POST", "integration-endpoints/installable/x/integration-endpoints/y", {}, (501, 501, 501, 401, 501)),
    ("POST", "integrations/custom/a/b", {}, (501, 501, 501, 401, 501)),
    ("GET", "external-auth/tokens/slack", None, (501, 501, 501, 401, 501)),
    ("POST", "connectors/slack/call", {}, (501, 501, 501, 401, 501)),
    ("POST", "app-user-auth/connectors/x/initiate", {}, (501, 501, 501, 401, 501)),
    ("POST", "actors/x/connection-token", {}, (404, 404, 404, 401, 404)),
    ("POST", "ai/openai/v1/chat/completions", {"messages": []}, (403, 503, 503, 401, 503)),
    ("POST", "ai/openai/v1/files", {}, (501, 501, 501, 401, 501)),
    ("GET", "agents/x/whatsapp", None, (501, 501, 501, 401, 501)),
    ("GET", "agents/conversations", None, (401, 200, 200, 401, 200)),
    ("POST", "agents/conversations", {"agent_name": "x"}, (401, 201, 201, 401, 201)),
    ("GET", "agents/conversations/none", None, (401, 404, 404, 401, 404)),
    ("POST", "agents/conversations/v2/none/messages", {"content": "x"}, (401, 404, 404, 401, 404)),
    ("POST", "analytics/track/batch", {"events": []}, (200, 200, 200, 401, 200)),
    ("POST", "auth/change-password", {"user_id": "{person}"}, (401, 422, 403, 401, 401)),
    ("POST", "auth/login", {"email": "a@b.c", "password": "x"}, (401, 401, 401, 401, 401)),
    ("POST", "auth/register", {"email": "a@b.c", "password": "x"}, (400, 400, 400, 400, 400)),
    ("POST", "auth/verify-otp", {"email": "a@b.c", "otp_code": "000000"}, (400, 400, 400, 400, 400)),
    ("POST", "auth/resend-otp", {"email": "a@b.c"}, (200, 200, 200, 200, 200)),
    ("POST", "auth/reset-password-request", {"email": "a@b.c"}, (200, 200, 200, 200, 200)),
    ("POST", "auth/reset-password", {"reset_token": "x", "new_password": "long enough"}, (400, 400, 400, 400, 400)),
    ("POST", "auth/exchange", {"access_token": "x"}, (401, 401, 401, 401, 401)),
    ("GET", "auth/sso/login", None, (501, 501, 501, 501, 501)),
    ("POST", "functions/none", {}, (404, 404, 404, 404, 404)),
    ("GET", "nothing", None, (404, 404, 404, 401, 404)),
    ("GET", f"/api/app-logs/{APP}", None, (200, 200, 200, 401, 200)),
    ("POST", f"/api/app-logs/{APP}/log-user-in-app/Home", None, (200, 200, 200, 401, 200)),
    ("GET", f"/api/apps/public/prod/public-settings/by-id/{APP}", None, (200, 200, 200, 200, 200)),
    ("GET", "/api/apps/auth/logout?from_url=https://evil.example/", None, (302, 302, 302, 302, 302)),
    ("GET", "/api/apps/auth/login?from_url=//evil.example", None, (302, 302, 302, 302, 302)),
    ("GET", "/login", None, (200, 200, 200, 200, 200)),
    ("GET", "/rest/v1/Task", None, (404, 404, 404, 404, 404)),
    ("POST", "/functions/v1/any", {}, (405, 405, 405, 405, 405)),
    ("GET", "/api/apps/ffffffffffffffffffffffff/entities/Task", None, (404, 404, 404, 404, 404)),
]  # fmt: skip


@pytest.fixture
async def world(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with base44_world(database, tmp_path, schemas=SCHEMAS) as world:
        yield world


async def test_every_route_as_everybody(world: World) -> None:
    (owner, person), (other, _) = world.person("owner"), world.person("other")
    tokens = {"nobody": "", "owner": owner, "other": other, "forged": FORGED, "function": world.service_token()}
    wrong = []
    for method, path, body, wanted in ROUTES:
        for who, status in zip(("nobody", "other", "forged", "owner", "function"), _order(wanted), strict=True):
            made = (await world.ask("POST", T, FORM, owner))[1]["id"] if "{id}" in f"{path}{body}" else ""
            filled = path.replace("{id}", made).replace("{person}", person)
            given = _filled(body, made, person)
            got, answer = await world.ask(method, filled, given, tokens[who])
            if got != status:
                wrong.append((who, method, path, status, got, answer))
    assert not wrong, "\n".join(map(str, wrong))
    assert world.sql("select count(*) from base44.person where role <> 'user'") == [(0,)]


def test_no_call_is_left_out() -> None:
    named = {(method, path.partition("?")[0].rpartition("/")[2]) for method, path, _, _ in ROUTES}
    assert {(method, name) for method, name in routes._NEEDS_COLLECTION} <= named
    assert {("POST", name) for name in routes._ACCOUNT_CALLS} <= named
    assert {("POST", name) for name in routes.integrations._ENDPOINTS} <= named


async def test_a_private_app_shows_nothing_to_strangers_and_takes_invited_people_only(
    database: FreshDatabase, tmp_path: Path
) -> None:
    settings = f"/api/apps/public/prod/public-settings/by-id/{APP}"
    async with base44_world(database, tmp_path, schemas=SCHEMAS, visibility="private_with_login") as world:
        status, body = await world.ask("GET", settings)
        assert (status, body["extra_data"]) == (403, {"reason": "auth_required"})
        assert (await world.ask("GET", T))[0] == 403
        given = {"email": "eve@example.com", "password": "correct horse battery"}
        status, body = await world.ask("POST", "auth/register", given)
        assert (status, body["extra_data"]) == (403, {"reason": "user_not_registered"})
        admin, _ = world.person("admin", role="admin")
        status, _ = await world.ask(
            "POST", "users/invite-user", {"user_email": "ben@example.com", "role": "editor"}, admin
        )
        assert status == 200
        assert (await world.ask("GET", settings, token=admin))[1]["public_settings"] == "private_with_login"
        assert world.sql("select email, role from base44.invitation") == [("ben@example.com", "editor")]


async def test_an_invited_person_chooses_a_password_and_is_in(database: FreshDatabase, tmp_path: Path) -> None:
    async with base44_world(database, tmp_path, schemas=SCHEMAS, visibility="private_with_login") as world:
        admin, _ = world.person("admin", role="admin")
        invited = {"user_email": "ben@example.com", "role": "editor"}
        assert (await world.ask("POST", "users/invite-user", invited, admin))[0] == 200
        (mail,) = [json.loads(file.read_text()) for file in world.settings.mail_directory.glob("*.json")]
        link = html.unescape(re.findall(r'href="([^"]+)"', mail["html"])[0])
        async with world.http.get(link, allow_redirects=False) as answer:
            page, _, fragment = answer.headers["location"].partition("#")
        assert page == f"{world.url}/login?mode=invite"
        token = parse_qs(fragment)["access_token"][0]
        password = "a lamp in the window"
        given = {"reset_token": token, "new_password": password}
        assert (await world.ask("POST", "auth/reset-password", given))[0] == 200
        status, found = await world.ask("POST", "auth/exchange", {"access_token": token})
        assert status == 200
        me = (await world.ask("GET", "entities/User/me", token=found["access_token"]))[1]
        assert (me["email"], me["role"]) == ("ben@example.com", "editor")
        assert (await world.ask("POST", "auth/login", {"email": "ben@example.com", "password": password}))[0] == 200


async def test_whoever_signs_up_past_the_app_is_not_a_user_of_a_private_one(
    database: FreshDatabase, tmp_path: Path
) -> None:
    async with base44_world(database, tmp_path, schemas=SCHEMAS, visibility="private_with_login") as world:
        key = world.settings.publishable_key
        given = {"email": "eve@example.com", "password": "correct horse battery"}
        await world.ask("POST", "/auth/v1/signup", given, headers={"apikey": key})
        code = {"type": "signup", "email": "eve@example.com", "token": world.code("eve@example.com")}
        status, session = await world.ask("POST", "/auth/v1/verify", code, headers={"apikey": key})
        assert status == 200
        token = session["access_token"]
        status, body = await world.ask("GET", f"/api/apps/public/prod/public-settings/by-id/{APP}", token=token)
        assert (status, body["extra_data"]) == (403, {"reason": "user_not_registered"})
        assert (await world.ask("GET", "entities/User/me", token=token))[0] == 401
        assert await world.ask("GET", T, token=token) == (200, [])
        assert (await world.ask("POST", T, FORM, token))[0] == 403


async def test_signing_out_everywhere_ends_a_token_at_once(world: World) -> None:
    token, _ = await world.sign_up("ann")
    assert (await world.ask("GET", "entities/User/me", token=token))[0] == 200
    world.sql("delete from auth.sessions")
    assert (await world.ask("GET", "entities/User/me", token=token))[0] == 401
    assert (await world.ask("POST", T, FORM, token))[0] == 403


async def test_where_people_are_sent_is_always_the_app(world: World) -> None:
    for target in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        f"{world.url}@evil",
    ):
        async with world.http.get(
            f"{world.url}/api/apps/auth/logout", params={"from_url": target}, allow_redirects=False
        ) as answer:
            assert answer.headers["location"] == f"{world.url}/", target
    async with world.http.get(
        f"{world.url}/api/apps/auth/logout", params={"from_url": f"{world.url}/a?b=1"}, allow_redirects=False
    ) as answer:
        assert answer.headers["location"] == f"{world.url}/a?b=1"


def _order(wanted: tuple[int, int, int, int, int]) -> tuple[int, int, int, int, int]:
    """Ask the owner after the strangers, so that the record is still there for them."""
    nobody, owner, other, forged, function = wanted
    return nobody, other, forged, owner, function


def _filled(body: Any, made: str, person: str) -> Any:
    if isinstance(body, list):
        return [_filled(item, made, person) for item in body]
    if isinstance(body, dict):
        return {key: _filled(item, made, person) for key, item in body.items()}
    return body.replace("{id}", made).replace("{person}", person) if isinstance(body, str) else body
