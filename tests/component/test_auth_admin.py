"""The admin endpoints, second factors and identities, over a real PostgreSQL."""

import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from auth_world import KEYS, PASSWORD, World, auth_world, claims_of

from freehold.runtime.auth import totp
from freehold.runtime.auth.limits import CODE_ATTEMPTS

MFA = {"mfa": {"totp": {"enroll_enabled": True, "verify_enabled": True}}, "enable_manual_linking": True}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with auth_world(tmp_path, MFA) as found:
        yield found


async def test_an_admin_makes_reads_changes_and_deletes_a_user(world: World) -> None:
    body = {
        "email": "Ann@example.com",
        "password": PASSWORD,
        "email_confirm": True,
        "user_metadata": {"name": "Ann"},
        "app_metadata": {"plan": "pro"},
    }
    made = await world.admin_ask("POST", "/admin/users", body)
    assert made.status == 200, made.body
    user = made.json
    assert user["app_metadata"] == {"plan": "pro", "provider": "email", "providers": ["email"]}
    assert user["user_metadata"] == {"email_verified": True, "name": "Ann"}
    assert (await world.sign_in("ann@example.com")).status == 200
    path = f"/admin/users/{user['id']}"
    change = {"email": "anna@example.com", "app_metadata": {"plan": None, "team": 1}, "user_metadata": {"name": "Anna"}}
    changed = (await world.admin_ask("PUT", path, change)).json
    assert changed["email"] == changed["identities"][0]["email"] == "anna@example.com"
    assert changed["app_metadata"] == {"team": 1, "provider": "email", "providers": ["email"]}
    assert (await world.admin_ask("GET", path)).json == changed
    assert (await world.admin_ask("DELETE", path)).json == {}
    assert (await world.admin_ask("GET", path)).code == "user_not_found"
    assert world.sql("select (select count(*) from auth.sessions), (select count(*) from auth.refresh_tokens)") == [
        (0, 0)
    ]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "validation_failed"),
        ({"email": "taken@example.com"}, 422, "email_exists"),
        ({"email": "a@example.com", "password": PASSWORD, "password_hash": "x"}, 400, "validation_failed"),
        ({"email": "a@example.com", "password_hash": "x"}, 500, "unexpected_failure"),
        ({"email": "a@example.com", "id": "x"}, 400, "validation_failed"),
        ({"email": "a@example.com", "id": str(uuid.UUID(int=0))}, 400, "validation_failed"),
        ({"email": "a@example.com", "ban_duration": "soon"}, 400, "validation_failed"),
    ],
)
async def test_a_user_that_cannot_be_is_not_made(world: World, body: dict[str, object], status: int, code: str) -> None:
    await world.sign_up("taken@example.com")
    answer = await world.admin_ask("POST", "/admin/users", body)
    assert (answer.status, answer.code) == (status, code)


async def test_users_come_in_pages(world: World) -> None:
    for number in range(5):
        await world.admin_ask("POST", "/admin/users", {"email": f"user{number}@example.com"})
    answer = await world.admin_ask("GET", "/admin/users?page=1&per_page=2")
    assert [user["email"] for user in answer.json["users"]] == ["user4@example.com", "user3@example.com"]
    assert answer.json["aud"] == "authenticated"
    assert answer.headers["x-total-count"] == "5"
    expected = '</admin/users?page=2&per_page=2>; rel="next", </admin/users?page=3&per_page=2>; rel="last"'
    assert answer.headers["link"] == expected
    last = await world.admin_ask("GET", "/admin/users?page=3&per_page=2")
    assert [user["email"] for user in last.json["users"]] == ["user0@example.com"]
    assert 'rel="next"' not in last.headers["link"]
    found = await world.admin_ask("GET", "/admin/users?filter=user3")
    assert len(found.json["users"]) == 1
    assert (await world.admin_ask("GET", "/admin/users?page=x")).status == 400


async def test_a_banned_user_is_out_until_the_ban_ends(world: World) -> None:
    session = await world.sign_up("ann@example.com")
    path = f"/admin/users/{session['user']['id']}"
    assert "banned_until" in (await world.admin_ask("PUT", path, {"ban_duration": "24h"})).json
    assert (await world.sign_in("ann@example.com")).code == "user_banned"
    assert (await world.refresh(session["refresh_token"])).code == "user_banned"
    assert (await world.ask("GET", "/user", token=session["access_token"])).code == "user_banned"
    await world.admin_ask("PUT", path, {"ban_duration": "none"})
    assert (await world.sign_in("ann@example.com")).status == 200


async def test_a_softly_deleted_user_leaves_nothing_that_identifies_the_person(world: World) -> None:
    session = await world.sign_up("ann@example.com", data={"name": "Ann"})
    path = f"/admin/users/{session['user']['id']}"
    assert (await world.admin_ask("DELETE", path, {"should_soft_delete": True})).status == 200
    rows = world.sql("select to_jsonb(u)::text || to_jsonb(i)::text from auth.users u join auth.identities i on true")
    assert "ann@example.com" not in rows[0][0]
    assert '"Ann"' not in rows[0][0]
    assert (await world.sign_in("ann@example.com")).status == 400
    assert (await world.ask("GET", "/user", token=session["access_token"])).status == 403
    await world.sign_up("ann@example.com")


@pytest.mark.parametrize("kind", ["magiclink", "recovery", "signup", "invite"])
async def test_a_generated_link_works_and_no_mail_is_sent(world: World, kind: str) -> None:
    if kind == "recovery":
        await world.sign_up("ann@example.com")
    body = {"type": kind, "email": "ann@example.com", "password": PASSWORD, "data": {"name": "Ann"}}
    body["redirect_to"] = "https://app.example.com/in"
    answer = await world.admin_ask("POST", "/admin/generate_link", body)
    assert answer.status == 200, answer.body
    found = answer.json
    assert found["verification_type"] == ("signup" if kind == "magiclink" else kind)
    assert found["redirect_to"] == "https://app.example.com/in"
    assert found["email"] == "ann@example.com"
    assert world.mails() == []
    location = await world.ask("GET", found["action_link"].partition("/auth/v1")[2])
    assert location.headers["location"].startswith("https://app.example.com/in#")
    assert "access_token" in location.fragment


async def test_an_invited_person_comes_in_by_the_mail(world: World) -> None:
    invited = await world.admin_ask("POST", "/invite", {"email": "ann@example.com", "data": {"name": "Ann"}})
    assert "invited_at" in invited.json
    answer = await world.ask("GET", world.mails()[0].link)
    assert answer.fragment["type"] == "invite"
    token = answer.fragment["access_token"]
    assert (await world.ask("PUT", "/user", {"password": PASSWORD}, token)).status == 200
    assert (await world.sign_in("ann@example.com")).status == 200
    assert (await world.admin_ask("POST", "/invite", {"email": "ann@example.com"})).code == "email_exists"


async def test_acts_are_on_record(world: World) -> None:
    await world.sign_up("ann@example.com")
    rows = (await world.admin_ask("GET", "/admin/audit?query=action:login")).json
    assert [row["payload"]["action"] for row in rows] == ["login"]
    assert rows[0]["payload"]["actor_username"] == "ann@example.com"


async def _enrolled(world: World, session: dict[str, str]) -> tuple[str, str]:
    body = {"factor_type": "totp", "friendly_name": "phone", "issuer": "Tasks"}
    answer = await world.ask("POST", "/factors", body, session["access_token"])
    assert answer.status == 200, answer.body
    assert answer.json["totp"]["qr_code"].startswith("<svg")
    assert answer.json["totp"]["uri"].startswith("otpauth://totp/Tasks:ann@example.com?")
    return answer.json["id"], answer.json["totp"]["secret"]


async def _verify(world: World, session: dict[str, str], factor: str, code: str) -> tuple[int, dict[str, str]]:
    token = session["access_token"]
    challenge = (await world.ask("POST", f"/factors/{factor}/challenge", {}, token)).json["id"]
    answer = await world.ask("POST", f"/factors/{factor}/verify", {"challenge_id": challenge, "code": code}, token)
    return answer.status, answer.json


def _code(secret: str) -> str:
    return totp.code_at(secret, int(time.time() // totp.PERIOD_SECONDS))


async def test_a_second_factor_raises_the_session_and_ends_lower_ones(world: World) -> None:
    other = await world.sign_up("ann@example.com")
    session = (await world.sign_in("ann@example.com")).json
    factor, secret = await _enrolled(world, session)
    status, raised = await _verify(world, session, factor, _code(secret))
    assert status == 200
    claims = claims_of(raised["access_token"])
    assert (claims["aal"], {item["method"] for item in claims["amr"]}) == ("aal2", {"password", "totp"})
    assert (await world.ask("GET", "/user", token=other["access_token"])).status == 403
    refreshed = (await world.refresh(raised["refresh_token"])).json
    assert claims_of(refreshed["access_token"])["aal"] == "aal2"
    low = (await world.sign_in("ann@example.com")).json
    assert claims_of(low["access_token"])["aal"] == "aal1"
    assert low["user"]["factors"][0]["status"] == "verified"
    assert "secret" not in low["user"]["factors"][0]
    refused = await world.ask("PUT", "/user", {"password": "another horse"}, low["access_token"])
    assert (refused.status, refused.code) == (401, "insufficient_aal")
    refused = await world.ask("DELETE", f"/factors/{factor}", token=low["access_token"])
    assert (refused.status, refused.code) == (422, "insufficient_aal")
    body = {"factor_type": "totp", "friendly_name": "another"}
    assert (await world.ask("POST", "/factors", body, low["access_token"])).code == "insufficient_aal"
    gone = await world.ask("DELETE", f"/factors/{factor}", token=refreshed["access_token"])
    assert gone.json == {"id": factor}
    down = (await world.refresh(refreshed["refresh_token"])).json
    assert claims_of(down["access_token"])["aal"] == "aal1"


async def test_codes_of_a_second_factor_cannot_be_found_by_trying(world: World) -> None:
    session = await world.sign_up("ann@example.com")
    factor, secret = await _enrolled(world, session)
    wrong = f"{(int(_code(secret)) + 500_000) % 1_000_000:06d}"
    answers = [await _verify(world, session, factor, wrong) for _ in range(CODE_ATTEMPTS)]
    assert {body["code"] for _, body in answers} == {"mfa_verification_failed"}
    assert (await _verify(world, session, factor, _code(secret)))[0] == 429


async def test_a_challenge_is_answered_once(world: World) -> None:
    session = await world.sign_up("ann@example.com")
    factor, secret = await _enrolled(world, session)
    token = session["access_token"]
    challenge = (await world.ask("POST", f"/factors/{factor}/challenge", {}, token)).json["id"]
    body = {"challenge_id": challenge, "code": _code(secret)}
    first = await world.ask("POST", f"/factors/{factor}/verify", body, token)
    assert first.status == 200
    again = await world.ask("POST", f"/factors/{factor}/verify", body, first.json["access_token"])
    assert (again.status, again.code) == (422, "mfa_ip_address_mismatch")


async def test_a_factor_of_another_user_does_not_exist(world: World) -> None:
    ann, bob = await world.sign_up("ann@example.com"), await world.sign_up("bob@example.com")
    factor, _ = await _enrolled(world, ann)
    for method, path in (("DELETE", ""), ("POST", "/challenge"), ("POST", "/verify")):
        answer = await world.ask(method, f"/factors/{factor}{path}", {"code": "1"}, bob["access_token"])
        assert (answer.status, answer.code) == (404, "mfa_factor_not_found")
    assert (await world.admin_ask("GET", f"/admin/users/{ann['user']['id']}/factors")).json[0]["id"] == factor
    path = f"/admin/users/{bob['user']['id']}/factors/{factor}"
    assert (await world.admin_ask("DELETE", path)).status == 404


async def test_the_last_identity_stays(world: World) -> None:
    session = await world.sign_up("ann@example.com")
    identity = session["user"]["identities"][0]["identity_id"]
    answer = await world.ask("DELETE", f"/user/identities/{identity}", token=session["access_token"])
    assert (answer.status, answer.code) == (422, "single_identity_not_deletable")
    world.sql(
        "insert into auth.identities (id, provider_id, user_id, identity_data, provider, created_at)"
        " values (gen_random_uuid(), 'g1', %s, %s, 'google', now())",
        session["user"]["id"],
        '{"sub": "g1", "email": "ann@gmail.example", "email_verified": true}',
    )
    answer = await world.ask("DELETE", f"/user/identities/{identity}", token=session["access_token"])
    assert answer.status == 200, answer.body
    user = (await world.ask("GET", "/user", token=session["access_token"])).json
    assert user["email"] == "ann@gmail.example"
    assert user["app_metadata"]["providers"] == ["google"]


async def test_the_new_secret_key_opens_the_admin_endpoints(world: World) -> None:
    key = KEYS.secret_key.reveal()
    answer = await world.ask("GET", "/admin/users", token=key, headers={"apikey": key})
    assert answer.status == 200
    mixed = await world.ask("GET", "/admin/users", token=KEYS.publishable_key, headers={"apikey": KEYS.publishable_key})
    assert (mixed.status, mixed.code) == (403, "not_admin")
