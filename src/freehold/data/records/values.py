"""Values of records as PostgreSQL can hold them, and as they are compared."""

import json
import re
from typing import Any

_UNHOLDABLE = re.compile("[\x00\ud800-\udfff]")
"""No text of PostgreSQL holds them; JSON does, and browsers send them."""
REPLACEMENT = "\ufffd"


def holdable(value: object) -> Any:  # noqa: ANN401 - JSON is any value
    """Put U+FFFD in the place of characters that no database text can hold, in keys as well."""
    if isinstance(value, str):
        return _UNHOLDABLE.sub(REPLACEMENT, value)
    if isinstance(value, list):
        return [holdable(item) for item in value]
    if isinstance(value, dict):
        return {holdable(name): holdable(item) for name, item in value.items()}
    return value


def canonical(value: object) -> bytes:
    """Write a value so that equal ones are equal bytes: however its keys are ordered, and its numbers spelled."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":")).encode()


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON is any value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
