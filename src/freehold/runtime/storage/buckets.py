"""Buckets: each call runs as the caller, under the policies on storage.buckets."""

import json
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from freehold.runtime.database import DatabaseError
from freehold.runtime.storage import errors, names
from freehold.runtime.storage.call import MAX_COUNT, Call, bytes_key, optional_text, required_text
from freehold.runtime.storage.clients import reads_bucket_types
from freehold.runtime.storage.rights import discard
from freehold.runtime.storage.scope import owner_uuid, statement

EMPTY_AT_ONCE = 1000
EMPTY_AT_MOST = 200_000
"""Upstream's limit for one call of `empty`."""
_EMPTIED = "Empty bucket has been queued. Completion may take up to an hour."
_SORT_COLUMNS = ("id", "name", "created_at", "updated_at")


@dataclass(frozen=True, slots=True)
class Bucket:
    """What Storage has to know of a bucket; no file_size_limit means the server's."""

    public: bool
    file_size_limit: int | None
    allowed_mime_types: list[str]


async def find_bucket(call: Call) -> Bucket:
    """Look the request's bucket up, whoever asks; raises NoSuchBucket."""
    name = names.check_bucket(call.bucket)
    results = await call.depot.pool.run([call.scope.as_service(), statement("find_bucket", name)])
    if not results[1].rows:
        raise errors.no_such_bucket()
    _, public, limit, types = results[1].one()
    return Bucket(public == b"t", int(limit) if limit is not None else None, json.loads(types or b"null") or [])


async def list_buckets(call: Call) -> Response:
    """List the buckets the caller may see; ?search, limit, offset, sortColumn, sortOrder."""
    query = call.request.query_params
    column, order = query.get("sortColumn", ""), query.get("sortOrder", "asc")
    if column and column not in _SORT_COLUMNS:
        raise errors.invalid_body("querystring/sortColumn must be equal to one of the allowed values")
    if order not in {"asc", "desc"}:
        raise errors.invalid_body("querystring/sortOrder must be equal to one of the allowed values")
    results = await call.depot.pool.run(
        [
            call.scope.as_caller(),
            statement(
                "list_buckets",
                f"%{names.like_literal(query.get('search', ''))}%",
                _count(query.get("limit"), "limit", least=1),
                _count(query.get("offset"), "offset", least=0) or 0,
                column,
                order,
                not reads_bucket_types(call.request.headers),
            ),
        ]
    )
    return Response(results[1].one()[0], media_type="application/json")


async def get_bucket(call: Call) -> Response:
    """Give one bucket."""
    results = await call.depot.pool.run([call.scope.as_caller(), statement("get_bucket", call.bucket)])
    if not results[1].rows:
        raise errors.no_such_bucket()
    return Response(results[1].one()[0], media_type="application/json")


async def create_bucket(call: Call) -> Response:
    """Make a bucket."""
    body = await call.json()
    name = names.check_new_bucket(required_text(body, "name"))
    identity = names.check_new_bucket(optional_text(body, "id") or name)
    if body.get("type", "STANDARD") != "STANDARD":
        raise errors.not_enabled("Buckets of other types than STANDARD")
    allowed = names.mime_types(body.get("allowed_mime_types"))
    owner = call.scope.owner_id
    insert = statement(
        "create_bucket",
        identity,
        name,
        owner_uuid(owner),
        owner,
        _flag(body, "public") or False,
        names.size_in_bytes(body.get("file_size_limit"), call.depot.file_size_limit),
        None if allowed is None else json.dumps(allowed),
    )
    try:
        await call.depot.pool.run([call.scope.as_caller(), insert])
    except DatabaseError as error:
        raise (errors.bucket_already_exists() if error.sqlstate == "23505" else error) from error
    return JSONResponse({"name": name})


async def update_bucket(call: Call) -> Response:
    """Change what the body names and nothing else; null takes a limit away."""
    names.check_bucket(call.bucket)
    body = await call.json()
    if not {"public", "file_size_limit", "allowed_mime_types"} & set(body):
        raise errors.invalid_body("body must have required property 'public'")
    allowed = names.mime_types(body.get("allowed_mime_types"))
    change = statement(
        "update_bucket",
        call.bucket,
        "public" in body,
        _flag(body, "public"),
        "file_size_limit" in body,
        names.size_in_bytes(body.get("file_size_limit"), call.depot.file_size_limit),
        "allowed_mime_types" in body,
        None if allowed is None else json.dumps(allowed),
    )
    results = await call.depot.pool.run([call.scope.as_caller(), change])
    if not results[1].count:
        raise errors.no_such_bucket()
    return JSONResponse({"message": "Successfully updated"})


async def delete_bucket(call: Call) -> Response:
    """Delete an empty bucket; one with objects, even such that the caller cannot see, stays."""
    async with call.depot.pool.transaction() as connection:
        _, locked, filled = await connection.run(
            [
                call.scope.as_service(),
                statement("lock_bucket", call.bucket),
                statement("bucket_has_objects", call.bucket),
            ]
        )
        if not locked.rows:
            raise errors.no_such_bucket()
        if filled.one()[0] == b"t":
            message = "The bucket you tried to delete is not empty"
            raise errors.StorageError(409, "ResourceNotEmpty", message)
        results = await connection.run([call.scope.as_caller(), statement("delete_bucket", call.bucket)])
        if not results[1].count:
            raise errors.no_such_bucket()
    return JSONResponse({"message": "Successfully deleted"})


async def empty_bucket(call: Call) -> Response:
    """Delete every object that is in the bucket now. Done when answered, whatever upstream's message says."""
    names.check_bucket(call.bucket)
    _, found, counted, now = await call.depot.pool.run(
        [
            call.scope.as_caller(),
            statement("get_bucket", call.bucket),
            statement("count_objects", call.bucket, EMPTY_AT_MOST + 1),
            statement("now"),
        ]
    )
    if not found.rows:
        raise errors.no_such_bucket()
    if int(counted.one()[0] or b"0") > EMPTY_AT_MOST:
        message = "Unable to empty the bucket because it contains too many objects"
        raise errors.StorageError(409, "InvalidRequest", message, error="Unable to empty bucket")
    instant = (now.one()[0] or b"").decode()
    while await _empty_once(call, instant):
        pass
    return JSONResponse({"message": _EMPTIED})


async def _empty_once(call: Call, instant: str) -> bool:
    """Delete up to EMPTY_AT_ONCE objects; says whether there were any."""
    _, deleted = await call.depot.pool.run(
        [call.scope.as_caller(), statement("delete_objects_before", call.bucket, instant, EMPTY_AT_ONCE)]
    )
    keys = [
        bytes_key(call.bucket, (name or b"").decode(), version.decode() if version is not None else None)
        for name, version in deleted.rows
    ]
    await discard(call.depot.store, *keys)
    return bool(keys)


def _flag(body: dict[str, object], name: str) -> bool | None:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise errors.invalid_body(f"body/{name} must be boolean")
    return value


def _count(value: str | None, name: str, *, least: int) -> int | None:
    if value is None:
        return None
    count = names.whole_number(value)
    if count is None or not least <= count <= MAX_COUNT:
        raise errors.invalid_body(f"querystring/{name} must be integer >= {least}")
    return count
