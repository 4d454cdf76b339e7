"""Why a statement failed: one word that can be counted, and the name of what it lacks if that may still come."""

import re
from dataclasses import dataclass

MISSING = frozenset(
    {"missing relation", "missing column", "missing function", "missing type", "missing schema", "missing object"}
)
RETRIED = MISSING | {"missing key", "live data"}
"""Causes that another statement of the app may take away."""

_BY_STATE = {
    "42P01": "missing relation",
    "42703": "missing column",
    "42883": "missing function",
    "42704": "missing object",
    "3F000": "missing schema",
    "42830": "missing key",
    "42P10": "missing key",
    "42P06": "duplicate",
    "42P07": "duplicate",
    "42701": "duplicate",
    "42710": "duplicate",
    "42723": "duplicate",
    "42P16": "conflict",
    "2BP01": "conflict",
    "42P13": "conflict",
    "42804": "conflict",
    "42601": "syntax",
    "42501": "permission",
    "57014": "time",
    "55P03": "time",
    "58P01": "missing extension",
    "P0001": "live data",
    "P0002": "live data",
    "P0004": "live data",
}
_BY_CLASS = {
    "08": "connection",
    "0A": "not supported",
    "21": "live data",
    "22": "live data",
    "23": "live data",
    "57": "connection",
}
_LACKING = (
    re.compile(r'relation "([^"]+)" (?:of relation "[^"]+" )?does not exist'),
    re.compile(r'(?:column|type|schema|view|sequence|constraint|trigger|policy|index) "([^"]+)".* does not exist'),
    re.compile(r"column (\S+) does not exist"),
    re.compile(r"(?:function|procedure|aggregate) ([^\s(]+)\(.*\) does not exist"),
    re.compile(r'invalid input value for enum [^:]+: "([^"]*)"'),
    re.compile(r'publication "([^"]+)" does not exist'),
)


@dataclass(frozen=True)
class Failure:
    """What PostgreSQL said. `lacks` is a bare name in lower case, "" when nothing can be waited for."""

    sqlstate: str
    message: str
    cause: str
    lacks: str = ""


def failure(sqlstate: str | None, message: str) -> Failure:
    """Sort an error of PostgreSQL."""
    state = sqlstate or ""
    cause = _BY_STATE.get(state) or _BY_CLASS.get(state[:2]) or ("other" if state else "connection")
    if state == "42704" and message.startswith("type "):
        cause = "missing type"
    if "unrecognized configuration parameter" in message:
        cause = "missing setting"
    if re.search(r"extension .* is not available|access method .* does not exist", message):
        cause = "missing extension"
    return Failure(state, message, cause, _lacking(message))


def _lacking(message: str) -> str:
    for pattern in _LACKING:
        match = pattern.search(message)
        if match:
            return match[1].rsplit(".", 1)[-1].strip('"').removesuffix("[]").lower()
    return ""
