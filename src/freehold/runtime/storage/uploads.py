"""Writing an object: test the right, write the bytes under a new version, make the row say so, drop the old bytes.

Bytes that no row names are invisible: a crash at any line leaves the old object or the new one, and at most bytes that
`sweep` takes later.
"""

import json
import re
import uuid
from datetime import UTC, datetime

from starlette.responses import JSONResponse, Response

from freehold.kit.objects.store import Stored
from freehold.runtime.database import DatabaseError, Statement
from freehold.runtime.storage import errors, names
from freehold.runtime.storage.buckets import Bucket, find_bucket
from freehold.runtime.storage.call import Call, bytes_key
from freehold.runtime.storage.incoming import Incoming, header_metadata, is_raw_and_too_large, open_incoming
from freehold.runtime.storage.rights import discard, named, retested, test_right
from freehold.runtime.storage.scope import Scope, owner_uuid, statement

_ROBOTS = re.compile(r"[A-Za-z0-9_\-:,. ]{1,200}")


async def post_object(call: Call) -> Response:
    """Upload a new object, or replace one with `x-upsert: true`."""
    identity = await _upload(call, call.scope, call.scope.owner_id, upsert=call.upsert)
    return JSONResponse({"Id": identity, "Key": f"{call.bucket}/{call.key}"})


async def put_object(call: Call) -> Response:
    """Upload an object, replacing what is there."""
    identity = await _upload(call, call.scope, call.scope.owner_id, upsert=True)
    return JSONResponse({"Id": identity, "Key": f"{call.bucket}/{call.key}"})


async def put_signed_object(call: Call) -> Response:
    """Upload with the token of a signed URL: the right was tested when it was signed."""
    token = call.request.query_params.get("token")
    if token is None:
        raise errors.invalid_body("querystring must have required property 'token'")
    signed = call.depot.tokens.verify_upload(token, f"{call.bucket}/{call.key}")
    await _upload(call, call.scope.trusted(), signed.owner, upsert=signed.upsert)
    return JSONResponse({"Key": f"{call.bucket}/{call.key}"})


async def sign_upload(call: Call) -> Response:
    """Sign an upload for whoever gets the URL; the caller must be allowed to do it now."""
    key = names.check_key(call.key)
    headers = call.request.headers
    length = headers.get("content-length", "")
    metadata = _declared(headers.get("content-type"), int(length) if length.isascii() and length.isdigit() else None)
    given = header_metadata(headers.get("x-metadata"))
    write = _write(call, "1", call.scope.owner_id, metadata, given, upsert=call.upsert)
    await test_right(call, call.scope, write)
    url = f"{call.bucket}/{key}"
    token = call.depot.tokens.for_upload(url, owner=call.scope.owner_id, upsert=call.upsert)
    return JSONResponse(
        {"url": f"/object/upload/sign/{call.bucket}/{names.url_path(key)}?token={token}", "token": token}
    )


async def _upload(call: Call, scope: Scope, owner: str | None, *, upsert: bool) -> str:
    key = names.check_key(call.key)
    bucket = await find_bucket(call)
    incoming = await open_incoming(call.request)
    limit = _check(incoming, key, bucket, call.depot.file_size_limit)
    declared = _declared(incoming.mime_type, incoming.declared_length)
    await test_right(call, scope, _write(call, "1", owner, declared, incoming.user_metadata(), upsert=upsert))
    version = str(uuid.uuid4())
    stored = await call.depot.store.put(bytes_key(call.bucket, key, version), incoming.chunks(limit))
    user_metadata = incoming.user_metadata()
    metadata = _metadata(stored, incoming)
    write = _write(call, version, owner, metadata, {} if user_metadata is None else user_metadata, upsert=upsert)
    return await _commit(call, scope, write, version)


def _check(incoming: Incoming, key: str, bucket: Bucket, server_limit: int) -> int:
    """Refuse what can be refused before the bytes come; gives how many may come."""
    if incoming.robots and not _ROBOTS.fullmatch(incoming.robots):
        message = "Invalid X-Robots-Tag header: Invalid directive"
        raise errors.StorageError(400, "InvalidRequest", message, error="invalid_x_robots_tag")
    if names.is_empty_folder(key):
        limit = 0
    else:
        limit = server_limit if bucket.file_size_limit is None else min(bucket.file_size_limit, server_limit)
        if bucket.allowed_mime_types:
            names.check_mime_type(incoming.mime_type, bucket.allowed_mime_types)
    if is_raw_and_too_large(incoming, limit):
        raise errors.too_large()
    return limit


async def _commit(call: Call, scope: Scope, write: Statement, version: str) -> str:
    """Point the row at the new bytes and drop the old ones; gives the object's id."""
    new = bytes_key(call.bucket, call.key, version)
    try:
        async with call.depot.pool.transaction() as connection:
            results = await connection.run(
                [
                    scope.as_service(),
                    statement("lock_object", f"{call.bucket}/{call.key}"),
                    *retested(scope, write),
                    statement("find_object_for_update", call.bucket, call.key),
                    write,
                    statement("get_object", call.bucket, call.key),
                ]
            )
    except DatabaseError as error:
        # only here is it certain that the row does not name the new bytes: a lost connection may have committed
        await discard(call.depot.store, new)
        raise named(error) from error
    before = results[6].rows
    if before:
        old = before[0][1]
        await discard(call.depot.store, bytes_key(call.bucket, call.key, old.decode() if old is not None else None))
    identity: str = json.loads(results[8].one()[0] or b"{}")["id"]
    return identity


def _write(  # noqa: PLR0913 - one a column
    call: Call, version: str, owner: str | None, metadata: object, user_metadata: object, *, upsert: bool
) -> Statement:
    return statement(
        "upsert_object" if upsert else "insert_object",
        call.bucket,
        call.key,
        version,
        owner_uuid(owner),
        owner,
        json.dumps(metadata),
        None if user_metadata is None else json.dumps(user_metadata),
    )


def _declared(mime_type: str | None, length: int | None) -> dict[str, object]:
    values = {"mimetype": mime_type, "contentLength": length}
    return {name: value for name, value in values.items() if value is not None}


def _metadata(stored: Stored, incoming: Incoming) -> dict[str, object]:
    metadata: dict[str, object] = {
        "eTag": f'"{stored.md5}"',
        "size": stored.size,
        "mimetype": incoming.mime_type,
        "cacheControl": incoming.cache_control,
        "lastModified": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "contentLength": stored.size,
        "httpStatusCode": 200,
    }
    return metadata | ({"xRobotsTag": incoming.robots} if incoming.robots else {})
