"""What somebody might try on the way to a provider and back, against real OpenID providers on loopback."""

import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from joserfc.jwk import RSAKey
from social_world import SECRET, SocialWorld, query_of, social_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SocialWorld]:
    async with social_world(tmp_path_factory.mktemp("world"), external={"apple": {"enabled": True}}) as found:
        yield found


async def test_a_state_counts_once(world: SocialWorld) -> None:
    visitor = world.visitor()
    back = await visitor.at_provider(await world.begin(visitor, "google"), "once@example.com", world.url)
    assert "access_token" in (await visitor.open(back)).fragment
    again = await visitor.open(back)
    assert again.status == 303
    assert again.query["error_code"] == "bad_oauth_state"


async def test_a_state_with_a_challenge_counts_once(world: SocialWorld) -> None:
    visitor = world.visitor()
    query = {"code_challenge": "c" * 43, "code_challenge_method": "plain"}
    back = await visitor.at_provider(await world.begin(visitor, "google", **query), "once@example.com", world.url)
    assert "code" in (await visitor.open(back)).query
    assert (await visitor.open(back)).query["error_code"] == "flow_state_already_used"


async def test_a_sign_in_is_finished_only_where_it_was_begun(world: SocialWorld) -> None:
    attacker, victim = world.visitor(), world.visitor()
    back = await attacker.at_provider(await world.begin(attacker, "google"), "attacker@example.com", world.url)
    await world.begin(victim, "google")
    refused = await victim.open(back)
    assert refused.fragment["error_code"] == "bad_oauth_state"
    assert "access_token" not in refused.headers["location"]
    assert "access_token" in (await attacker.open(back)).fragment


async def test_a_code_of_another_sign_in_opens_nothing(world: SocialWorld) -> None:
    victim, attacker = world.visitor(), world.visitor()
    stolen = query_of(await victim.at_provider(await world.begin(victim, "google"), "victim@example.com", world.url))
    own = query_of(await world.begin(attacker, "google"))
    url = world.address("/callback", code=stolen["code"], state=own["state"], iss=stolen["iss"])
    answer = await attacker.open(url)
    assert answer.fragment["error_description"] == f"Unable to exchange external code: {stolen['code'][:4]}"
    assert world.sql("select 1 from auth.users where email = 'victim@example.com'") == []


async def test_an_answer_of_another_provider_is_refused_before_its_code_is_sent_on(world: SocialWorld) -> None:
    visitor = world.visitor()
    own = query_of(await world.begin(visitor, "google"))
    mixed = world.visitor()
    back = query_of(await mixed.at_provider(await world.begin(mixed, "gitlab"), "mixed@example.com", world.url))
    assert back["iss"] == world.second.issuer
    answer = await visitor.open(world.address("/callback", code=back["code"], state=own["state"], iss=back["iss"]))
    assert answer.fragment["error_code"] == "unexpected_failure"
    unnamed = query_of(await world.begin(visitor, "google"))
    answer = await visitor.open(world.address("/callback", code=back["code"], state=unnamed["state"]))
    assert answer.fragment["error_code"] == "unexpected_failure"
    finished = await mixed.open(world.address("/callback", **back))
    assert "access_token" in finished.fragment


@pytest.mark.parametrize("state", ["", "x", "00000000-0000-4000-8000-000000000000"])
async def test_a_made_up_state_leads_to_the_site_with_an_error(world: SocialWorld, state: str) -> None:
    answer = await world.visitor().open(world.address("/callback", state=state, code="x"))
    assert answer.status == 303
    assert answer.headers["location"].startswith(f"{world.url}?error=invalid_request")


async def test_an_address_nobody_vouches_for_takes_no_account_over(world: SocialWorld) -> None:
    victim = await world.sign_up("unverified.victim@example.com")
    answer = await world.come_back(world.visitor(), "google", "unverified.victim@example.com")
    assert answer.fragment["error_code"] == "provider_email_needs_verification"
    assert answer.query["error"] == "access_denied"
    user = await world.user(victim)
    assert [item["provider"] for item in user["identities"]] == ["email"]
    assert world.sql(
        "select count(*) from auth.identities where provider = 'google' and email = 'unverified.victim@example.com'"
    ) == [(0,)]


async def test_who_lay_in_wait_in_an_account_is_put_out_when_its_owner_comes(world: SocialWorld) -> None:
    attacker = await world.sign_up("owner@example.com", "attacker's password")
    user = await world.user(await world.sign_in(world.visitor(), "google", "owner@example.com"))
    assert user["id"] == attacker["user"]["id"]
    assert [item["provider"] for item in user["identities"]] == ["google"]
    body = {"email": "owner@example.com", "password": "attacker's password"}
    assert (await world.ask("POST", "/token?grant_type=password", body)).code == "invalid_credentials"
    assert (await world.ask("GET", "/user", token=attacker["access_token"])).code == "session_not_found"
    refreshed = {"refresh_token": attacker["refresh_token"]}
    assert (await world.ask("POST", "/token?grant_type=refresh_token", refreshed)).status == 400


async def test_linking_an_address_nobody_vouches_for_gives_no_right_to_it(world: SocialWorld) -> None:
    """The attacker's own account holds the victim's address at a provider that did not check it."""
    attacker = await world.sign_up("thief@example.com")
    world.sql(
        "insert into auth.identities (provider_id, user_id, identity_data, provider) values ('t', %s, %s, 'github')",
        attacker["user"]["id"],
        json.dumps({"sub": "t", "email": "later@example.com", "email_verified": False}),
    )
    user = await world.user(await world.sign_in(world.visitor(), "google", "later@example.com"))
    assert user["id"] != attacker["user"]["id"]
    assert user["email"] == "later@example.com"


async def test_somebody_elses_sign_in_is_not_linked_to_ones_own_account(world: SocialWorld) -> None:
    from auth_world import KEYS  # noqa: PLC0415 - the key of this world

    session = await world.sign_up("linker@example.com")
    attacker, victim = world.visitor(), world.visitor()
    path = world.address("/user/identities/authorize", provider="google", skip_http_redirect="true")
    headers = {"authorization": f"Bearer {session['access_token']}", "apikey": KEYS.publishable_key}
    begun = await attacker.open(path, **headers)
    back = await victim.at_provider(begun.json["url"], "careless@example.com", world.url)
    assert (await victim.open(back)).fragment["error_code"] == "bad_oauth_state"
    assert world.sql("select 1 from auth.identities where email = 'careless@example.com'") == []


async def _native(world: SocialWorld, token: str, **more: Any) -> Any:
    return await world.ask("POST", "/token?grant_type=id_token", {"provider": "google", "id_token": token, **more})


async def test_an_id_token_signs_in_once(world: SocialWorld) -> None:
    nonce = hashlib.sha256(b"native nonce").hexdigest()
    token = world.first.id_token(nonce=nonce)
    answer = await _native(world, token, nonce="native nonce")
    assert answer.json["user"]["email"] == "native@example.com"
    assert answer.json["user"]["app_metadata"]["provider"] == "google"
    again = await _native(world, token, nonce="native nonce")
    assert (again.status, again.json["error"]) == (400, "invalid nonce")
    other = world.first.id_token(nonce=nonce, jti="2")
    assert (await _native(world, other, nonce="native nonce")).status == 400


async def test_id_tokens_that_prove_nothing_are_refused(world: SocialWorld) -> None:
    now = int(time.time())
    stranger = RSAKey.generate_key(2048, {"kid": world.first.key.kid or ""})
    bad = {
        "expired": world.first.id_token(exp=now - 120),
        "endless": world.first.id_token(exp=None),
        "from the future": world.first.id_token(iat=now + 600),
        "without a time": world.first.id_token(iat=None),
        "for another client": world.first.id_token(aud="another-app"),
        "for several clients": world.first.id_token(aud=["the-app", "another-app"]),
        "of another issuer": world.first.id_token(iss=world.second.issuer),
        "of another key": world.first.id_token(key=stranger),
        "of another provider": world.second.id_token(iss=world.first.issuer),
        "of nobody": world.first.id_token(sub=None),
        "of an empty name": world.first.id_token(sub=""),
        "without a signature": _unsigned("none", world),
        "signed with the public key": _with_public_key(world),
        "signed with the client secret": _hmac(SECRET, world),
        "no token": "x",
        "nothing": "a.b.c",
    }
    found = {name: (await _native(world, token)).status for name, token in bad.items()}
    assert found == dict.fromkeys(bad, 400)
    assert world.sql("select count(*) from auth.identities where provider_id in ('', 'None')") == [(0,)]


async def test_a_nonce_has_to_be_on_both_sides_and_the_same(world: SocialWorld) -> None:
    nonce = hashlib.sha256(b"one").hexdigest()
    for token, more, error in (
        (world.first.id_token(nonce=nonce), {}, "invalid request"),
        (world.first.id_token(), {"nonce": "one"}, "invalid request"),
        (world.first.id_token(nonce=nonce), {"nonce": "two"}, "invalid nonce"),
        (world.first.id_token(nonce="one"), {"nonce": "one"}, "invalid nonce"),
    ):
        assert (await _native(world, token, **more)).json["error"] == error


async def test_an_access_token_has_to_belong_to_its_id_token(world: SocialWorld) -> None:
    half = hashlib.sha256(b"right").digest()[:16]
    token = world.first.id_token(at_hash=base64.urlsafe_b64encode(half).rstrip(b"=").decode(), sub="hashed@example.com")
    assert (await _native(world, token, access_token="wrong")).status == 400
    assert (await _native(world, token, access_token="right")).status == 200


async def test_an_id_token_is_taken_only_for_a_provider_that_is_on(world: SocialWorld) -> None:
    for provider, code in (("apple", "provider_disabled"), ("azure", "provider_disabled"), ("x", "validation_failed")):
        answer = await world.ask("POST", "/token?grant_type=id_token", {"provider": provider, "id_token": "a.b.c"})
        assert answer.code == code
    body = {"id_token": world.second.id_token(), "issuer": "https://evil.example", "client_id": "the-app"}
    assert (await world.ask("POST", "/token?grant_type=id_token", body)).code == "validation_failed"


async def test_an_id_token_links_only_for_who_is_signed_in(world: SocialWorld) -> None:
    token = world.first.id_token(sub="linked@example.com", email="linked@example.com")
    key = {"authorization": "Bearer sb_publishable_x"}
    refused = await world.ask(
        "POST", "/token?grant_type=id_token", {"provider": "google", "id_token": token, "link_identity": True}, **key
    )
    assert refused.status == 403
    session = await world.sign_up("native.linker@example.com")
    body = {"provider": "google", "id_token": token, "link_identity": True}
    answer = await world.ask("POST", "/token?grant_type=id_token", body, session["access_token"])
    assert answer.json["user"]["id"] == session["user"]["id"]
    assert answer.json["user"]["app_metadata"]["providers"] == ["email", "google"]


async def test_the_provider_sees_neither_session_nor_verifier(world: SocialWorld) -> None:
    place = await world.begin(world.visitor(), "google")
    verifier = world.sql("select code_verifier from auth.freehold_sign_ins order by flow_id desc limit 1")[0][0]
    assert verifier not in place
    assert SECRET not in place


def _unsigned(algorithm: str, world: SocialWorld) -> str:
    parts = world.first.id_token().split(".")
    header = _encoded({"alg": algorithm, "kid": world.first.key.kid})
    return f"{header}.{parts[1]}."


def _with_public_key(world: SocialWorld) -> str:
    return _hmac(world.first.key.as_pem(private=False).decode(), world)


def _hmac(secret: str, world: SocialWorld) -> str:
    import hmac  # noqa: PLC0415 - only here

    signed = f"{_encoded({'alg': 'HS256', 'kid': world.first.key.kid})}.{world.first.id_token().split('.')[1]}"
    digest = hmac.new(secret.encode(), signed.encode(), "sha256").digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
