"""GitHub by its API, Apple by its form: what these two do their own way."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from auth_world import PREFIX, World, auth_world
from joserfc import jwt
from joserfc.jwk import ECKey
from served import served
from social_world import CLIENT, SECRET, Visitor, openid_server, query_of, social_world

from freehold.core.secret import Secret
from freehold.runtime.auth.providers.openid_provider import apple_client_secret
from freehold.runtime.auth.providers.provider import ProviderFault
from freehold.runtime.auth.providers.settings import AppleKey


class GitHub:
    """Answers as GitHub's documentation says: OAuth at /login, the API at /api/v3 as on a server of one's own."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.emails: list[dict[str, object]] = [
            {"email": "old@example.com", "primary": False, "verified": False},
            {"email": "Octo@Example.com", "primary": True, "verified": True},
        ]
        self.url = ""

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if form["code"] != "good" or form["client_secret"] != "gh-secret":
            return web.json_response({"error": "bad_verification_code", "error_description": "expired"})
        return web.json_response({"access_token": "gho_1", "token_type": "bearer", "scope": "user:email"})

    async def user(self, request: web.Request) -> web.Response:
        assert request.headers["authorization"] == "Bearer gho_1"
        return web.json_response({"id": 583231, "login": "octocat", "name": "Octo Cat", "avatar_url": "https://a.test"})

    async def list_emails(self, _request: web.Request) -> web.Response:
        return web.json_response(self.emails)


@pytest_asyncio.fixture
async def github() -> AsyncIterator[GitHub]:
    found = GitHub()
    app = web.Application()
    app.router.add_post("/login/oauth/access_token", found.token)
    app.router.add_get("/api/v3/user", found.user)
    app.router.add_get("/api/v3/user/emails", found.list_emails)
    async with served(app) as found.url:
        yield found


def _with_github(github: GitHub) -> dict[str, object]:
    table = {"enabled": True, "client_id": "gh-id", "secret": "gh-secret", "url": github.url}
    return {"external": {"github": table}, "email": {"max_frequency": "0s"}}


async def test_github_names_a_person_by_number_and_the_primary_address(tmp_path: Path, github: GitHub) -> None:
    async with auth_world(tmp_path, _with_github(github), loopback_providers=True) as world:
        fragment = await _through_github(world, "good")
        user = (await world.ask("GET", "/user", token=fragment["access_token"])).json
    assert user["email"] == "octo@example.com"
    assert user["identities"][0]["id"] == "583231"
    assert user["user_metadata"]["user_name"] == "octocat"
    assert user["user_metadata"]["avatar_url"] == "https://a.test"
    assert fragment["provider_token"] == "gho_1"
    assert len(github.asked[0]["code_verifier"]) >= 43


async def test_github_says_200_for_a_code_that_it_refuses(tmp_path: Path, github: GitHub) -> None:
    async with auth_world(tmp_path, _with_github(github), loopback_providers=True) as world:
        fragment = await _through_github(world, "badcode")
    assert fragment["error_description"] == "Unable to exchange external code: badc"
    assert fragment["error"] == "server_error"


async def test_a_person_without_an_address_is_taken_in_where_that_is_allowed(tmp_path: Path, github: GitHub) -> None:
    github.emails = []
    table = _with_github(github)
    async with auth_world(tmp_path, table, loopback_providers=True) as world:
        refused = await _through_github(world, "good")
        assert refused["error_description"] == "Error getting user email from external provider"
    table["external"]["github"]["email_optional"] = True  # type: ignore[index]
    async with auth_world(tmp_path, table, loopback_providers=True) as world:
        fragment = await _through_github(world, "good")
        user = (await world.ask("GET", "/user", token=fragment["access_token"])).json
    assert user["email"] == ""
    assert user["is_anonymous"] is False


async def test_a_provider_on_this_machine_is_called_only_where_that_is_allowed(tmp_path: Path, github: GitHub) -> None:
    async with auth_world(tmp_path, _with_github(github)) as world:
        fragment = await _through_github(world, "good")
    assert fragment["error_code"] == "unexpected_failure"
    assert github.asked == []


async def _through_github(world: World, code: str) -> dict[str, str]:
    visitor = Visitor(world.http)
    begun = await visitor.open(f"{world.url}/authorize?provider=github&scopes=repo")
    place = begun.headers["location"]
    assert query_of(place)["scope"] == "user:email repo"
    answer = await visitor.open(f"{world.url}/callback?state={query_of(place)['state']}&code={code}")
    return answer.fragment


async def test_apple_posts_back_and_names_the_person_once(tmp_path: Path) -> None:
    assert await _through_apple(tmp_path) == ("Ann Lee", "relay@privaterelay.example.com", "None")


async def _through_apple(folder: Path) -> tuple[str, str, str]:
    async with openid_server("https://app.example.com", claims_in_id_token=True) as server:
        table = {"enabled": True, "client_id": CLIENT, "secret": SECRET, "url": server.issuer}
        async with auth_world(folder, {"external": {"apple": table}}, loopback_providers=True) as world:
            visitor = Visitor(world.http)
            begun = await visitor.open(f"{world.url}/authorize?provider=apple")
            same_site = begun.headers["set-cookie"].partition("SameSite=")[2].partition(";")[0]
            place = begun.headers["location"]
            assert query_of(place)["response_mode"] == "form_post"
            # The form is what the provider's page would send; the code comes by the query so that it can be read here.
            place = place.replace("response_mode=form_post", "response_mode=query")
            back = await visitor.at_provider(place, "relay@privaterelay.example.com", "https://app.example.com")
            user = {"name": {"firstName": "Ann", "lastName": "Lee"}, "email": "other@example.com"}
            form = query_of(back) | {"user": json.dumps(user)}
            answer = await visitor.open(f"{world.url}/callback", form)
            found = (await world.ask("GET", "/user", token=answer.fragment["access_token"])).json
            assert back.startswith(f"https://app.example.com{PREFIX}/callback")
            return found["user_metadata"]["full_name"], found["email"], same_site


def test_a_client_secret_for_apple_is_made_from_the_owners_key() -> None:
    key = ECKey.generate_key("P-256", private=True)
    apple_key = AppleKey(pem=Secret(key.as_pem(private=True).decode()), key_id="KEY1", team_id="TEAM1")
    made = apple_client_secret(apple_key, "com.example.app", "https://appleid.apple.com")
    token = jwt.decode(made, key, algorithms=["ES256"])
    assert (token.header["alg"], token.header["kid"]) == ("ES256", "KEY1")
    assert token.claims["iss"] == "TEAM1"
    assert token.claims["sub"] == "com.example.app"
    assert token.claims["aud"] == "https://appleid.apple.com"
    assert token.claims["exp"] > time.time()


def test_a_wrong_key_for_apple_is_named() -> None:
    wrong = AppleKey(pem=Secret("not a key"), key_id="KEY1", team_id="TEAM1")
    with pytest.raises(ProviderFault, match="AUTH_APPLE_KEY"):
        apple_client_secret(wrong, "com.example.app", "https://appleid.apple.com")


async def test_any_openid_provider_works_by_its_address(tmp_path: Path) -> None:
    listed = {"enabled": True, "client_id": CLIENT, "secret": SECRET}
    async with (
        openid_server("https://unused.example.com", claims_in_id_token=True) as other,
        social_world(tmp_path, external={"my_company": listed | {"url": other.issuer}}) as world,
    ):
        place = await world.begin(world.visitor(), "my_company")
        assert place.startswith(other.issuer)
