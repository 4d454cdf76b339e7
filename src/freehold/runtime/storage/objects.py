"""Removing, moving and copying objects, each under the caller's policies, and signing URLs for them."""

import json
import uuid
from datetime import UTC, datetime

from starlette.responses import JSONResponse, Response

from freehold.kit.objects.store import ObjectMissing
from freehold.runtime.database import Connection, DatabaseError, Statement
from freehold.runtime.storage import errors, names
from freehold.runtime.storage.call import Call, bytes_key, optional_count, optional_text, required_text
from freehold.runtime.storage.downloads import file_missing
from freehold.runtime.storage.incoming import header_metadata
from freehold.runtime.storage.rights import discard, named, retested
from freehold.runtime.storage.scope import owner_uuid, statement

MAX_OBJECTS = 1000
MAX_SECONDS = 2**31 - 1
_NOT_YOURS = "Either the object does not exist or you do not have access to it"


async def delete_object(call: Call) -> Response:
    """Delete one object."""
    async with call.depot.pool.transaction() as connection:
        _, found = await connection.run(
            [call.scope.as_service(), statement("find_object_for_update", call.bucket, call.key)]
        )
        if not found.rows:
            raise errors.no_such_key()
        keys = json.dumps([call.key])
        _, deleted = await connection.run([call.scope.as_caller(), statement("delete_objects", call.bucket, keys)])
        if not deleted.rows:
            raise errors.access_denied("Access denied")
    await _discard_rows(call, deleted.rows)
    return JSONResponse({"message": "Successfully deleted"})


async def delete_objects(call: Call) -> Response:
    """Delete many objects; those that are not there, or not the caller's to delete, are left out of the answer."""
    names.check_bucket(call.bucket)
    keys = _texts(await call.json(), "prefixes")
    if len(keys) > MAX_OBJECTS:
        message = f"Bulk object requests are limited to {MAX_OBJECTS} objects per request."
        raise errors.invalid_request(message)
    _, deleted = await call.depot.pool.run(
        [call.scope.as_caller(), statement("delete_objects", call.bucket, json.dumps(keys))]
    )
    await _discard_rows(call, deleted.rows)
    content = b"[" + b",".join(row[2] or b"null" for row in deleted.rows) + b"]"
    return Response(content, media_type="application/json")


async def move_object(call: Call) -> Response:
    """Give an object another name or bucket. Readers see it under the old name or the new one, never under both."""
    body = await call.json()
    source = _Place(names.check_bucket(required_text(body, "bucketId")), required_text(body, "sourceKey"))
    key = names.check_key(required_text(body, "destinationKey"))
    target = _Place(names.check_bucket(optional_text(body, "destinationBucket") or source.bucket), key)
    version, owner = str(uuid.uuid4()), call.scope.owner_id
    move = statement(
        "move_object", source.bucket, source.key, target.bucket, target.key, version, owner_uuid(owner), owner, None
    )
    try:
        async with call.depot.pool.transaction() as connection:
            await connection.run([call.scope.as_service(), *_locks(source, target)])
            _, seen = await connection.run(
                [call.scope.as_caller(), statement("find_object", source.bucket, source.key)]
            )
            if not seen.rows:
                raise errors.no_such_key()
            row = json.loads(seen.one()[0] or b"{}")
            tested = await connection.run(retested(call.scope, move))
            if not tested[2].rows:
                raise errors.no_such_key()
            old, new = source.bytes_key(row["version"]), target.bytes_key(version)
            if source != target:
                await call.depot.store.copy(old, new)
                await connection.run([call.scope.as_service(), move])
    except ObjectMissing:
        return file_missing()
    except DatabaseError as error:
        # only here is it certain that no row names the new bytes: a lost connection may have committed
        await discard(call.depot.store, target.bytes_key(version))
        raise named(error) from error
    if source != target:
        await discard(call.depot.store, old)
    return JSONResponse({"message": "Successfully moved", "Id": row["id"], "Key": target.key})


async def copy_object(call: Call) -> Response:
    """Put an object's content under a second name, as an object of the caller's."""
    body = await call.json()
    source = _Place(names.check_bucket(required_text(body, "bucketId")), required_text(body, "sourceKey"))
    key = names.check_key(required_text(body, "destinationKey"))
    target = _Place(names.check_bucket(optional_text(body, "destinationBucket") or source.bucket), key)
    version = str(uuid.uuid4())
    try:
        async with call.depot.pool.transaction() as connection:
            await connection.run([call.scope.as_service(), *_locks(source, target)])
            _, seen = await connection.run(
                [call.scope.as_caller(), statement("find_object", source.bucket, source.key)]
            )
            if not seen.rows:
                raise errors.no_such_key()
            row = json.loads(seen.one()[0] or b"{}")
            write = _copied(call, body, row, target, version)
            await connection.run(retested(call.scope, write))
            await call.depot.store.copy(source.bytes_key(row["version"]), target.bytes_key(version))
            replaced, written = await _write_copy(call, connection, target, write)
    except ObjectMissing:
        return file_missing()
    except DatabaseError as error:
        # only here is it certain that no row names the new bytes: a lost connection may have committed
        await discard(call.depot.store, target.bytes_key(version))
        raise named(error) from error
    if replaced is not None:
        await discard(call.depot.store, replaced)
    return JSONResponse({**written, "Id": written["id"], "Key": f"{target.bucket}/{target.key}"})


async def sign_object(call: Call) -> Response:
    """Sign a URL for an object that the caller can read. Transformations are not enabled, so they are left out."""
    seconds = _seconds(await call.json())
    names.check_bucket(call.bucket)
    _, found = await call.depot.pool.run([call.scope.as_caller(), statement("find_object", call.bucket, call.key)])
    if not found.rows:
        raise errors.no_such_key()
    return JSONResponse({"signedURL": _signed_url(call, call.key, seconds)})


async def sign_objects(call: Call) -> Response:
    """Sign URLs for many objects; those the caller cannot read get an error each."""
    names.check_bucket(call.bucket)
    body = await call.json()
    seconds, paths = _seconds(body), _texts(body, "paths")
    if len(paths) > MAX_OBJECTS:
        raise errors.invalid_body(f"body/paths must NOT have more than {MAX_OBJECTS} items")
    _, found = await call.depot.pool.run(
        [call.scope.as_caller(), statement("find_names", call.bucket, json.dumps(paths))]
    )
    readable = {(row[0] or b"").decode() for row in found.rows}
    return JSONResponse(
        [
            {
                "error": None if path in readable else _NOT_YOURS,
                "path": path,
                "signedURL": _signed_url(call, path, seconds) if path in readable else None,
            }
            for path in paths
        ]
    )


class _Place:
    """A bucket and a key."""

    def __init__(self, bucket: str, key: str) -> None:
        self.bucket = bucket
        self.key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Place) and (self.bucket, self.key) == (other.bucket, other.key)

    def __hash__(self) -> int:
        return hash((self.bucket, self.key))

    def bytes_key(self, version: str | None) -> str:
        return bytes_key(self.bucket, self.key, version)


def _locks(*places: _Place) -> list[Statement]:
    """Lock objects in one order for everybody, so that two moves cannot wait for each other."""
    return [statement("lock_object", name) for name in sorted({f"{place.bucket}/{place.key}" for place in places})]


def _copied(call: Call, body: dict[str, object], row: dict[str, object], target: _Place, version: str) -> Statement:
    """Compose the write of a copy: with the source's metadata, or with what the request says instead."""
    present = row["metadata"]
    metadata: dict[str, object] = dict(present) if isinstance(present, dict) else {}
    user_metadata = row["user_metadata"]
    if body.get("copyMetadata", True) is False:
        changes = body.get("metadata")
        if isinstance(changes, dict):
            metadata |= {name: changes[name] for name in ("cacheControl", "mimetype") if name in changes}
        user_metadata = header_metadata(call.request.headers.get("x-metadata"))
    metadata["lastModified"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    owner = call.scope.owner_id
    return statement(
        "upsert_object" if call.upsert else "insert_object",
        target.bucket,
        target.key,
        version,
        owner_uuid(owner),
        owner,
        json.dumps(metadata),
        None if user_metadata is None else json.dumps(user_metadata),
    )


async def _write_copy(
    call: Call, connection: Connection, target: _Place, write: Statement
) -> tuple[str | None, dict[str, object]]:
    """Write the row of a copy; gives the key of the bytes it replaces, and the row."""
    _, before, _, written = await connection.run(
        [
            call.scope.as_service(),
            statement("find_object_for_update", target.bucket, target.key),
            write,
            statement("get_object", target.bucket, target.key),
        ]
    )
    row: dict[str, object] = json.loads(written.one()[0] or b"{}")
    if not before.rows:
        return None, row
    version = before.rows[0][1]
    return target.bytes_key(version.decode() if version is not None else None), row


async def _discard_rows(call: Call, rows: list[tuple[bytes | None, ...]]) -> None:
    """Drop the bytes of rows (name, version, ...) that are deleted."""
    keys = [
        bytes_key(call.bucket, (row[0] or b"").decode(), row[1].decode() if row[1] is not None else None)
        for row in rows
    ]
    await discard(call.depot.store, *keys)


def _signed_url(call: Call, key: str, seconds: int) -> str:
    token = call.depot.tokens.for_download(f"{call.bucket}/{key}", seconds)
    return f"/object/sign/{call.bucket}/{names.url_path(key)}?token={token}"


def _seconds(body: dict[str, object]) -> int:
    if "expiresIn" not in body:
        raise errors.invalid_body("body must have required property 'expiresIn'")
    seconds = optional_count(body, "expiresIn", least=1)
    if seconds is None:
        raise errors.invalid_body("body/expiresIn must be integer")
    return min(seconds, MAX_SECONDS)


def _texts(body: dict[str, object], name: str) -> list[str]:
    values = body.get(name)
    if name not in body:
        raise errors.invalid_body(f"body must have required property '{name}'")
    if not isinstance(values, list) or not all(isinstance(value, str) and "\0" not in value for value in values):
        raise errors.invalid_body(f"body/{name} must be array of strings")
    if not values:
        raise errors.invalid_body(f"body/{name} must NOT have fewer than 1 items")
    return values
