"""Where addresses have to be confirmed: providers that vouch for one, and those that do not."""

import html
import json
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from social_world import SocialWorld, social_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SocialWorld]:
    email = {"max_frequency": "0s", "enable_confirmations": True}
    async with social_world(tmp_path_factory.mktemp("world"), email=email) as found:
        yield found


async def test_a_provider_that_vouches_for_an_address_ends_what_was_never_confirmed(world: SocialWorld) -> None:
    body = {"email": "ann@example.com", "password": "attacker's password", "data": {"name": "Not Ann"}}
    signed_up = await world.ask("POST", "/signup", body)
    user = await world.user(await world.sign_in(world.visitor(), "google", "ann@example.com"))
    assert user["id"] == signed_up.json["id"]
    assert [item["provider"] for item in user["identities"]] == ["google"]
    assert user["user_metadata"]["name"] == "ann"
    assert user["email_confirmed_at"]
    assert (await world.ask("POST", "/token?grant_type=password", body)).code == "invalid_credentials"


async def test_a_confirmed_password_stays_when_a_provider_is_added(world: SocialWorld) -> None:
    body = {"email": "bea@example.com", "password": "bea's password"}
    await world.ask("POST", "/signup", body)
    await world.visitor().open(_mailed(world, "bea@example.com"))
    user = await world.user(await world.sign_in(world.visitor(), "google", "bea@example.com"))
    assert [item["provider"] for item in user["identities"]] == ["email", "google"]
    assert (await world.ask("POST", "/token?grant_type=password", body)).status == 200


async def test_an_address_nobody_vouches_for_is_confirmed_by_mail_first(world: SocialWorld) -> None:
    person = "unverified.cleo@example.com"
    answer = await world.come_back(world.visitor(), "google", person)
    assert answer.fragment["error_code"] == "provider_email_needs_verification"
    assert "A confirmation email has been sent to your google email" in answer.fragment["error_description"]
    assert world.sql("select email_confirmed_at from auth.users where email = %s", person) == [(None,)]
    again = await world.come_back(world.visitor(), "google", person)
    assert again.fragment["error_code"] == "provider_email_needs_verification"
    await world.visitor().open(_mailed(world, person))
    user = await world.user(await world.sign_in(world.visitor(), "google", person))
    assert user["email"] == person


def _mailed(world: SocialWorld, to: str) -> str:
    mails = [json.loads(file.read_text()) for file in sorted(world.mail_folder.glob("*.json"))]
    link = re.search(r'href="([^"]+)"', [mail for mail in mails if mail["to"] == to][-1]["html"])
    assert link is not None
    return html.unescape(link[1])
