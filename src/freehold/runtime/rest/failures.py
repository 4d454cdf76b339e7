"""PostgreSQL's refusals as answers: SQLSTATE to HTTP status, and errors that a function wrote for the client."""

import re
from typing import Any

import orjson

from freehold.runtime.database import DatabaseError
from freehold.runtime.rest import errors
from freehold.runtime.rest.errors import ApiError, Header

EXACT = {
    "23503": 409, "23505": 409, "25006": 405, "53400": 500, "57P01": 503, "57P02": 503, "57P03": 503, "P0001": 400,
    "42P01": 404, "42P17": 500,
}  # fmt: skip
BY_CLASS = {
    "08": 503, "09": 500, "0L": 403, "0P": 403, "25": 500, "28": 403, "2D": 500, "38": 500, "39": 500, "3B": 500,
    "40": 500, "53": 503, "54": 500, "55": 500, "57": 500, "58": 500, "F0": 500, "HV": 500, "P0": 500, "XX": 500,
}  # fmt: skip
MESSAGE_FORM = (
    "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'."
)
DETAIL_FORM = "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'."


def of_database(error: DatabaseError, *, is_anonymous: bool) -> ApiError:
    """Turn a database error into an answer. `is_anonymous`: a caller who might do better with a token."""
    if error.sqlstate == "PGRST":
        return _raised(error)
    status = _status(error, is_anonymous=is_anonymous)
    challenge: list[Header] = [(b"www-authenticate", b"Bearer")] if status == 401 else []  # noqa: PLR2004 - RFC 9110
    return ApiError(status, error.sqlstate, error.message, error.detail, error.hint, headers=challenge)


def unreachable() -> ApiError:
    """PostgreSQL does not answer."""
    return ApiError(503, "PGRST001", "Database client error. Retrying the connection.")


def exhausted() -> ApiError:
    """All connections are busy."""
    return ApiError(504, "PGRST003", "Timed out acquiring connection from connection pool.")


def _status(error: DatabaseError, *, is_anonymous: bool) -> int:
    state, message = error.sqlstate, error.message
    if state == "42501":
        return 401 if is_anonymous else 403
    if state == "21000":
        return 400 if message.endswith("requires a WHERE clause") else 500
    if state == "22023":
        return 401 if message.startswith("role") and message.endswith("does not exist") else 400
    if state == "42883":
        return 406 if message.startswith("function xmlagg(") else 404
    if state.startswith("PT"):
        return int(state[2:]) if re.fullmatch("[1-9][0-9]{2}", state[2:]) else 500
    return EXACT.get(state) or BY_CLASS.get(state[:2], 400)


def _raised(error: DatabaseError) -> ApiError:
    """RAISE SQLSTATE 'PGRST' writes the whole answer: MESSAGE is the body, DETAIL the status and headers."""
    body = _object(error.message, "code", "message")
    if body is None:
        return errors.bad_raise(f"Invalid JSON value for MESSAGE: '{error.message}'", MESSAGE_FORM)
    if error.detail is None:
        return errors.bad_raise("DETAIL is missing in the RAISE statement", DETAIL_FORM)
    control = _object(error.detail, "status", "headers")
    if control is None or not isinstance(control["status"], int) or not _is_text_map(control["headers"]):
        return errors.bad_raise(f"Invalid JSON value for DETAIL: '{error.detail}'", DETAIL_FORM)
    headers = [(str(name).lower().encode(), str(value).encode()) for name, value in control["headers"].items()]
    return ApiError(
        control["status"] if 100 <= control["status"] <= 999 else 500,  # noqa: PLR2004 - three digits
        str(body["code"]),
        str(body["message"]),
        body.get("details"),
        body.get("hint"),
        headers=headers,
    )


def _object(text: str, *keys: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) and all(key in value for key in keys) else None


def _is_text_map(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
