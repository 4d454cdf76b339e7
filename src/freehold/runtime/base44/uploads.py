"""The app's files: what people upload, signed links to private ones, and what other integrations keep or read."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote, unquote, urlsplit

from freehold.platform.entities import names
from freehold.platform.entities.schema import Entity
from freehold.runtime.base44 import accounts, documents, spending
from freehold.runtime.base44.context import Context
from freehold.runtime.base44.http import Answer, Request, answer, detailed, plain
from freehold.runtime.base44.identity import Who, new_id
from freehold.runtime.base44.params import Params
from freehold.runtime.database import Statement

PUBLIC, PRIVATE = "base44-public", "base44-private"
"""The buckets of the app's files."""
LARGEST_FILE_BYTES = 50 * 1024 * 1024
HEAD_BYTES = 64 * 1024
"""A form's head has to hold the file's name within so many bytes."""
LONGEST_LINK_SECONDS = 7 * 86400
_FILE_NAME = re.compile(rb'filename\*?="?([^"\r\n]{1,400})"?', re.IGNORECASE)
_OWN_KEY = re.compile(r"[A-Za-z0-9]+/[A-Za-z0-9._-]+")
"""What `_upload` names a file: its uploader, and a name that needs no escape in JSON."""
_KEPT = re.compile(r"[^A-Za-z0-9._-]+")


async def upload_file(context: Context, request: Request, who: Who) -> Answer:
    """Keep a file that everybody who has its address may read."""
    return answer({"file_url": _address(context, PUBLIC, await _upload(context, request, who, PUBLIC))})


async def upload_private_file(context: Context, request: Request, who: Who) -> Answer:
    """Keep a file that is read by signed links only."""
    if not who.service:
        await accounts.current(context, who)
    return answer({"file_uri": await _upload(context, request, who, PRIVATE)})


async def create_file_signed_url(context: Context, request: Request, who: Who) -> Answer:
    """Sign a link to a private file: for its uploader, who the uploader shows it in a record, admins and functions."""
    body = await request.table()
    uri = body.get("file_uri")
    if not isinstance(uri, str) or not uri:
        raise plain(400, "file_uri is required")
    if not who.service:
        person = await accounts.current(context, who)
        is_own = person.get("role") == "admin" or uri.startswith(f"{person['id']}/")
        if not is_own and not await _is_shown(context, who, uri):
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


async def _is_shown(context: Context, who: Who, uri: str) -> bool:
    """Whether a record that the file's uploader made names it where this caller may read.

    A record of anybody else proves nothing: whoever knows the name of a file could write one.
    """
    owner = uri.partition("/")[0]
    if not _OWN_KEY.fullmatch(uri):
        return False
    asked = [_shows(entity, owner, uri) for entity in (await context.catalog.all()).values() if not entity.people]
    return any(result.one()[0] == b"t" for result in await context.run(who, asked))


def _shows(entity: Entity, owner: str, uri: str) -> Statement:
    params = Params()
    maker, quoted = params.text(owner), params.text(f'"{uri}"')
    named = f"position({quoted} in {documents.document(entity)}) > 0"
    return f"select exists (select from {names.table(entity)} where created_by_id = {maker} and {named})", params.values


async def stored(  # noqa: PLR0913, PLR0917 - where, what and of which kind
    context: Context, request: Request, bucket: str, key: str, content: bytes, kind: str
) -> str:
    """Keep bytes under a key; gives the address of the file."""
    await _bucket(context, request, bucket)
    headers = {"content-type": kind, **_service(context)}
    found = await context.peers["storage"].ask(
        request.scope, "POST", f"/object/{bucket}/{quote(key)}", headers=headers, body=content
    )
    if found.status != 200:  # noqa: PLR2004
        raise detailed(502, "The file could not be kept")
    return _address(context, bucket, key)


async def fetched(context: Context, request: Request, bucket: str, key: str) -> bytes:
    """Give the bytes of one of the app's files."""
    found = await context.peers["storage"].ask(
        request.scope, "GET", f"/object/authenticated/{bucket}/{quote(key)}", headers=_service(context)
    )
    if found.status != 200:  # noqa: PLR2004
        raise detailed(404, "There is no such file")
    return found.body


def own_file(context: Context, url: str) -> str | None:
    """The key of a public file of this app, None for any other address."""
    prefix = f"/storage/v1/object/public/{PUBLIC}/"
    parts = urlsplit(url)
    own = urlsplit(context.services.settings.public_url)
    if parts.netloc not in ("", own.netloc) or not parts.path.startswith(prefix):
        return None
    return unquote(parts.path[len(prefix) :])


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
        return await spending.spend(context, str(person["id"]), "upload", spending.ASKED_AN_HOUR["person"])
    return await spending.spend(context, request.client, "upload", spending.ASKED_AN_HOUR["nobody"])


def _service(context: Context) -> dict[str, str]:
    token = context.services.settings.service_role_jwt.reveal()
    return {"apikey": token, "authorization": f"Bearer {token}"}


def _address(context: Context, bucket: str, key: str) -> str:
    return f"{context.services.settings.public_url}/storage/v1/object/public/{bucket}/{quote(key)}"


def _safe(name: bytes) -> str:
    text = _KEPT.sub("_", unquote(name.decode("utf-8", "replace")).rpartition("/")[2]).strip("._")
    return text[-100:] or "file"


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
