"""Signing in by another provider, against real OpenID providers on loopback."""

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from auth_world import KEYS, claims_of
from social_world import CLIENT, SocialWorld, query_of, social_world

VERIFIER = "v" * 50


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SocialWorld]:
    external = {"azure": {"enabled": True, "client_id": "x"}, "discord": {"enabled": True, "client_id": "x"}}
    found = social_world(tmp_path_factory.mktemp("world"), external=external, enable_anonymous_sign_ins=True)
    async with found as serving:
        yield serving


async def test_a_new_person_becomes_a_user(world: SocialWorld) -> None:
    fragment = await world.sign_in(world.visitor(), "google", "ann@example.com")
    assert set(fragment) >= {"provider_token", "refresh_token", "expires_at", "sb"}
    user = await world.user(fragment)
    assert user["email"] == "ann@example.com"
    assert user["app_metadata"] == {"provider": "google", "providers": ["google"]}
    assert user["user_metadata"]["full_name"] == "ann"
    assert user["user_metadata"]["email_verified"] is True
    assert user["identities"][0]["provider"] == "google"
    assert claims_of(fragment["access_token"])["amr"][0]["method"] == "oauth"
    again = await world.user(await world.sign_in(world.visitor(), "google", "ann@example.com"))
    assert again["id"] == user["id"]
    assert world.sql("select count(*) from auth.flow_state where user_id is not null") == [(0,)]


async def test_details_outside_the_token_are_asked_for(world: SocialWorld) -> None:
    fragment = await world.sign_in(world.visitor(), "gitlab", "bea@example.com")
    user = await world.user(fragment)
    assert (user["email"], user["user_metadata"]["name"]) == ("bea@example.com", "bea")


async def test_a_verified_address_joins_what_two_providers_say(world: SocialWorld) -> None:
    one = await world.user(await world.sign_in(world.visitor(), "google", "two.ways@example.com"))
    two = await world.user(await world.sign_in(world.visitor(), "gitlab", "two.ways@example.com"))
    assert two["id"] == one["id"]
    assert two["app_metadata"] == {"provider": "google", "providers": ["google", "gitlab"]}


async def test_the_request_to_the_provider_is_the_one_that_was_configured(world: SocialWorld) -> None:
    place = await world.begin(
        world.visitor(), "google", scopes="drive,calendar", prompt="consent", state="x", nonce="y"
    )
    query = query_of(place)
    assert query["scope"] == "openid email profile drive calendar"
    assert (query["client_id"], query["prompt"]) == (CLIENT, "consent")
    assert query["redirect_uri"] == f"{world.url}/auth/v1/callback"
    assert query["state"] != "x"
    assert query["nonce"] != "y"
    assert query["code_challenge_method"] == "S256"


async def test_the_address_can_be_asked_for_without_a_redirect(world: SocialWorld) -> None:
    answer = await world.visitor().open(world.address("/authorize", provider="google", skip_http_redirect="true"))
    assert answer.status == 200
    assert answer.json["url"].startswith(world.first.issuer)


async def test_a_code_is_given_where_the_app_sent_a_challenge(world: SocialWorld) -> None:

    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    query = {"code_challenge": challenge, "code_challenge_method": "s256", "redirect_to": f"{world.url}/welcome?a=b"}
    answer = await world.come_back(world.visitor(), "google", "ann@example.com", **query)
    place = answer.headers["location"]
    assert place.startswith(f"{world.url}/welcome?a=b&code=")
    assert "access_token" not in place
    body = {"auth_code": query_of(place)["code"], "code_verifier": VERIFIER}
    wrong = await world.ask("POST", "/token?grant_type=pkce", {**body, "code_verifier": "w" * 50})
    assert wrong.code == "bad_code_verifier"
    assert (await world.ask("POST", "/token?grant_type=pkce", body)).code == "flow_state_not_found"
    answer = await world.come_back(world.visitor(), "google", "ann@example.com", **query)
    body["auth_code"] = query_of(answer.headers["location"])["code"]
    session = (await world.ask("POST", "/token?grant_type=pkce", body)).json
    assert session["provider_token"]
    assert session["user"]["email"] == "ann@example.com"
    assert world.sql("select count(*) from auth.flow_state where auth_code = %s", body["auth_code"]) == [(0,)]


async def test_a_signed_in_user_links_and_unlinks_a_provider(world: SocialWorld) -> None:
    session = await world.sign_up("linker@example.com")
    token, visitor = session["access_token"], world.visitor()
    path = world.address("/user/identities/authorize", provider="gitlab", skip_http_redirect="true")
    begun = await visitor.open(path, authorization=f"Bearer {token}", apikey="sb_publishable_x")
    assert begun.status == 401
    begun = await visitor.open(path, authorization=f"Bearer {token}", apikey=KEYS.publishable_key)
    back = await visitor.at_provider(begun.json["url"], "another@example.com", world.url)
    fragment = (await visitor.open(back)).fragment
    user = await world.user(fragment)
    assert user["id"] == session["user"]["id"]
    assert user["email"] == "linker@example.com"
    assert [item["provider"] for item in user["identities"]] == ["email", "gitlab"]
    begun = await visitor.open(path, authorization=f"Bearer {token}", apikey=KEYS.publishable_key)
    back = await visitor.at_provider(begun.json["url"], "another@example.com", world.url)
    assert (await visitor.open(back)).fragment["error_code"] == "identity_already_exists"
    identity = user["identities"][1]["identity_id"]
    assert (await world.ask("DELETE", f"/user/identities/{identity}", token=token)).status == 200
    assert (await world.user({"access_token": token}))["app_metadata"]["providers"] == ["email"]


async def test_an_anonymous_user_becomes_a_person_by_linking(world: SocialWorld) -> None:
    session = (await world.ask("POST", "/signup", {"data": {"theme": "dark"}})).json
    assert session["user"]["is_anonymous"] is True
    visitor = world.visitor()
    path = world.address("/user/identities/authorize", provider="google", skip_http_redirect="true")
    begun = await visitor.open(path, authorization=f"Bearer {session['access_token']}", apikey=KEYS.publishable_key)
    back = await visitor.at_provider(begun.json["url"], "once.nobody@example.com", world.url)
    user = await world.user((await visitor.open(back)).fragment)
    assert (user["id"], user["email"]) == (session["user"]["id"], "once.nobody@example.com")
    assert user["is_anonymous"] is False
    assert user["email_confirmed_at"]


async def test_who_declines_at_the_provider_is_told_so_by_the_app(world: SocialWorld) -> None:
    visitor = world.visitor()
    state = query_of(await world.begin(visitor, "google", redirect_to=f"{world.url}/in"))["state"]
    answer = await visitor.open(
        world.address("/callback", state=state, error="access_denied", error_description="not today")
    )
    assert answer.status == 302
    assert answer.headers["location"].startswith(f"{world.url}/in?")
    assert answer.fragment == {"error": "access_denied", "error_description": "not today", "sb": ""}


async def test_a_closed_app_takes_in_nobody_new(tmp_path: Path) -> None:
    async with social_world(tmp_path, enable_signup=False) as world:
        answer = await world.come_back(world.visitor(), "google", "ann@example.com")
        assert answer.fragment["error_code"] == "signup_disabled"
        assert answer.query["error"] == "access_denied"
        assert world.sql("select count(*) from auth.users") == [(0,)]


async def test_settings_name_the_providers_that_work(world: SocialWorld) -> None:
    external = (await world.ask("GET", "/settings")).json["external"]
    assert [name for name, on in external.items() if on] == ["anonymous_users", "gitlab", "google", "keycloak", "email"]


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        ("apple", "Unsupported provider: provider is not enabled"),
        ("azure", "Unsupported provider: missing OAuth secret"),
        ("discord", "Unsupported provider: Provider discord could not be found"),
        ("", "Unsupported provider: provider is not enabled"),
    ],
)
async def test_a_provider_that_cannot_be_used_says_what_it_lacks(
    world: SocialWorld, provider: str, message: str
) -> None:
    answer = await world.ask("GET", f"/authorize?provider={provider}")
    assert (answer.status, answer.json["message"]) == (400, message)


async def test_the_app_is_never_left_for_another_site(world: SocialWorld) -> None:
    for target in ("https://evil.example", "//evil.example", f"{world.url}@evil.example", "javascript:alert(1)"):
        answer = await world.come_back(world.visitor(), "google", "ann@example.com", redirect_to=target)
        place = urlsplit(answer.headers["location"])
        assert f"{place.scheme}://{place.netloc}" == world.url
