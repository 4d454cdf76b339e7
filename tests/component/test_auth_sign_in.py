"""Sign-up, sign-in, sessions and their end, over a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from auth_world import PASSWORD, World, auth_world, claims_of

from freehold.platform.credentials import passwords, refresh_tokens

CONFIRMATIONS = {"email": {"enable_confirmations": True, "max_frequency": "0s"}}
USER_KEYS = [
    "id",
    "aud",
    "role",
    "email",
    "email_confirmed_at",
    "phone",
    "confirmed_at",
    "last_sign_in_at",
    "app_metadata",
    "user_metadata",
    "identities",
    "created_at",
    "updated_at",
    "is_anonymous",
]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with auth_world(tmp_path) as found:
        yield found


async def test_a_new_user_gets_a_session_in_gotrue_s_shape(world: World) -> None:
    found = await world.sign_up("Ann@Example.com", data={"name": "Ann"})
    assert list(found) == ["access_token", "token_type", "expires_in", "expires_at", "refresh_token", "user"]
    user = found["user"]
    assert list(user) == USER_KEYS
    assert (user["email"], user["role"], user["aud"]) == ("ann@example.com", "authenticated", "authenticated")
    assert user["app_metadata"] == {"provider": "email", "providers": ["email"]}
    expected = {"email": "ann@example.com", "email_verified": True, "phone_verified": False, "sub": user["id"]}
    assert user["user_metadata"] == expected | {"name": "Ann"}
    assert user["identities"][0]["identity_data"]["email_verified"] is False
    assert user["identities"][0]["id"] == user["id"]
    claims = claims_of(found["access_token"])
    assert claims["sub"] == user["id"]
    assert (claims["aal"], claims["amr"][0]["method"], claims["aud"]) == ("aal1", "password", "authenticated")
    assert claims["iss"] == "https://app.example.com/auth/v1"


async def test_a_user_reads_the_own_account_with_the_session(world: World) -> None:
    session = await world.sign_up("ann@example.com")
    answer = await world.ask("GET", "/user", token=session["access_token"])
    assert answer.status == 200
    assert answer.json["id"] == session["user"]["id"]
    assert "encrypted_password" not in answer.body.decode()


async def test_the_address_may_be_typed_in_any_case(world: World) -> None:
    await world.sign_up("ann@example.com")
    assert (await world.sign_in("ANN@example.com")).status == 200


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(world: World) -> None:
    await world.sign_up("ann@example.com")
    wrong, unknown = await world.sign_in("ann@example.com", "wrong"), await world.sign_in("bob@example.com")
    assert wrong.status == unknown.status == 400
    assert wrong.json == unknown.json == {"code": "invalid_credentials", "message": "Invalid login credentials"}


async def test_errors_have_the_older_form_without_the_version_header(world: World) -> None:
    answer = await world.ask(
        "POST",
        "/token?grant_type=password",
        {"email": "a@b.c", "password": "x"},
        headers={"x-supabase-api-version": ""},
    )
    assert answer.json == {"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"}
    assert answer.headers["x-sb-error-code"] == "invalid_credentials"
    assert "x-supabase-api-version" not in answer.headers


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"email": "ann@example.com"}, 400, "validation_failed"),
        ({"email": "ann@example.com", "password": "short"}, 422, "weak_password"),
        ({"email": "ann@example.com", "password": "x" * 73}, 400, "validation_failed"),
        ({"email": "not an address", "password": PASSWORD}, 400, "validation_failed"),
        ({"email": "ann@example.com\r\nBcc: x@y.z", "password": PASSWORD}, 400, "validation_failed"),
        ({"email": "ann@example.com", "password": PASSWORD, "data": "text"}, 400, "bad_json"),
        ({"email": ["ann@example.com"], "password": PASSWORD}, 400, "bad_json"),
        ({"email": "ann@example.com", "phone": "4915112345", "password": PASSWORD}, 400, "validation_failed"),
        ({"phone": "4915112345", "password": PASSWORD}, 400, "phone_provider_disabled"),
        ({}, 422, "anonymous_provider_disabled"),
        ([1], 400, "bad_json"),
        ({"email": "ann@example.com", "password": PASSWORD, "code_challenge": "x" * 43}, 400, "validation_failed"),
    ],
)
async def test_a_sign_up_that_cannot_be_is_refused(world: World, body: object, status: int, code: str) -> None:
    answer = await world.ask("POST", "/signup", body)
    assert (answer.status, answer.code) == (status, code)
    assert world.sql("select count(*) from auth.users") == [(0,)]


async def test_a_taken_address_is_refused_where_addresses_confirm_themselves(world: World) -> None:
    await world.sign_up("ann@example.com")
    answer = await world.ask("POST", "/signup", {"email": "ann@example.com", "password": "another one"})
    assert (answer.status, answer.code) == (422, "user_already_exists")


async def test_of_two_sign_ups_at_once_one_wins(world: World) -> None:
    body = {"email": "ann@example.com", "password": PASSWORD}
    answers = await asyncio.gather(*(world.ask("POST", "/signup", body) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 422, 422, 422]
    assert world.sql("select count(*) from auth.users") == [(1,)]


async def test_a_trigger_of_the_app_sees_the_new_user(world: World) -> None:
    world.sql("create table public.profiles (id uuid primary key references auth.users on delete cascade, name text)")
    world.sql(
        "create function public.handle_new_user() returns trigger language plpgsql security definer as $$ begin"
        " insert into public.profiles values (new.id, new.raw_user_meta_data ->> 'name'); return new; end $$"
    )
    world.sql("create trigger t after insert on auth.users for each row execute function public.handle_new_user()")
    session = await world.sign_up("ann@example.com", data={"name": "Ann"})
    assert [(str(row[0]), row[1]) for row in world.sql("select id, name from public.profiles")] == [
        (session["user"]["id"], "Ann")
    ]


async def test_a_trigger_that_raises_ends_the_sign_up(world: World) -> None:
    world.sql(
        "create function public.refuse() returns trigger language plpgsql as $$ begin"
        " raise exception 'the secret reason'; end $$"
    )
    world.sql("create trigger t after insert on auth.users for each row execute function public.refuse()")
    answer = await world.ask("POST", "/signup", {"email": "ann@example.com", "password": PASSWORD})
    assert (answer.status, answer.json["message"]) == (500, "Database error saving new user")
    assert b"secret reason" not in answer.body
    assert world.sql("select count(*) from auth.users") == [(0,)]


async def test_claims_hold_what_a_trigger_put_into_the_user(world: World) -> None:
    world.sql(
        "create function public.grant_role() returns trigger language plpgsql as $$ begin"
        ' new.raw_app_meta_data = new.raw_app_meta_data || \'{"plan": "pro"}\'; return new; end $$'
    )
    world.sql("create trigger t before insert on auth.users for each row execute function public.grant_role()")
    session = await world.sign_up("ann@example.com")
    assert claims_of(session["access_token"])["app_metadata"]["plan"] == "pro"


async def test_sign_up_can_be_switched_off(tmp_path: Path) -> None:
    async with auth_world(tmp_path, {"enable_signup": False}) as world:
        answer = await world.ask("POST", "/signup", {"email": "ann@example.com", "password": PASSWORD})
        assert (answer.status, answer.code) == (422, "signup_disabled")
        answer = await world.ask("POST", "/otp", {"email": "ann@example.com"})
        assert (answer.status, answer.code) == (422, "signup_disabled")


async def test_a_password_must_hold_what_the_configuration_asks_for(tmp_path: Path) -> None:
    async with auth_world(tmp_path, {"password_requirements": "letters_digits", "minimum_password_length": 8}) as world:
        answer = await world.ask("POST", "/signup", {"email": "ann@example.com", "password": "short"})
        assert answer.status == 422
        assert answer.json["weak_password"] == {"reasons": ["length", "characters"]}


async def test_a_confirmation_mail_is_asked_for_where_configured(tmp_path: Path) -> None:
    async with auth_world(tmp_path, CONFIRMATIONS) as world:
        found = await world.sign_up("ann@example.com", data={"name": "Ann"})
        assert "access_token" not in found
        assert "confirmation_sent_at" in found
        assert "email_confirmed_at" not in found
        refused = await world.sign_in("ann@example.com")
        assert (refused.status, refused.code) == (400, "email_not_confirmed")
        mail = world.mails("ann@example.com")[0]
        answer = await world.ask("GET", mail.link)
        assert answer.status == 303
        assert answer.headers["location"].startswith("https://app.example.com#")
        assert answer.fragment["type"] == "signup"
        me = await world.ask("GET", "/user", token=answer.fragment["access_token"])
        assert me.json["user_metadata"]["email_verified"] is True
        assert me.json["identities"][0]["identity_data"]["email_verified"] is True
        assert (await world.sign_in("ann@example.com")).status == 200


async def test_a_taken_address_is_not_given_away_where_mails_confirm(tmp_path: Path) -> None:
    async with auth_world(tmp_path, CONFIRMATIONS) as world:
        real = await world.sign_up("new@example.com")
        await world.sign_up("ann@example.com")
        await world.ask("GET", world.mails("ann@example.com")[0].link)
        fake = await world.sign_up("ann@example.com", data={"name": "Eve"})
        assert fake["identities"] == []
        assert (fake["role"], fake["user_metadata"]) == ("", {"name": "Eve"})
        assert list(fake) == [key for key in real if key in fake]
        assert set(real) == set(fake)
        assert fake["id"] != str(world.sql("select id from auth.users where email = 'ann@example.com'")[0][0])
        assert len(world.mails("ann@example.com")) == 1


async def test_an_invited_account_is_not_handed_to_whoever_types_its_address(world: World) -> None:
    assert (await world.admin_ask("POST", "/invite", {"email": "ann@example.com"})).status == 200
    answer = await world.ask("POST", "/signup", {"email": "ann@example.com", "password": "of a stranger"})
    assert (answer.status, answer.code) == (422, "user_already_exists")


async def test_a_refresh_token_is_swapped_and_the_old_one_gives_the_active_one(world: World) -> None:
    session = await world.sign_up("ann@example.com")
    first = await world.refresh(session["refresh_token"])
    assert first.status == 200
    assert first.json["refresh_token"] != session["refresh_token"]
    assert claims_of(first.json["access_token"])["session_id"] == claims_of(session["access_token"])["session_id"]
    again = await world.refresh(session["refresh_token"])
    assert again.json["refresh_token"] == first.json["refresh_token"]


async def test_refreshes_at_once_end_with_one_active_token(world: World) -> None:
    session = await world.sign_up("ann@example.com")
    answers = await asyncio.gather(*(world.refresh(session["refresh_token"]) for _ in range(5)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["refresh_token"] for answer in answers}) == 1
    assert world.sql("select count(*) from auth.refresh_tokens where not revoked") == [(1,)]


async def test_an_old_refresh_token_ends_the_whole_family(world: World) -> None:
    session = await world.sign_up("ann@example.com")
    second = (await world.refresh(session["refresh_token"])).json
    third = (await world.refresh(second["refresh_token"])).json
    world.sql("update auth.refresh_tokens set updated_at = now() - interval '1 minute'")
    stolen = await world.refresh(session["refresh_token"])
    assert (stolen.status, stolen.code) == (400, "refresh_token_already_used")
    owner = await world.refresh(third["refresh_token"])
    assert (owner.status, owner.code) == (400, "refresh_token_already_used")
    assert world.sql("select count(*) from auth.refresh_tokens where not revoked") == [(0,)]


@pytest.mark.parametrize(
    ("token", "code"),
    [("", "validation_failed"), ("short", "validation_failed"), ("abcdefghijkl", "refresh_token_not_found")],
)
async def test_a_refresh_token_nobody_has_is_refused(world: World, token: str, code: str) -> None:
    answer = await world.refresh(token)
    assert (answer.status, answer.code) == (400, code)


async def test_a_session_moved_with_a_counted_refresh_token_goes_on(world: World) -> None:
    import uuid  # noqa: PLC0415 - only here

    session = await world.sign_up("ann@example.com")
    session_id = uuid.UUID(claims_of(session["access_token"])["session_id"])
    world.sql(
        "update auth.sessions set refresh_token_hmac_key = 'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s',"
        " refresh_token_counter = 5"
    )
    key = refresh_tokens.decode_hmac_key("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s")
    assert key is not None

    def token(counter: int) -> str:
        return refresh_tokens.encode_counted_token(session_id, counter, key)

    assert (await world.refresh(token(5))).json["refresh_token"] == token(6)
    assert (await world.refresh(token(5))).json["refresh_token"] == token(6)
    assert (await world.refresh(token(9))).code == "validation_failed"
    forged = refresh_tokens.encode_counted_token(session_id, 6, b"another key")
    assert (await world.refresh(forged)).code == "refresh_token_not_found"
    world.sql("update auth.sessions set refreshed_at = now() at time zone 'UTC' - interval '1 minute'")
    assert (await world.refresh(token(3))).code == "refresh_token_already_used"
    assert world.sql("select count(*) from auth.sessions") == [(0,)]


async def test_a_session_that_was_logged_out_is_refused_though_its_token_still_runs(world: World) -> None:
    session = await world.sign_up("ann@example.com")
    answer = await world.ask("POST", "/logout", token=session["access_token"])
    assert (answer.status, answer.body) == (204, b"")
    answer = await world.ask("GET", "/user", token=session["access_token"])
    assert (answer.status, answer.code) == (403, "session_not_found")
    assert (await world.refresh(session["refresh_token"])).code == "refresh_token_not_found"


async def test_log_out_ends_this_session_the_others_or_all(world: World) -> None:
    sessions = [await world.sign_up("ann@example.com")]
    sessions += [(await world.sign_in("ann@example.com")).json for _ in range(3)]

    async def alive() -> list[bool]:
        answers = [await world.ask("GET", "/user", token=item["access_token"]) for item in sessions]
        return [answer.status == 200 for answer in answers]

    await world.ask("POST", "/logout?scope=local", token=sessions[0]["access_token"])
    assert await alive() == [False, True, True, True]
    await world.ask("POST", "/logout?scope=others", token=sessions[1]["access_token"])
    assert await alive() == [False, True, False, False]
    assert (await world.ask("POST", "/logout?scope=x", token=sessions[1]["access_token"])).status == 400
    await world.ask("POST", "/logout", token=sessions[1]["access_token"])
    assert await alive() == [False, False, False, False]


async def test_an_anonymous_user_becomes_a_known_one(tmp_path: Path) -> None:
    async with auth_world(tmp_path, {"enable_anonymous_sign_ins": True}) as world:
        session = (await world.ask("POST", "/signup", {"data": {"theme": "dark"}})).json
        assert session["user"]["is_anonymous"] is True
        assert session["user"]["app_metadata"] == {}
        assert claims_of(session["access_token"])["is_anonymous"] is True
        token = session["access_token"]
        refused = await world.ask("PUT", "/user", {"password": PASSWORD}, token)
        assert refused.status == 422
        found = await world.ask("PUT", "/user", {"email": "ann@example.com", "password": PASSWORD}, token)
        assert found.status == 200, found.body
        assert (found.json["is_anonymous"], found.json["email"]) == (False, "ann@example.com")
        assert found.json["user_metadata"]["theme"] == "dark"
        assert (await world.sign_in("ann@example.com")).json["user"]["id"] == session["user"]["id"]


@pytest.mark.parametrize("stored", ["argon2", "firebase"])
async def test_a_user_moved_from_elsewhere_keeps_the_password(world: World, stored: str) -> None:
    from argon2 import PasswordHasher  # noqa: PLC0415 - only here
    from hashes import FIREBASE  # noqa: PLC0415 - only here

    hashes = {"argon2": (PasswordHasher(1, 1024, 1).hash(PASSWORD), PASSWORD), "firebase": (FIREBASE, "user1password")}
    value, password = hashes[stored]
    body = {"email": "ann@example.com", "password_hash": value, "email_confirm": True}
    assert (await world.admin_ask("POST", "/admin/users", body)).status == 200
    assert (await world.sign_in("ann@example.com", password)).status == 200
    assert (await world.sign_in("ann@example.com", "wrong")).status == 400


async def test_an_account_whose_hash_nobody_can_read_is_not_open(world: World) -> None:
    await world.sign_up("ann@example.com")
    for value in ("", "x", '{"key_id":"1","alg":"aes-gcm-hkdf","data":"YQ==","nonce":"YQ=="}'):
        world.sql("update auth.users set encrypted_password = %s", value)
        for password in ("", "x", PASSWORD):
            assert (await world.sign_in("ann@example.com", password)).status == 400
    assert passwords.kind_of_hash("x") == "unknown"


async def test_tokens_expire_as_configured(tmp_path: Path) -> None:
    async with auth_world(tmp_path, {"jwt_expiry": 120}) as world:
        session = await world.sign_up("ann@example.com")
        claims = claims_of(session["access_token"])
        assert claims["exp"] - claims["iat"] == session["expires_in"] == 120


async def test_a_session_ends_after_its_time_box(tmp_path: Path) -> None:
    async with auth_world(tmp_path, {"sessions": {"timebox": "24h", "inactivity_timeout": "8h"}}) as world:
        session = await world.sign_up("ann@example.com")
        world.sql("update auth.sessions set created_at = now() - interval '9 hours'")
        assert (await world.refresh(session["refresh_token"])).json["message"].endswith("(Inactivity)")
        world.sql("update auth.sessions set created_at = now() - interval '25 hours', refreshed_at = now()")
        assert (await world.refresh(session["refresh_token"])).code == "session_expired"


async def test_the_app_s_function_may_change_the_claims(tmp_path: Path) -> None:
    hook = {"enabled": True, "uri": "pg-functions://postgres/public/add_claim"}
    async with auth_world(tmp_path, {"hook": {"custom_access_token": hook}}) as world:
        world.sql(
            "create function public.add_claim(event jsonb) returns jsonb language sql as $$"
            " select jsonb_set(event, '{claims,user_role}', '\"admin\"') $$"
        )
        world.sql("grant usage on schema public to supabase_auth_admin")
        session = await world.sign_up("ann@example.com")
        assert claims_of(session["access_token"])["user_role"] == "admin"
