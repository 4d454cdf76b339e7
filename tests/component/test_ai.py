"""AI calls go to the owner's provider, or say what to set."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from asgi import ask
from served import served

from freehold.core.errors import BadUsage
from freehold.core.secret import Secret
from freehold.runtime.ai import provider
from freehold.runtime.ai.app import AiApp

OURS = "fh_virtual"
THEIRS = "sk-the-owners-own"
CALL = {"authorization": f"Bearer {OURS}", "content-type": "application/json"}
CHAT = "/v1/chat/completions"


@dataclass
class Settings:
    function_secrets: dict[str, Secret]


@dataclass
class Services:
    settings: Settings


@dataclass
class Upstream:
    """A provider on loopback that remembers what it was sent."""

    url: str = ""
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    status: int = 200

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.seen.append((request.path, request.headers["authorization"], body))
        if body.get("stream"):
            response = web.StreamResponse(headers={"content-type": "text/event-stream"})
            await response.prepare(request)
            for part in (b"data: one\n\n", b"data: [DONE]\n\n"):
                await response.write(part)
            return response
        return web.json_response({"choices": []}, status=self.status, headers={"retry-after": "7", "set-cookie": "a=b"})


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    found = Upstream()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", found.answer)
    async with served(application) as url:
        found.url = f"{url}/v1"
        yield found


async def _app(**secrets: str) -> AiApp:
    values = {name: Secret(value) for name, value in secrets.items()}
    app = AiApp(Services(Settings(values)))  # type: ignore[arg-type]
    await app.start()
    return app


async def test_without_a_provider_it_says_what_to_set() -> None:
    answer = await ask(await _app(LOVABLE_API_KEY=OURS), CHAT, method="POST", headers=CALL, body=b"{}")
    assert answer.status == 503
    body = json.loads(answer.body)
    assert body["type"] == "not_configured"
    assert "freehold secrets set FREEHOLD_AI_URL" in body["message"]
    assert "freehold secrets set FREEHOLD_AI_KEY" in body["message"]


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"lovable-api-key": ""}])
async def test_only_the_apps_own_key_opens_it(headers: dict[str, str], upstream: Upstream) -> None:
    app = await _app(LOVABLE_API_KEY=OURS, FREEHOLD_AI_URL=upstream.url, FREEHOLD_AI_KEY=THEIRS)
    assert (await ask(app, CHAT, method="POST", headers=headers, body=b"{}")).status == 401
    assert upstream.seen == []
    await app.stop()


async def test_without_a_virtual_key_nobody_is_let_in() -> None:
    assert (await ask(await _app(), CHAT, method="POST", headers={"authorization": "Bearer "})).status == 401


async def test_a_call_reaches_the_provider_with_the_owners_key_and_nothing_of_ours(upstream: Upstream) -> None:
    app = await _app(LOVABLE_API_KEY=OURS, FREEHOLD_AI_URL=upstream.url, FREEHOLD_AI_KEY=THEIRS)
    body = json.dumps({"model": "google/gemini-2.5-flash", "messages": []}).encode()
    answer = await ask(app, CHAT, method="POST", headers=CALL, body=body)
    assert answer.status == 200
    assert upstream.seen == [(CHAT, f"Bearer {THEIRS}", {"model": "google/gemini-2.5-flash", "messages": []})]
    assert "set-cookie" not in answer.headers
    await app.stop()


async def test_a_stream_is_passed_on(upstream: Upstream) -> None:
    app = await _app(LOVABLE_API_KEY=OURS, FREEHOLD_AI_URL=upstream.url, FREEHOLD_AI_KEY=THEIRS)
    answer = await ask(app, CHAT, method="POST", headers=CALL, body=b'{"model": "m", "stream": true}')
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.body == b"data: one\n\ndata: [DONE]\n\n"
    await app.stop()


@pytest.mark.parametrize(("given", "expected"), [(402, 402), (429, 429), (500, 500), (401, 503), (403, 503)])
async def test_statuses_that_apps_branch_on_pass_and_a_refused_key_does_not(
    upstream: Upstream, given: int, expected: int
) -> None:
    upstream.status = given
    app = await _app(LOVABLE_API_KEY=OURS, FREEHOLD_AI_URL=upstream.url, FREEHOLD_AI_KEY=THEIRS)
    answer = await ask(app, CHAT, method="POST", headers=CALL, body=b'{"model": "m"}')
    assert answer.status == expected
    assert THEIRS.encode() not in answer.body
    assert expected == 503 or answer.headers["retry-after"] == "7"
    await app.stop()


async def test_a_provider_that_is_away_is_named_by_its_setting() -> None:
    app = await _app(LOVABLE_API_KEY=OURS, FREEHOLD_AI_URL="http://127.0.0.1:9/v1", FREEHOLD_AI_KEY=THEIRS)
    answer = await ask(app, CHAT, method="POST", headers=CALL, body=b"{}")
    assert answer.status == 503
    assert b"FREEHOLD_AI_URL" in answer.body
    await app.stop()


async def test_a_call_that_is_too_large_never_reaches_the_provider(upstream: Upstream) -> None:
    app = await _app(LOVABLE_API_KEY=OURS, FREEHOLD_AI_URL=upstream.url, FREEHOLD_AI_KEY=THEIRS)
    body = bytes(provider.LARGEST_BODY_BYTES + 1)
    assert (await ask(app, CHAT, method="POST", headers=CALL, body=body)).status == 413
    assert upstream.seen == []
    await app.stop()


async def test_connectors_and_mail_of_the_builder_are_refused_in_words() -> None:
    app = await _app(LOVABLE_API_KEY=OURS)
    answer = await ask(app, "/connectors/google_maps/geocode", method="POST", headers=CALL)
    assert answer.status == 503
    assert b"google_maps" in answer.body


@pytest.mark.parametrize(
    ("url", "model", "override", "expected"),
    [
        ("https://api.openai.com/v1", "openai/gpt-5", "", "gpt-5"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "google/gemini-2.5-pro", "", "gemini-2.5-pro"),
        ("https://openrouter.ai/api/v1", "google/gemini-2.5-pro", "", "google/gemini-2.5-pro"),
        ("https://api.openai.com/v1", "openai/gpt-5", "gpt-5-mini", "gpt-5-mini"),
    ],
)
def test_a_model_is_named_as_the_provider_knows_it(url: str, model: str, override: str, expected: str) -> None:
    known = provider.Provider(url=url, key=Secret("k"), model=override)
    assert json.loads(provider.with_model(json.dumps({"model": model}).encode(), known)) == {"model": expected}
    assert provider.with_model(b"not json", known) == b"not json"


@pytest.mark.parametrize("url", ["openrouter.ai", "file:///etc/passwd", "https://user:pw@host/v1", ""])
async def test_an_address_that_is_none_is_refused_at_start(url: str) -> None:
    with pytest.raises(BadUsage):
        await _app(LOVABLE_API_KEY=OURS, FREEHOLD_AI_URL=url or " ", FREEHOLD_AI_KEY=THEIRS)
    await asyncio.sleep(0)
