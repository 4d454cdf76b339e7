"""Codes and links: what they open, that they open it once, and that they cannot be found by trying."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from auth_world import PASSWORD, World, auth_world, claims_of

from freehold.core.secret import Secret
from freehold.platform.credentials import one_time
from freehold.runtime.auth.limits import CODE_ATTEMPTS
from freehold.runtime.mail.mailer import Mail, MailNotSent
from freehold.runtime.settings import SmtpSettings

CONFIRMATIONS = {"email": {"enable_confirmations": True, "max_frequency": "0s"}}
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "s256"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with auth_world(tmp_path) as found:
        yield found


@pytest.fixture
async def ann(world: World) -> dict[str, object]:
    found: dict[str, object] = await world.sign_up("ann@example.com")
    return found


@pytest.mark.parametrize("path", ["/recover", "/otp", "/magiclink"])
async def test_a_link_signs_in_once(world: World, ann: dict[str, object], path: str) -> None:
    answer = await world.ask("POST", path, {"email": "ann@example.com"})
    assert (answer.status, answer.json) == (200, {})
    mail = world.mails("ann@example.com")[0]
    first, second = await world.ask("GET", mail.link), await world.ask("GET", mail.link)
    assert first.fragment["access_token"]
    assert first.fragment["type"] == ("recovery" if path == "/recover" else "magiclink")
    assert second.fragment == {
        "error": "access_denied",
        "error_code": "otp_expired",
        "error_description": "Email link is invalid or has expired",
        "sb": "",
    }
    assert ann


async def test_a_code_signs_in_once(world: World, ann: dict[str, object]) -> None:
    await world.ask("POST", "/otp", {"email": "ann@example.com"})
    body = {"type": "email", "email": "ann@example.com", "token": world.mails()[0].code}
    assert (await world.ask("POST", "/verify", body)).json["user"]["email"] == "ann@example.com"
    again = await world.ask("POST", "/verify", body)
    assert (again.status, again.code) == (403, "otp_expired")
    assert (await world.ask("GET", world.mails()[0].link)).fragment["error_code"] == "otp_expired"
    assert ann


@pytest.mark.parametrize("form", ["code", "hash", "both"])
async def test_of_two_verifications_at_once_one_wins(world: World, ann: dict[str, object], form: str) -> None:
    await world.ask("POST", "/otp", {"email": "ann@example.com"})
    mail = world.mails()[0]
    code = {"type": "email", "email": "ann@example.com", "token": mail.code}
    link = {"type": "email", "token_hash": mail.token}
    bodies = {"code": [code] * 4, "hash": [link] * 4, "both": [code, link, code, link]}[form]
    answers = await asyncio.gather(*(world.ask("POST", "/verify", body) for body in bodies))
    assert sorted(answer.status for answer in answers) == [200, 403, 403, 403]
    assert ann


async def test_codes_cannot_be_found_by_trying(world: World, ann: dict[str, object]) -> None:
    await world.ask("POST", "/otp", {"email": "ann@example.com"})
    code = world.mails()[0].code
    wrong = {"type": "email", "email": "ann@example.com", "token": "000000" if code != "000000" else "111111"}
    tries = [await world.ask("POST", "/verify", wrong) for _ in range(CODE_ATTEMPTS)]
    assert {answer.status for answer in tries} == {403}
    right = await world.ask("POST", "/verify", wrong | {"token": code})
    assert (right.status, right.code) == (429, "over_request_rate_limit")
    await world.ask("POST", "/otp", {"email": "ann@example.com"})
    right = await world.ask("POST", "/verify", wrong | {"token": world.mails()[-1].code})
    assert right.status == 429, "a new code opens no new attempts"
    assert ann


async def test_a_link_s_token_does_not_follow_from_the_code(world: World, ann: dict[str, object]) -> None:
    await world.ask("POST", "/otp", {"email": "ann@example.com"})
    derived = one_time.hash_of_code("ann@example.com", world.mails()[0].code)
    answer = await world.ask("POST", "/verify", {"type": "email", "token_hash": derived})
    assert (answer.status, answer.code) == (403, "otp_expired")
    assert ann


async def test_a_code_moved_from_a_supabase_project_still_works(world: World, ann: dict[str, object]) -> None:
    moved = one_time.hash_of_code("ann@example.com", "123456")
    world.sql("update auth.users set recovery_token = %s, recovery_sent_at = now()", moved)
    body = {"type": "recovery", "email": "ann@example.com", "token": "123456"}
    assert (await world.ask("POST", "/verify", body)).status == 200
    assert ann


@pytest.mark.parametrize("kind", ["signup", "email_change", "invite"])
async def test_a_code_of_one_kind_opens_no_other(world: World, ann: dict[str, object], kind: str) -> None:
    await world.ask("POST", "/recover", {"email": "ann@example.com"})
    mail = world.mails()[0]
    code = {"type": kind, "email": "ann@example.com", "token": mail.code}
    assert (await world.ask("POST", "/verify", code)).status == 403
    assert (await world.ask("POST", "/verify", {"type": kind, "token_hash": mail.token})).status == 403
    assert ann


async def test_codes_and_links_run_out(world: World, ann: dict[str, object]) -> None:
    await world.ask("POST", "/otp", {"email": "ann@example.com"})
    world.sql("update auth.users set recovery_sent_at = now() - interval '2 hours'")
    mail = world.mails()[0]
    body = {"type": "email", "email": "ann@example.com", "token": mail.code}
    assert (await world.ask("POST", "/verify", body)).code == "otp_expired"
    assert (await world.ask("GET", mail.link)).fragment["error_code"] == "otp_expired"
    assert ann


async def test_a_code_of_one_user_does_not_open_another_s_account(world: World, ann: dict[str, object]) -> None:
    await world.sign_up("bob@example.com")
    await world.ask("POST", "/otp", {"email": "ann@example.com"})
    body = {"type": "email", "email": "bob@example.com", "token": world.mails()[0].code}
    assert (await world.ask("POST", "/verify", body)).status == 403
    assert ann


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("/recover", {}, 200),
        ("/resend", {"type": "signup"}, 200),
        ("/resend", {"type": "email_change"}, 200),
        ("/otp", {"create_user": False}, 422),
    ],
)
async def test_an_unknown_address_gets_no_mail(world: World, path: str, body: dict[str, object], answer: int) -> None:
    found = await world.ask("POST", path, body | {"email": "nobody@example.com"})
    assert found.status == answer
    assert world.mails() == []


async def test_the_first_code_of_a_new_address_makes_the_user(tmp_path: Path) -> None:
    async with auth_world(tmp_path, CONFIRMATIONS) as world:
        await world.ask("POST", "/otp", {"email": "new@example.com", "data": {"name": "New"}})
        body = {"type": "email", "email": "new@example.com", "token": world.mails()[0].code}
        found = (await world.ask("POST", "/verify", body)).json
        assert found["user"]["user_metadata"]["name"] == "New"
        assert found["user"]["email_confirmed_at"]


async def test_the_pkce_code_of_a_link_is_exchanged_once_and_with_its_verifier_only(world: World) -> None:
    await world.sign_up("ann@example.com")
    for wrong in (True, False):
        await world.ask("POST", "/recover", {"email": "ann@example.com", **PKCE})
        answer = await world.ask("GET", world.mails()[-1].link)
        code = answer.query["code"]
        assert not answer.fragment
        body = {"auth_code": code, "code_verifier": "x" * 43 if wrong else VERIFIER}
        first = await world.ask("POST", "/token?grant_type=pkce", body)
        assert (first.status, first.code) == ((400, "bad_code_verifier") if wrong else (200, ""))
        again = await world.ask("POST", "/token?grant_type=pkce", body | {"code_verifier": VERIFIER})
        assert (again.status, again.code) == (404, "flow_state_not_found")
    assert claims_of(first.json["access_token"])["amr"][0]["method"] == "recovery"


async def test_a_confirmation_with_pkce_comes_back_with_a_code(tmp_path: Path) -> None:
    async with auth_world(tmp_path, CONFIRMATIONS) as world:
        await world.sign_up("ann@example.com", **PKCE)
        answer = await world.ask("GET", world.mails()[0].link)
        body = {"auth_code": answer.query["code"], "code_verifier": VERIFIER}
        assert (await world.ask("POST", "/token?grant_type=pkce", body)).status == 200


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("https://app.example.com/welcome?a=1", "https://app.example.com/welcome?a=1"),
        ("https://app.example.com.evil.com/", "https://app.example.com"),
        ("https://app.example.com@evil.com/", "https://app.example.com"),
        ("//evil.com", "https://app.example.com"),
        ("javascript:alert(1)", "https://app.example.com"),
        ("http://app.example.com/", "https://app.example.com"),
        ("https://preview-1.example.net/x", "https://preview-1.example.net/x"),
        ("https://evil.com/.example.net/x", "https://app.example.com"),
    ],
)
async def test_a_link_leads_only_where_the_owner_allows(tmp_path: Path, wanted: str, target: str) -> None:
    async with auth_world(tmp_path, {"additional_redirect_urls": ["https://*.example.net/**"]}) as world:
        await world.sign_up("ann@example.com")
        await world.ask("POST", f"/recover?redirect_to={quote(wanted, safe='')}", {"email": "ann@example.com"})
        location = (await world.ask("GET", world.mails()[0].link)).headers["location"]
        assert location.partition("#")[0] == target
        forged = await world.ask("GET", f"/verify?token=x&type=recovery&redirect_to={quote(wanted, safe='')}")
        assert forged.headers["location"].partition("#")[0] == target


async def test_both_addresses_confirm_a_change_where_mails_confirm(tmp_path: Path) -> None:
    async with auth_world(tmp_path, CONFIRMATIONS) as world:
        await world.sign_up("ann@example.com")
        session = (await world.ask("GET", world.mails()[0].link)).fragment
        answer = await world.ask("PUT", "/user", {"email": "anna@example.com"}, session["access_token"])
        assert (answer.json["email"], answer.json["new_email"]) == ("ann@example.com", "anna@example.com")
        old, new = world.mails()[1:]
        assert (old.to, new.to) == ("ann@example.com", "anna@example.com")
        half = await world.ask("GET", old.link)
        assert half.fragment["message"].startswith("Confirmation link accepted")
        assert (await world.sign_in("anna@example.com")).status == 400
        body = {"type": "email_change", "email": "anna@example.com", "token": new.code}
        whole = await world.ask("POST", "/verify", body)
        assert whole.json["user"]["email"] == "anna@example.com"
        assert whole.json["user"]["identities"][0]["email"] == "anna@example.com"
        assert (await world.sign_in("anna@example.com")).status == 200
        assert (await world.sign_in("ann@example.com")).status == 400


async def test_one_half_confirmed_twice_is_not_a_whole(tmp_path: Path) -> None:
    async with auth_world(tmp_path, CONFIRMATIONS) as world:
        await world.sign_up("ann@example.com")
        session = (await world.ask("GET", world.mails()[0].link)).fragment
        await world.ask("PUT", "/user", {"email": "anna@example.com"}, session["access_token"])
        new = world.mails()[2]
        first = {"type": "email_change", "email": "anna@example.com", "token": new.code}
        assert (await world.ask("POST", "/verify", first)).json["code"] == "200"
        assert (await world.ask("POST", "/verify", first)).status == 403
        assert (await world.ask("GET", new.link)).fragment["error_code"] == "otp_expired"
        assert world.sql("select email from auth.users") == [("ann@example.com",)]


async def test_an_address_another_user_has_is_refused(world: World, ann: dict[str, object]) -> None:
    bob = await world.sign_up("bob@example.com")
    answer = await world.ask("PUT", "/user", {"email": "ann@example.com"}, bob["access_token"])
    assert (answer.status, answer.code) == (422, "email_exists")
    assert ann


async def test_a_new_password_ends_the_other_sessions_and_every_link_on_the_way(world: World) -> None:
    first = await world.sign_up("ann@example.com")
    second = (await world.sign_in("ann@example.com")).json
    await world.ask("POST", "/recover", {"email": "ann@example.com"})
    same = await world.ask("PUT", "/user", {"password": PASSWORD}, first["access_token"])
    assert (same.status, same.code) == (422, "same_password")
    answer = await world.ask("PUT", "/user", {"password": "another horse"}, first["access_token"])
    assert answer.status == 200
    assert (await world.ask("GET", "/user", token=first["access_token"])).status == 200
    assert (await world.ask("GET", "/user", token=second["access_token"])).status == 403
    assert (await world.ask("GET", world.mails()[0].link)).fragment["error_code"] == "otp_expired"
    assert (await world.sign_in("ann@example.com", "another horse")).status == 200


async def test_a_password_change_asks_for_a_nonce_where_configured(tmp_path: Path) -> None:
    config = {"email": {"secure_password_change": True, "max_frequency": "0s"}}
    async with auth_world(tmp_path, config) as world:
        token = (await world.sign_up("ann@example.com"))["access_token"]
        assert (await world.ask("PUT", "/user", {"password": "another horse"}, token)).status == 200
        world.sql("update auth.sessions set created_at = now() - interval '2 days'")
        refused = await world.ask("PUT", "/user", {"password": "a third horse"}, token)
        assert refused.code == "reauthentication_needed"
        assert (await world.ask("GET", "/reauthenticate", token=token)).json == {}
        wrong = await world.ask("PUT", "/user", {"password": "a third horse", "nonce": "1"}, token)
        assert wrong.code == "reauthentication_not_valid"
        body = {"password": "a third horse", "nonce": world.mails()[0].code}
        assert (await world.ask("PUT", "/user", body, token)).status == 200
        assert (await world.ask("PUT", "/user", body | {"password": "number four"}, token)).status == 422


async def test_data_is_merged_and_app_metadata_is_out_of_reach(world: World) -> None:
    token = (await world.sign_up("ann@example.com", data={"a": 1, "b": 2}))["access_token"]
    answer = await world.ask("PUT", "/user", {"data": {"b": None, "c": {"d": 3}}}, token)
    metadata = answer.json["user_metadata"]
    assert (metadata["a"], metadata["c"]) == (1, {"d": 3})
    assert "b" not in metadata
    answer = await world.ask("PUT", "/user", {"app_metadata": {"role": "admin"}}, token)
    assert (answer.status, answer.code) == (403, "not_admin")


async def test_mails_to_one_user_keep_their_distance(tmp_path: Path) -> None:
    async with auth_world(tmp_path, {"email": {"max_frequency": "1m"}}) as world:
        await world.sign_up("ann@example.com")
        body = {"email": "ann@example.com"}
        answers = await asyncio.gather(*(world.ask("POST", "/recover", body) for _ in range(3)))
        assert sorted(answer.status for answer in answers) == [200, 429, 429]
        refused = next(answer for answer in answers if answer.status == 429)
        assert refused.code == "over_email_send_rate_limit"
        assert refused.json["message"].startswith("For security purposes, you can only request this after ")
        assert len(world.mails()) == 1


class _NoMail:
    async def send(self, mail: Mail) -> None:
        raise MailNotSent(mail.subject)


async def test_nobody_is_signed_up_when_the_mail_cannot_be_sent(tmp_path: Path) -> None:
    async with auth_world(tmp_path, CONFIRMATIONS, mailer=_NoMail()) as world:
        answer = await world.ask("POST", "/signup", {"email": "ann@example.com", "password": PASSWORD})
        assert (answer.status, answer.json["message"]) == (500, "Error sending confirmation email")
        assert world.sql("select count(*) from auth.users") == [(0,)]


class _AnyMail:
    async def send(self, mail: Mail) -> None:
        """Take every mail."""


async def test_a_project_sends_no_more_mails_an_hour_than_configured(tmp_path: Path) -> None:
    smtp = SmtpSettings(host="mail.example.com", port=587, sender="a@example.com", password=Secret("x"))
    config = {"rate_limit": {"email_sent": 2}}
    async with auth_world(tmp_path, config, mailer=_AnyMail(), smtp=smtp) as world:
        await world.sign_up("ann@example.com")
        answers = [await world.ask("POST", "/recover", {"email": "ann@example.com"}) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert answers[2].json["message"] == "email rate limit exceeded"


async def test_one_machine_cannot_try_sign_ins_without_end(tmp_path: Path) -> None:
    async with auth_world(tmp_path, {"rate_limit": {"sign_in_sign_ups": 3}}) as world:
        body = {"email": "ann@example.com", "password": "x"}
        path = "/token?grant_type=password"

        async def ask(address: str) -> int:
            # The entry on the right is the one our own proxy added; what stands left of it anyone can write.
            headers = {"x-forwarded-for": f"1.2.3.4, {address}"}
            return (await world.ask("POST", path, body, headers=headers)).status

        assert [await ask("203.0.113.7") for _ in range(4)] == [400, 400, 400, 429]
        assert await ask("203.0.113.8") == 400
