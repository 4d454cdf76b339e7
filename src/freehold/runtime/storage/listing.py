"""Listing objects: v1 by offset with folders, v2 by cursor with or without folders."""

import base64
import json
from dataclasses import asdict, dataclass

from starlette.responses import JSONResponse, Response

from freehold.kit import json_text
from freehold.runtime.database import Statement
from freehold.runtime.storage import errors, names
from freehold.runtime.storage.call import Call, optional_count, optional_text, required_text
from freehold.runtime.storage.scope import statement

MAX_KEYS = 1000
_COLUMNS_V1 = ("name", "updated_at", "created_at", "last_accessed_at")
_COLUMNS_V2 = ("name", "updated_at", "created_at")
_LAST_CHARACTER = "\U0010ffff"
"""Sorts behind every key in the C collation."""


async def list_objects(call: Call) -> Response:
    """List one folder: {prefix, limit, offset, sortBy, search}; folders are entries whose id is null."""
    names.check_bucket(call.bucket)
    body = await call.json()
    prefix, search = required_text(body, "prefix"), optional_text(body, "search")
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    column, order = _sort(body, _COLUMNS_V1)
    limit = optional_count(body, "limit", least=1) or 100
    offset = optional_count(body, "offset", least=0) or 0
    levels = (prefix + search).count("/") + 1
    wanted = statement("search", prefix, call.bucket, limit, levels, offset, search, column, order)
    results = await call.depot.pool.run([call.scope.as_caller(), wanted])
    return Response(results[1].one()[0], media_type="application/json")


async def list_objects_v2(call: Call) -> Response:
    """List keys: {prefix, limit, cursor, with_delimiter, sortBy} -> {hasNext, nextCursor, folders, objects}."""
    names.check_bucket(call.bucket)
    body = await call.json()
    prefix = optional_text(body, "prefix")
    folders = body.get("with_delimiter", False)
    if not isinstance(folders, bool):
        raise errors.invalid_body("body/with_delimiter must be boolean")
    column, order = _sort(body, _COLUMNS_V2)
    cursor = _cursor(optional_text(body, "cursor")) or _Cursor("", "", column, order)
    limit = min(optional_count(body, "limit", least=1) or MAX_KEYS, MAX_KEYS)
    page = _folder_page if folders else _page
    results = await call.depot.pool.run([call.scope.as_caller(), page(call.bucket, prefix, cursor, limit + 1)])
    return JSONResponse(_answer(json.loads(results[1].one()[0] or b"[]"), limit, cursor))


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where the next page begins: behind `name`, which has `value` in the column that is sorted by."""

    name: str
    value: str
    column: str
    order: str


def _folder_page(bucket: str, prefix: str, cursor: _Cursor, limit: int) -> Statement:
    levels = prefix.count("/") + 1
    return statement(
        "search_folders", prefix, bucket, limit, levels, cursor.name, cursor.order, cursor.column, cursor.value or None
    )


def _page(bucket: str, prefix: str, cursor: _Cursor, limit: int) -> Statement:
    """Compose a page of all keys below a prefix; column and order come from fixed lists."""
    parameters = [bucket.encode(), prefix.encode(), (prefix + _LAST_CHARACTER).encode(), str(limit).encode()]
    behind, sorted_by = "", f'name collate "C" {cursor.order}'
    compared = ">" if cursor.order == "asc" else "<"
    if cursor.column != "name":
        sorted_by = f"date_trunc('milliseconds', {cursor.column}) {cursor.order}, {sorted_by}"
    if cursor.name and cursor.column == "name":
        parameters.append(cursor.name.encode())
        behind = f'and name collate "C" {compared} $5'
    elif cursor.name:
        parameters += [cursor.name.encode(), cursor.value.encode()]
        behind = (
            f"and (date_trunc('milliseconds', {cursor.column}), name collate \"C\") {compared} ($6::timestamptz, $5)"
        )
    sql = f"""
        select coalesce(json_agg(json_build_object(
            'id', id, 'name', name, 'metadata', metadata,
            'updated_at', to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'created_at', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'last_accessed_at', to_char(last_accessed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        ) order by place), '[]')
        from (
            select row_number() over (order by {sorted_by}) as place, *
            from storage.objects
            where bucket_id = $1 and name collate "C" >= $2 and name collate "C" < $3 {behind}
            order by {sorted_by}
            limit $4::bigint
        ) as page"""  # noqa: S608 - only columns and orders from the lists above are composed
    return sql, parameters


def _answer(rows: list[dict[str, object]], limit: int, cursor: _Cursor) -> dict[str, object]:
    page = rows[:limit]
    folders = [{**row, "name": str(row["name"]).rstrip("/") + "/"} for row in page if row["id"] is None]
    answer: dict[str, object] = {
        "hasNext": len(rows) > limit,
        "folders": folders,
        "objects": [row for row in page if row["id"] is not None],
    }
    if len(rows) > limit:
        last = page[-1]
        value = "" if cursor.column == "name" else str(last[cursor.column] or "")
        following = _Cursor(str(last["name"]), value, cursor.column, cursor.order)
        answer["nextCursor"] = base64.urlsafe_b64encode(json.dumps(asdict(following)).encode()).decode()
        answer["nextCursorKey"] = last["name"]
    return answer


def _cursor(text: str) -> _Cursor | None:
    if not text:
        return None
    try:
        cursor = _Cursor(**json_text.read(base64.urlsafe_b64decode(text)))
    except (ValueError, TypeError) as error:
        raise _bad_cursor() from error
    if not all(isinstance(part, str) and "\0" not in part for part in asdict(cursor).values()):
        raise _bad_cursor()
    if cursor.column not in _COLUMNS_V2 or cursor.order not in {"asc", "desc"}:
        raise _bad_cursor()
    return cursor


def _bad_cursor() -> errors.StorageError:
    return errors.StorageError(400, "InvalidParameter", "Invalid Parameter continuation token")


def _sort(body: dict[str, object], columns: tuple[str, ...]) -> tuple[str, str]:
    wanted = body.get("sortBy")
    if wanted is None:
        return "name", "asc"
    if not isinstance(wanted, dict):
        raise errors.invalid_body("body/sortBy must be object")
    column, order = wanted.get("column") or "name", wanted.get("order") or "asc"
    if column not in columns:
        raise errors.invalid_body("body/sortBy/column must be equal to one of the allowed values")
    if order not in {"asc", "desc"}:
        raise errors.invalid_body("body/sortBy/order must be equal to one of the allowed values")
    return column, order
