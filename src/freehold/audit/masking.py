"""Nothing that is printed holds a secret: every text of a result passes through here."""

import dataclasses
import re
from collections.abc import Iterable
from typing import Any, TypeVar

from freehold.audit.credentials import credentials

Value = TypeVar("Value")
MASK = "…"
_SECRET_NAME = re.compile(
    r"secret|password|passwd|token|private|api_?key|service_?role|auth_?key|smtp_pass", re.IGNORECASE
)
_FROM_ENVIRONMENT = re.compile(r"^env\([A-Za-z_]\w*\)$")
_SHORTEST = 6


def masked(value: Value, secrets: Iterable[str] = ()) -> Value:
    """Give a copy of dataclasses, tuples, lists, dicts and texts in which every credential is masked.

    `secrets` are values that are known to be secret, whatever they look like. In dicts (settings) what stands under a
    secret's name is masked too, unless it only names an environment variable.
    """
    known = sorted({item for item in secrets if len(item) >= _SHORTEST}, key=len, reverse=True)
    result: Value = _masked(value, known)
    return result


def _masked(value: Any, known: list[str]) -> Any:  # noqa: ANN401 - it walks whatever a result is made of
    if isinstance(value, str):
        return _text(value, known)
    if isinstance(value, tuple | list):
        return type(value)(_masked(item, known) for item in value)
    if isinstance(value, dict):
        return {_masked(name, known): _entry(str(name), item, known) for name, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
        changed = {name: new for name, item in fields.items() if (new := _masked(item, known)) != item}
        return dataclasses.replace(value, **changed) if changed else value
    return value


def _entry(name: str, value: Any, known: list[str]) -> Any:  # noqa: ANN401 - likewise
    if isinstance(value, str) and value and _SECRET_NAME.search(name) and not _FROM_ENVIRONMENT.match(value):
        return MASK
    return _masked(value, known)


def _text(text: str, known: list[str]) -> str:
    for secret in known:
        text = text.replace(secret, MASK)
    for credential in credentials(text):
        text = text.replace(credential.value, MASK)
    return text
