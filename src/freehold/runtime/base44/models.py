"""AI by the owner's provider: questions, images, and tables read out of files."""

from collections.abc import Mapping
from typing import Any

from freehold.runtime.base44 import accounts, extract, spending, uploads
from freehold.runtime.base44.context import Context
from freehold.runtime.base44.http import Answer, Request, answer, auth_required, detailed
from freehold.runtime.base44.identity import Who, new_id

MODEL = "FREEHOLD_AI_MODEL"
GATEWAY_REFUSAL = "Of the builder's AI gateway, /ai/openai/v1/chat/completions alone is answered here"
_ANY_MODEL = "automatic"


async def invoke_llm(context: Context, request: Request, who: Who) -> Answer:
    """Ask the owner's AI provider; with a schema the answer is an object that was asked for in its form."""
    body = await request.table()
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise detailed(422, "Error in field prompt: Field required", "ValidationError")
    if body.get("add_context_from_internet"):
        prompt += "\n\nUse what you know of current events; if you have no access to the internet, say so."
    content: list[dict[str, object]] = [{"type": "text", "text": prompt}]
    content += [
        {"type": "image_url", "image_url": {"url": _outside(context, item)}} for item in _texts(body.get("file_urls"))
    ]
    question: dict[str, object] = {
        "model": _model(context, body),
        "messages": [{"role": "user", "content": content if len(content) > 1 else prompt}],
    }
    schema = body.get("response_json_schema")
    if isinstance(schema, Mapping):
        form = {"name": "answer", "schema": {"type": "object", **schema}}
        question["response_format"] = {"type": "json_schema", "json_schema": form}
    text = await _asked(context, request, who, question)
    return answer(extract.json_object(text)) if isinstance(schema, Mapping) else answer(text)


async def generate_image(context: Context, request: Request, who: Who) -> Answer:
    """Ask the owner's AI provider for an image, and keep it among the app's files."""
    body = await request.table()
    question = {"model": _model(context, body, "FREEHOLD_AI_IMAGE_MODEL"), "prompt": str(body.get("prompt") or "")}
    found = await _provider(context, request, who, "/v1/images/generations", question | {"n": 1})
    items = found.get("data")
    first = items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}
    image = extract.base64_bytes(first.get("b64_json"))
    if image is None:
        if isinstance(first.get("url"), str):
            return answer({"url": first["url"]})
        raise detailed(502, "The AI provider gave no image")
    url = await uploads.stored(context, request, uploads.PUBLIC, f"{new_id()}.png", image, "image/png")
    return answer({"url": url})


async def extract_data(context: Context, request: Request, who: Who) -> Answer:
    """Read a table out of a file: CSV and JSON here, everything else by the owner's AI provider."""
    body = await request.table()
    url, schema = body.get("file_url"), body.get("json_schema")
    if not isinstance(url, str) or not isinstance(schema, Mapping):
        raise detailed(422, "Error in field file_url: Field required", "ValidationError")
    key = uploads.own_file(context, url)
    if key is None:
        raise detailed(400, "file_url is no file of this app")
    found = await uploads.fetched(context, request, uploads.PUBLIC, key)
    rows = extract.table(key, found)
    if rows is not None:
        return answer({"status": "success", "details": None, "output": extract.shaped(rows, schema)})
    question: dict[str, object] = {
        "model": _model(context, body),
        "messages": [{"role": "user", "content": extract.question(key, found, url)}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "data", "schema": dict(schema)}},
    }
    text = await _asked(context, request, who, question)
    return answer({"status": "success", "details": None, "output": extract.json_object(text)})


async def gateway(context: Context, request: Request, who: Who, rest: tuple[str, ...]) -> Answer:
    """Answer what `aiGateway.connection()` leads to, by the owner's AI provider; as at the builder, without streams."""
    if (request.method, rest) != ("POST", ("openai", "v1", "chat", "completions")):
        raise detailed(501, GATEWAY_REFUSAL, code="not_served")
    body = await request.table()
    if body.get("stream"):
        raise detailed(400, "Streams are not answered: leave `stream` unset")
    question = body | {"model": _model(context, body)}
    return answer(await _provider(context, request, who, "/v1/chat/completions", question))


async def _asked(context: Context, request: Request, who: Who, question: Mapping[str, object]) -> str:
    found = await _provider(context, request, who, "/v1/chat/completions", question)
    try:
        return str(found["choices"][0]["message"]["content"] or "")
    except (KeyError, IndexError, TypeError) as error:
        raise detailed(502, "The AI provider gave an answer without content") from error


async def _provider(
    context: Context, request: Request, who: Who, path: str, question: Mapping[str, object]
) -> dict[str, Any]:
    """Ask the AI protocol of this process: only for people who are signed in, and so often an hour."""
    if not who.service:
        if not who.signed_in:
            raise auth_required()
        person = await accounts.current(context, who)
        await spending.spend(context, str(person["id"]), "ai", spending.ASKED_AN_HOUR["person"])
    key = context.services.settings.function_secrets.get("LOVABLE_API_KEY")
    headers = {"authorization": f"Bearer {key.reveal()}"} if key else {}
    found = await context.peers["ai"].ask_json(request.scope, "POST", path, dict(question), headers=headers)
    if found.status == 401 or found.status >= 500:  # noqa: PLR2004
        message = found.table.get("message") or "No AI provider is set"
        raise detailed(503, str(message), "NotConfigured")
    if found.status != 200:  # noqa: PLR2004
        raise detailed(502, f"The AI provider refused the question: {extract.reason(found.table)}")
    return found.table


def _model(context: Context, body: Mapping[str, Any], name: str = MODEL) -> str:
    """The owner's model wins: names of the builder's models mean nothing to another provider."""
    own = context.services.settings.function_secrets.get(name)
    if own:
        return own.reveal()
    wanted = body.get("model") if body.get("model") != _ANY_MODEL else ""
    return str(wanted or ("gpt-image-1" if name != MODEL else "gpt-4o-mini"))


def _texts(value: object) -> list[str]:
    items = [value] if isinstance(value, str) else value
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []


def _outside(context: Context, url: str) -> str:
    """An address that the provider can ask: files that were moved are named by their path here."""
    return context.services.settings.public_url + url if url.startswith("/") else url
