"""Reading an object: which row the caller may see, then its bytes with the headers of RFC 9110."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from freehold.kit.objects.store import ObjectMissing, OpenObject
from freehold.runtime.storage import conditions, errors, names
from freehold.runtime.storage.buckets import find_bucket
from freehold.runtime.storage.call import Call, bytes_key
from freehold.runtime.storage.hostile import header_text, safe_headers
from freehold.runtime.storage.scope import statement

Row = dict[str, object]


async def get_object(call: Call) -> Response:
    """Download with the caller's rights; from a public bucket with nobody's."""
    return await _download(call, lambda: _visible_row(call))


async def head_object(call: Call) -> Response:
    """The headers of `get_object`, from the row alone."""
    return _head(call, await _visible_row(call))


async def info_object(call: Call) -> Response:
    """What the row says of the object."""
    return _info(await _visible_row(call))


async def get_public_object(call: Call) -> Response:
    """Download from a public bucket; a private one does not exist here."""
    return await _download(call, lambda: _public_row(call))


async def head_public_object(call: Call) -> Response:
    """The headers of `get_public_object`."""
    return _head(call, await _public_row(call))


async def info_public_object(call: Call) -> Response:
    """What the row says of an object in a public bucket."""
    return _info(await _public_row(call))


async def get_signed_object(call: Call) -> Response:
    """Download with the token of a signed URL; proxies may keep it no longer than the token holds."""
    expires_at = _verified(call)
    expires = formatdate(expires_at, usegmt=True)
    return await _download(call, lambda: _row(call, as_service=True), expires=expires)


async def head_signed_object(call: Call) -> Response:
    """The headers of `get_signed_object`."""
    expires_at = _verified(call)
    return _head(call, await _row(call, as_service=True), expires=formatdate(expires_at, usegmt=True))


def file_missing() -> Response:
    """The row is there and its bytes are not: upstream's answer to that."""
    error = errors.StorageError(404, "NoSuchKey", "The resource was not found", error="Not found")
    return JSONResponse(error.body(), 400, {"cache-control": "no-store"})


async def _visible_row(call: Call) -> Row:
    bucket = await find_bucket(call)
    if not bucket.public and not call.authenticated:
        raise errors.no_such_bucket()
    return await _row(call, as_service=bucket.public)


async def _public_row(call: Call) -> Row:
    if not (await find_bucket(call)).public:
        raise errors.no_such_bucket()
    return await _row(call, as_service=True)


def _verified(call: Call) -> int:
    """Check the token in the query; gives when it expires."""
    names.check_bucket(call.bucket)
    token = call.request.query_params.get("token")
    if token is None:
        raise errors.invalid_body("querystring must have required property 'token'")
    return call.depot.tokens.verify_download(token, f"{call.bucket}/{call.key}").expires_at


async def _row(call: Call, *, as_service: bool) -> Row:
    scope = call.scope.as_service() if as_service else call.scope.as_caller()
    results = await call.depot.pool.run([scope, statement("find_object", call.bucket, call.key)])
    if not results[1].rows:
        raise errors.no_such_key()
    row: Row = json.loads(results[1].one()[0] or b"{}")
    return row


async def _download(call: Call, find: Callable[[], Awaitable[Row]], *, expires: str = "") -> Response:
    """Find the row, open its bytes and answer; an object that was replaced between the two is looked up once more."""
    row = await find()
    opened = await _open(call, row)
    if opened is None:
        row = await find()
        opened = await _open(call, row)
    if opened is None:
        return file_missing()
    try:
        return _answer(call, row, opened, expires)
    except BaseException:
        await opened.close()
        raise


async def _open(call: Call, row: Row) -> OpenObject | None:
    version = row["version"]
    try:
        key = bytes_key(call.bucket, call.key, version if isinstance(version, str) else None)
        return await call.depot.store.open(key)
    except ObjectMissing:
        return None


def _answer(call: Call, row: Row, opened: OpenObject, expires: str) -> Response:
    facts = _facts(row, opened.size)
    headers = _headers(call, facts, expires)
    request = call.request.headers
    if conditions.not_modified(request, facts.etag, facts.changed_at):
        return Unmodified(opened, headers)
    wanted = conditions.wanted_range(request, facts.etag, facts.changed_at, opened.size)
    if wanted is None:
        return ObjectResponse(opened, 0, opened.size, 200, headers)
    start, length = wanted
    headers["content-range"] = f"bytes {start}-{start + length - 1}/{opened.size}"
    return ObjectResponse(opened, start, length, 206, headers)


def _head(call: Call, row: Row, *, expires: str = "") -> Response:
    facts = _facts(row, None)
    headers = _headers(call, facts, expires)
    if conditions.not_modified(call.request.headers, facts.etag, facts.changed_at):
        return _without_body(304, headers)
    if facts.size is not None:
        headers["content-length"] = str(facts.size)
    return _without_body(200, headers)


def _without_body(status: int, headers: dict[str, str]) -> Response:
    response = Response(status_code=status)
    response.raw_headers = Headers(headers).raw
    return response


def _info(row: Row) -> Response:
    facts = _facts(row, None)
    metadata = _metadata(row)
    return JSONResponse(
        {
            "id": row["id"],
            "name": row["name"],
            "version": row["version"],
            "bucket_id": row["bucket_id"],
            "size": facts.size,
            "content_type": metadata.get("mimetype"),
            "cache_control": metadata.get("cacheControl"),
            "etag": metadata.get("eTag"),
            "metadata": row["user_metadata"],
            "last_modified": row["updated_at"],
            "created_at": row["created_at"],
        },
        headers={"etag": facts.etag, "last-modified": formatdate(facts.changed_at, usegmt=True)},
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What headers are made of; `changed_at` in whole seconds since the epoch."""

    etag: str
    changed_at: int
    size: int | None
    mime_type: str
    cache_control: str
    robots: str


def _facts(row: Row, size: int | None) -> Facts:
    metadata = _metadata(row)
    changed_at, stored_size = row["changed_at"], metadata.get("size")
    return Facts(
        etag=header_text(metadata.get("eTag"), '"' + str(row["version"] or row["id"]) + '"'),
        changed_at=int(changed_at) if isinstance(changed_at, int | float) else int(time.time()),
        size=size if size is not None else stored_size if isinstance(stored_size, int) else None,
        mime_type=header_text(metadata.get("mimetype"), "application/octet-stream"),
        cache_control=header_text(metadata.get("cacheControl"), "no-cache"),
        robots=header_text(metadata.get("xRobotsTag"), "none"),
    )


def _metadata(row: Row) -> Row:
    metadata = row["metadata"]
    return metadata if isinstance(metadata, dict) else {}


def _headers(call: Call, facts: Facts, expires: str) -> dict[str, str]:
    headers = {
        "accept-ranges": "bytes",
        "etag": facts.etag,
        "last-modified": formatdate(facts.changed_at, usegmt=True),
        "x-robots-tag": facts.robots,
        **safe_headers(facts.mime_type),
        **({"expires": expires} if expires else {"cache-control": facts.cache_control}),
    }
    name = call.request.query_params.get("download")
    if name is not None:
        encoded = quote(name, safe="!'()*-._~", errors="replace")
        ending = f" filename={encoded}; filename*=UTF-8''{encoded}" if name else ""
        headers["content-disposition"] = f"attachment;{ending}"
    return headers


class ObjectResponse(Response):
    """Streams part of an opened object and closes it, also when the client goes away."""

    def __init__(self, opened: OpenObject, start: int, length: int, status: int, headers: dict[str, str]) -> None:
        """Take over an opened object."""
        self.status_code = status
        self.background = None
        self.body = b""
        self._opened = opened
        self._chunks: AsyncIterator[bytes] = opened.read(start, length)
        self.raw_headers = Headers({**headers, "content-length": str(length)}).raw

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and the bytes."""
        gone = conditions.Departure(receive)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for chunk in self._chunks:
                if await gone.happened():
                    return
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await gone.forget()
            await self._opened.close()


class Unmodified(Response):
    """304, and the object that was opened for nothing is closed."""

    def __init__(self, opened: OpenObject, headers: dict[str, str]) -> None:
        """Take over an opened object."""
        super().__init__(status_code=304)
        self._opened = opened
        self.raw_headers = Headers(headers).raw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers."""
        await self._opened.close()
        await super().__call__(scope, receive, send)
