"""/apps/{id}/integration-endpoints/Core/*: AI, mail and files. What is not set up says so; nothing pretends."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from freehold.runtime.base44 import accounts, extract
from freehold.runtime.base44.context import Context
from freehold.runtime.base44.http import Answer, Refusal, Request, answer, auth_required, detailed, plain
from freehold.runtime.base44.identity import Who, new_id
from freehold.runtime.mail.mailer import Mail, MailNotSent

PUBLIC, PRIVATE = "base44-public", "base44-private"
"""The buckets of the app's files."""
LARGEST_FILE_BYTES = 50 * 1024 * 1024
HEAD_BYTES = 64 * 1024
"""A form's head has to hold the file's name within so many bytes."""
ASKED_AN_HOUR = {"person": 300, "nobody": 20}
MAILS_AN_HOUR = 100
LONGEST_LINK_SECONDS = 7 * 86400
_FILE_NAME = re.compile(rb'filename\*?="?([^"\r\n]{1,400})"?', re.IGNORECASE)
_KEPT = re.compile(r"[^A-Za-z0-9._-]+")
_TAGS = re.compile(r"<[^>]+>")
MODEL = "FREEHOLD_AI_MODEL"

Endpoint = Callable[[Context, Request, Who], Awaitable[Answer]]


async def answer_core(context: Context, request: Request, who: Who, name: str) -> Answer:
    """Answer one of the platform's own integrations."""
    endpoint = _ENDPOINTS.get(name)
    if endpoint is None:
        raise detailed(501, f"Core.{name} is not available here: call a service of your own from a function instead")
    return await endpoint(context, request, who)


async def invoke_llm(context: Context, request: Request, who: Who) -> Answer:
    """Ask the owner's AI provider; with a schema the answer is an object that was asked for in its form."""
    body = await request.table()
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise detailed(422, "Error in field prompt: Field required", "ValidationError")
    if body.get("add_context_from_internet"):
        prompt += "\n\nUse what you know of current events; if you have no access to the internet, say so."
    content: list[dict[str, object]] = [{"type": "text", "text": prompt}]
    content += [{"type": "image_url", "image_url": {"url": item}} for item in _texts(body.get("file_urls"))]
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
    url = await _stored(context, request, PUBLIC, f"{new_id()}.png", image, "image/png")
    return answer({"url": url})


async def extract_data(context: Context, request: Request, who: Who) -> Answer:
    """Read a table out of a file: CSV and JSON here, everything else by the owner's AI provider."""
    body = await request.table()
    url, schema = body.get("file_url"), body.get("json_schema")
    if not isinstance(url, str) or not isinstance(schema, Mapping):
        raise detailed(422, "Error in field file_url: Field required", "ValidationError")
    key = _own_file(context, url)
    if key is None:
        raise detailed(400, "file_url is no file of this app")
    found = await _fetched(context, request, PUBLIC, key)
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


async def send_email(context: Context, request: Request, who: Who) -> Answer:
    """Send a mail: functions to anybody, people to users of the app only, so that nobody mails strangers through it."""
    body = await request.table()
    to, subject, text = (body.get(name) for name in ("to", "subject", "body"))
    if not (isinstance(to, str) and isinstance(subject, str) and isinstance(text, str) and "@" in to):
        raise detailed(422, "Error in field to: Field required", "ValidationError")
    if not who.service:
        person = await accounts.current(context, who)
        (result,) = await context.pool.run([("select base44.is_member($1)", [to.encode()])])
        if result.one()[0] != b"t":
            raise detailed(403, "Mail can be sent to users of this app only; a function may write to others")
        await _spend(context, str(person["id"]), "mail", MAILS_AN_HOUR)
    mail = Mail(to=to, subject=subject, html=text, text=_TAGS.sub("", text))
    try:
        await context.mailer.send(mail)
    except MailNotSent as error:
        raise detailed(502, "The mail could not be sent: the mail server cannot be reached or refused it") from error
    return answer({"success": True})


async def upload_file(context: Context, request: Request, who: Who) -> Answer:
    """Keep a file that everybody who has its address may read."""
    return answer({"file_url": _address(context, PUBLIC, await _upload(context, request, who, PUBLIC))})


async def upload_private_file(context: Context, request: Request, who: Who) -> Answer:
    """Keep a file that is read by signed links only."""
    if not who.service:
        await accounts.current(context, who)
    return answer({"file_uri": await _upload(context, request, who, PRIVATE)})


async def create_file_signed_url(context: Context, request: Request, who: Who) -> Answer:
    """Sign a link to a private file: for its uploader, for admins and for functions."""
    body = await request.table()
    uri = body.get("file_uri")
    if not isinstance(uri, str) or not uri:
        raise plain(400, "file_uri is required")
    if not who.service:
        person = await accounts.current(context, who)
        if person.get("role") != "admin" and not uri.startswith(f"{person['id']}/"):
            raise detailed(403, "Permission denied")
    seconds = body.get("expires_in", 300)
    whole = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else 300
    lasting = max(1, min(whole, LONGEST_LINK_SECONDS))
    found = await context.peers["storage"].ask_json(
        request.scope, "POST", f"/object/sign/{PRIVATE}/{quote(uri)}", {"expiresIn": lasting}, headers=_service(context)
    )
    if found.status != 200:  # noqa: PLR2004
        raise detailed(404, "There is no such file")
    return answer({"signed_url": f"{context.services.settings.public_url}/storage/v1{found.table['signedURL']}"})


async def _upload(context: Context, request: Request, who: Who, bucket: str) -> str:
    """Stream a form's file into storage under a name that cannot be guessed; gives its key."""
    await _refuse_flood(context, request, who)
    content_type = request.headers.get("content-type", "")
    if "multipart/form-data" not in content_type.lower():
        raise plain(400, "No file uploaded")
    stream = _stream(request)
    head = b""
    async for chunk in stream:
        head += chunk
        if _FILE_NAME.search(head) or len(head) > HEAD_BYTES:
            break
    match = _FILE_NAME.search(head)
    if match is None:
        raise plain(400, "No file uploaded")
    await _bucket(context, request, bucket)
    owner = "service" if who.service else await _person_id(context, who)
    key = f"{owner}/{new_id()}_{_safe(match[1])}"
    headers = {"content-type": content_type, **_service(context)}
    if request.headers.get("content-length"):
        headers["content-length"] = request.headers["content-length"]
    found = await context.peers["storage"].ask(
        request.scope, "POST", f"/object/{bucket}/{quote(key)}", headers=headers, body=_again(head, stream)
    )
    if found.status == 200:  # noqa: PLR2004
        return key
    if found.status == 413 or str(found.table.get("statusCode")) == "413":  # noqa: PLR2004
        raise plain(413, "File too large")
    raise detailed(502 if found.status >= 500 else 400, str(found.table.get("message") or "The upload failed"))  # noqa: PLR2004


async def _bucket(context: Context, request: Request, bucket: str) -> None:
    """Make the bucket with the first file."""
    if bucket in context.buckets:
        return
    wanted = {"id": bucket, "name": bucket, "public": bucket == PUBLIC, "file_size_limit": LARGEST_FILE_BYTES}
    found = await context.peers["storage"].ask_json(request.scope, "POST", "/bucket", wanted, headers=_service(context))
    if found.status != 200 and str(found.table.get("statusCode", found.status)) != "409":  # noqa: PLR2004
        raise detailed(503, "The store for files is not available")
    context.buckets.add(bucket)


async def _person_id(context: Context, who: Who) -> str:
    if not who.signed_in:
        return "anonymous"
    return str((await accounts.current(context, who))["id"])


async def _refuse_flood(context: Context, request: Request, who: Who) -> None:
    if who.service:
        return None
    if context.app.asks_everybody or who.signed_in:
        person = await accounts.current(context, who)
        return await _spend(context, str(person["id"]), "upload", ASKED_AN_HOUR["person"])
    return await _spend(context, request.client, "upload", ASKED_AN_HOUR["nobody"])


async def _stored(  # noqa: PLR0913, PLR0917 - where, what and of which kind
    context: Context, request: Request, bucket: str, key: str, content: bytes, kind: str
) -> str:
    await _bucket(context, request, bucket)
    headers = {"content-type": kind, **_service(context)}
    found = await context.peers["storage"].ask(
        request.scope, "POST", f"/object/{bucket}/{quote(key)}", headers=headers, body=content
    )
    if found.status != 200:  # noqa: PLR2004
        raise detailed(502, "The file could not be kept")
    return _address(context, bucket, key)


async def _fetched(context: Context, request: Request, bucket: str, key: str) -> bytes:
    found = await context.peers["storage"].ask(
        request.scope, "GET", f"/object/authenticated/{bucket}/{quote(key)}", headers=_service(context)
    )
    if found.status != 200:  # noqa: PLR2004
        raise detailed(404, "There is no such file")
    return found.body


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
        await _spend(context, str(person["id"]), "ai", ASKED_AN_HOUR["person"])
    key = context.services.settings.function_secrets.get("LOVABLE_API_KEY")
    headers = {"authorization": f"Bearer {key.reveal()}"} if key else {}
    found = await context.peers["ai"].ask_json(request.scope, "POST", path, dict(question), headers=headers)
    if found.status == 401 or found.status >= 500:  # noqa: PLR2004
        message = found.table.get("message") or "No AI provider is set"
        raise detailed(503, str(message), "NotConfigured")
    if found.status != 200:  # noqa: PLR2004
        raise detailed(502, f"The AI provider refused the question: {extract.reason(found.table)}")
    return found.table


async def _spend(context: Context, spender: str, thing: str, most: int) -> None:
    given = [spender.encode(), thing.encode(), str(most).encode()]
    (result,) = await context.pool.run([("select base44.spend($1, $2, $3::integer)", given)])
    if result.one()[0] != b"t":
        raise Refusal(429, dict(detailed(429, "Too many requests: try again later").body))


def _model(context: Context, body: Mapping[str, Any], name: str = MODEL) -> str:
    """The owner's model wins: names of the builder's models mean nothing to another provider."""
    own = context.services.settings.function_secrets.get(name)
    if own:
        return own.reveal()
    return str(body.get("model") or ("gpt-image-1" if name != MODEL else "gpt-4o-mini"))


def _service(context: Context) -> dict[str, str]:
    token = context.services.settings.service_role_jwt.reveal()
    return {"apikey": token, "authorization": f"Bearer {token}"}


def _address(context: Context, bucket: str, key: str) -> str:
    return f"{context.services.settings.public_url}/storage/v1/object/public/{bucket}/{quote(key)}"


def _own_file(context: Context, url: str) -> str | None:
    prefix = f"/storage/v1/object/public/{PUBLIC}/"
    parts = urlsplit(url)
    own = urlsplit(context.services.settings.public_url)
    if parts.netloc not in ("", own.netloc) or not parts.path.startswith(prefix):
        return None
    return unquote(parts.path[len(prefix) :])


def _safe(name: bytes) -> str:
    text = _KEPT.sub("_", unquote(name.decode("utf-8", "replace")).rpartition("/")[2]).strip("._")
    return text[-100:] or "file"


def _texts(value: object) -> list[str]:
    items = [value] if isinstance(value, str) else value
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []


async def _stream(request: Request) -> AsyncIterator[bytes]:
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError
        size += len(message.get("body", b""))
        if size > LARGEST_FILE_BYTES + HEAD_BYTES:
            raise plain(413, "File too large")
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _again(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk


_ENDPOINTS: Mapping[str, Endpoint] = {
    "InvokeLLM": invoke_llm,
    "GenerateImage": generate_image,
    "ExtractDataFromUploadedFile": extract_data,
    "SendEmail": send_email,
    "UploadFile": upload_file,
    "UploadPrivateFile": upload_private_file,
    "CreateFileSignedUrl": create_file_signed_url,
}
