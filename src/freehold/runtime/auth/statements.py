"""The SQL of this protocol: `.sql` files beside this module, one statement under each `-- name:` line."""

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources

import orjson

from freehold.runtime.database import Parameter, Statement

FILES = ("users.sql", "sessions.sql", "one_time.sql", "factors.sql", "limits.sql", "social.sql")
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)

Value = str | int | bool | float | datetime | uuid.UUID | Mapping[str, object] | list[object] | None


def statement(name: str, *values: Value) -> Statement:
    """Give a named statement with its parameters in PostgreSQL's text form."""
    return _texts()[name], tuple(_parameter(value) for value in values)


@cache
def _texts() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in FILES:
        parts = _NAME.split(resources.files(__package__).joinpath(file).read_text())
        found.update({name: text.strip().rstrip(";") for name, text in zip(parts[1::2], parts[2::2], strict=True)})
    return {name: _with_user(text, found["user_json"]) for name, text in found.items()}


def _with_user(text: str, user_json: str) -> str:
    """Put the one expression that reads a whole user where a statement says {user}."""
    return text.replace("{user}", user_json)


def _parameter(value: Value) -> Parameter:
    if value is None:
        return None
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, datetime):
        return value.isoformat().encode()
    if isinstance(value, Mapping | list):
        return orjson.dumps(value)
    return str(value).replace("\0", "").encode()
