"""AI of a Base44 app by the owner's provider: a stand-in on loopback that speaks OpenAI's form."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import nested
import pytest
from aiohttp import web
from base44_world import World, base44_world
from served import served

from freehold.core.secret import Secret
from freehold.testing.database import FreshDatabase

CORE = "integration-endpoints/Core"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


@dataclass
class Provider:
    """`says` is its next answer, `body` one that has a form of its own; `seen` what it was sent."""

    url: str = ""
    says: str = "hello"
    body: str = ""
    status: int = 200
    seen: list[tuple[str, str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append((request.path, request.headers["authorization"], await request.json()))
        if self.status != 200:
            return web.json_response({"error": {"message": "no"}}, status=self.status)
        if self.body:
            return web.Response(text=self.body, content_type="application/json")
        if request.path.endswith("/images/generations"):
            return web.json_response({"data": [{"b64_json": PIXEL}]})
        return web.json_response({"choices": [{"message": {"role": "assistant", "content": self.says}}]})


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    found = Provider()
    application = web.Application()
    application.router.add_post("/{path:.*}", found.answer)
    async with served(application) as url:
        found.url = f"{url}/v1"
        yield found


@pytest.fixture
async def world(database: FreshDatabase, tmp_path: Path, provider: Provider) -> AsyncIterator[World]:
    secrets = {"LOVABLE_API_KEY": "virtual", "FREEHOLD_AI_URL": provider.url, "FREEHOLD_AI_KEY": "sk-own"}
    given = {name: Secret(value) for name, value in secrets.items()}
    async with base44_world(database, tmp_path, function_secrets=given) as found:
        yield found


async def test_a_question_gets_text_or_an_object_of_its_schema(world: World, provider: Provider) -> None:
    ann = world.person("ann")[0]
    assert await world.ask("POST", f"{CORE}/InvokeLLM", {"prompt": "Hi", "model": "own"}, ann) == (200, "hello")
    path, key, sent = provider.seen[-1]
    assert (path, key, sent["model"]) == ("/v1/chat/completions", "Bearer sk-own", "own")
    assert sent["messages"] == [{"role": "user", "content": "Hi"}]

    provider.says = '```json\n{"city": "Ulm"}\n```'
    schema = {"properties": {"city": {"type": "string"}}}
    body = {"prompt": "Where?", "response_json_schema": schema, "file_urls": ["/storage/v1/object/public/x/y.png"]}
    assert await world.ask("POST", f"{CORE}/InvokeLLM", body, ann) == (200, {"city": "Ulm"})
    sent = provider.seen[-1][2]
    assert sent["response_format"]["json_schema"]["schema"] == {"type": "object", **schema}
    assert sent["messages"][0]["content"][1]["image_url"]["url"] == f"{world.url}/storage/v1/object/public/x/y.png"

    provider.says = "no JSON at all"
    status, refused = await world.ask("POST", f"{CORE}/InvokeLLM", body, ann)
    assert (status, refused["message"]) == (502, "The AI provider did not answer in the form that was asked for")


async def test_images_are_kept_and_tables_are_read_out_of_files(world: World, provider: Provider) -> None:
    ann = world.person("ann")[0]
    status, made = await world.ask("POST", f"{CORE}/GenerateImage", {"prompt": "a dot"}, ann)
    assert status == 200
    async with world.http.get(made["url"]) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
        assert (await answer.read()).startswith(b"\x89PNG")
    form = aiohttp.FormData()
    form.add_field("file", b"a,b\n1,x\n2,y\n", filename="rows.csv", content_type="text/csv")
    headers = {"authorization": f"Bearer {ann}"}
    async with world.http.post(world.api(f"{CORE}/UploadFile"), data=form, headers=headers) as answer:
        url = json.loads(await answer.read())["file_url"]
    items = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "string"}}}
    asked = {"file_url": url, "json_schema": {"type": "array", "items": items}}
    calls = len(provider.seen)
    status, found = await world.ask("POST", f"{CORE}/ExtractDataFromUploadedFile", asked, ann)
    assert (status, found["output"]) == (200, [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
    assert len(provider.seen) == calls  # CSV needs no model


async def test_nobody_asks_on_the_owners_account_and_a_provider_that_fails_is_told(
    world: World, provider: Provider
) -> None:
    status, refused = await world.ask("POST", f"{CORE}/InvokeLLM", {"prompt": "Hi"})
    assert (status, refused["extra_data"]["reason"]) == (403, "auth_required")
    assert provider.seen == []
    provider.status = 429
    status, refused = await world.ask("POST", f"{CORE}/InvokeLLM", {"prompt": "Hi"}, world.person("ann")[0])
    assert status in (429, 502)
    assert "sk-own" not in str(refused)


async def test_an_answer_that_is_nested_without_end_is_none(world: World, provider: Provider) -> None:
    ann = world.person("ann")[0]
    provider.says = nested.text()
    asked = {"prompt": "Where?", "response_json_schema": {"properties": {}}}
    assert (await world.ask("POST", f"{CORE}/InvokeLLM", asked, ann))[0] == 502
    provider.body = nested.text()
    for call in ("InvokeLLM", "GenerateImage"):
        assert (await world.ask("POST", f"{CORE}/{call}", {"prompt": "Hi"}, ann))[0] == 502


async def test_the_gateway_asks_the_owners_provider_and_nothing_else_of_it(world: World, provider: Provider) -> None:
    ann, at = world.person("ann")[0], "ai/openai/v1/chat/completions"
    asked = {"model": "automatic", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0}
    for token in (ann, world.service_token()):
        status, found = await world.ask("POST", at, asked, token)
        assert (status, found["choices"][0]["message"]["content"]) == (200, "hello")
    path, key, sent = provider.seen[0]
    assert (path, key, sent) == ("/v1/chat/completions", "Bearer sk-own", asked | {"model": "gpt-4o-mini"})
    assert (await world.ask("POST", at, asked | {"stream": True}, ann))[0] == 400
    for other in ("ai/openai/v1/files", "ai/openai/v1/chat/completions/x", "ai/typesafe/v1/chat/completions"):
        assert (await world.ask("POST", other, asked, ann))[0] == 501
    assert (await world.ask("POST", at, asked))[0] == 403
    assert len(provider.seen) == 2
