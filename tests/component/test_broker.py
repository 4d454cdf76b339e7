"""The builder's sign-in broker on the app's own origin."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from auth_world import Answer
from social_world import SocialWorld, query_of, social_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SocialWorld]:
    async with social_world(tmp_path_factory.mktemp("world")) as found:
        yield found


def _initiate(world: SocialWorld, **query: str) -> str:
    return f"{world.url}/~oauth/initiate?" + "&".join(
        f"{name}={quote(value, safe='')}" for name, value in query.items()
    )


def _wanted(answer: Answer) -> Any:
    found = re.search(r'id="wanted">(.*?)</script>', answer.body.decode(), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


async def test_it_leads_to_the_provider_and_back_to_the_page_that_asked(world: SocialWorld) -> None:
    visitor = world.visitor()
    page = f"{world.url}/welcome?from=login"
    begun = await visitor.open(_initiate(world, provider="google", redirect_uri=page, state="5f", prompt="consent"))
    assert begun.status == 302
    at_provider = await visitor.open(begun.headers["location"])
    assert query_of(at_provider.headers["location"])["prompt"] == "consent"
    back = await visitor.at_provider(at_provider.headers["location"], "ann@example.com", world.url)
    place = (await visitor.open(back)).headers["location"]
    assert place.startswith(f"{world.url}/~oauth/return?")
    assert "access_token=" in place.partition("#")[2]
    found = await visitor.open(place.partition("#")[0])
    assert _wanted(found) == {
        "mode": "redirect",
        "origin": world.url,
        "redirect_uri": page,
        "state": "5f",
        "error": {},
    }
    assert "script-src 'sha256-" in found.headers["content-security-policy"]


async def test_a_popup_answers_its_opener_on_the_apps_origin_only(world: SocialWorld) -> None:
    url = _initiate(world, provider="google", redirect_uri=world.url, state="5f", response_mode="web_message")
    place = query_of((await world.visitor().open(url)).headers["location"])["redirect_to"]
    wanted = _wanted(await world.visitor().open(place))
    assert (wanted["mode"], wanted["origin"], wanted["state"]) == ("web_message", world.url, "5f")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "{url}.evil.example/",
        "{url}@evil.example/",
        "http://127.0.0.1:1/",
        "/relative",
        "{url}\\@evil.example",
        "http://[",
    ],
)
@pytest.mark.parametrize("path", ["initiate", "return"])
async def test_a_session_goes_to_no_other_origin(world: SocialWorld, target: str, path: str) -> None:
    url = _initiate(world, provider="google", redirect_uri=target.format(url=world.url)).replace("initiate", path)
    assert (await world.visitor().open(url)).status == 400


async def test_without_a_redirect_uri_the_app_itself_is_meant(world: SocialWorld) -> None:
    answer = await world.visitor().open(_initiate(world, provider="google"))
    assert query_of(query_of(answer.headers["location"])["redirect_to"])["redirect_uri"] == world.url


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ("lovable", "works only on Lovable"),
        ("microsoft", "AUTH_AZURE_CLIENT_ID"),
        ("apple", "AUTH_APPLE_CLIENT_ID"),
        ("</script><script>alert(1)</script>", "is not known here"),
        ("", "is not known here"),
    ],
)
async def test_what_is_not_available_is_said_in_words(world: SocialWorld, provider: str, words: str) -> None:
    answer = await world.visitor().open(_initiate(world, provider=provider, redirect_uri=world.url, state="</script>"))
    wanted = _wanted(answer)
    assert words in wanted["error"]["error_description"]
    assert wanted["state"] == "</script>"
    assert "<script>alert" not in answer.body.decode()


async def test_parameters_of_the_app_do_not_replace_our_own(world: SocialWorld) -> None:
    url = _initiate(world, provider="google", redirect_to="https://evil.example", skip_http_redirect="true", hd="x.com")
    query = query_of((await world.visitor().open(url)).headers["location"])
    assert query["redirect_to"].startswith(f"{world.url}/~oauth/return?")
    assert "skip_http_redirect" not in query
    assert query["hd"] == "x.com"


async def test_only_the_browser_opens_it(world: SocialWorld) -> None:
    assert (await world.visitor().open(_initiate(world, provider="google"), {"a": "b"})).status == 405
    assert (await world.visitor().open(f"{world.url}/~oauth/other")).status == 404
