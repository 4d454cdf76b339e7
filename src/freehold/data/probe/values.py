"""Values for rows that are planted: what a column's type, labels and checks allow, private where there is a choice."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

from freehold.data.probe.objects import Column, Relation
from freehold.data.probe.stage import User

PRIVILEGED = frozenset(
    {"admin", "administrator", "owner", "superadmin", "super_admin", "superuser", "moderator", "manager", "staff"}
    | {
        "root",
        "master_admin",
        "platform_admin",
        "system_admin",
        "admin_master",
        "mod",
        "editor",
        "developer",
        "service",
    }
)
"""Labels of roles that a new user must not be able to take."""
_LOWLY = ("user", "member", "customer", "client", "viewer", "student", "guest", "patient", "employee", "free", "basic")
_PRIVATE = ("draft", "private", "pending", "hidden", "inactive", "internal", "new", "archived")
_OPEN = frozenset({"public", "published", "approved", "live", "open", "visible", "shared", "active", "listed"})
_OPENING = re.compile(
    r"(^|_)(public|published|visible|shared|featured|approved|listed|admin|super|staff|verified|premium|pro|moderator)"
)
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?")
_NUMBERS = frozenset({"smallint", "integer", "bigint", "real", "double precision", "numeric", "money"})
_WHOLE = frozenset({"smallint", "integer", "bigint"})
_TEXTS = frozenset({"text", "character varying", "character", "citext", "name", '"char"'})
_MOMENTS = frozenset({"timestamp with time zone", "timestamp without time zone"})
_NUMBER_OF = {"a": 1, "b": 2, "c": 3}
"""Each person's numbers and days are their own, so that unique keys fit."""
_FIXED: dict[str, Any] = {
    "date": "2026-01-01",
    "timestamp with time zone": "2026-01-01T00:00:00Z",
    "timestamp without time zone": "2026-01-01T00:00:00",
    "time without time zone": "10:00:00",
    "time with time zone": "10:00:00Z",
    "interval": "1 hour",
    "inet": "192.0.2.1",
    "cidr": "192.0.2.0/24",
    "macaddr": "08:00:2b:01:02:03",
    "bytea": "\\x00",
    "tsvector": "probe",
    "point": "(0,0)",
    "xml": "<a/>",
    "int4range": "[1,2)",
    "int8range": "[1,2)",
    "numrange": "[1,2)",
    "daterange": "[2026-01-01,2026-01-02)",
    "tsrange": "[2026-01-01,2026-01-02)",
    "tstzrange": "[2026-01-01,2026-01-02)",
    "bit": "1",
    "oid": 1,
}


def is_special(column: Column) -> bool:
    """Say whether the planted value matters so much that the column's default is not good enough."""
    return bool(_OPENING.search(column.name)) or column.name in {"role", "user_role", "status", "visibility", "state"}


def first(column: Column, relation: Relation, person: User) -> Any:  # noqa: ANN401 - any JSON value
    """Choose a value for a column that refers to nothing."""
    literals = [text for text in _listed(relation, column) if text]
    if column.array:
        return []
    if column.labels or (literals and column.base in _TEXTS):
        return _label([*column.labels] or literals)
    return typed(column, person)


def typed(column: Column, person: User) -> Any:  # noqa: ANN401, PLR0911 - one line a kind of type
    """Choose by type alone."""
    base = column.base
    if column.array:
        return []
    if column.labels:
        return _label([*column.labels])
    if base in _TEXTS:
        return _text(column, person)
    if base in _NUMBERS:
        return _NUMBER_OF.get(person.mark[-1], 1)
    if base == "uuid":
        return str(uuid.uuid4())
    if base == "boolean":
        return False
    if base in {"json", "jsonb"}:
        return {"freehold": person.mark}
    if base.endswith("vector") and base != "tsvector":
        size = re.search(r"\((\d+)\)", column.written)
        return "[" + ",".join(["0"] * int(size[1] if size else 3)) + "]"
    fixed = _FIXED.get(base)
    if _is_moment(base):
        return str(fixed).replace("-01-01", f"-01-{_NUMBER_OF.get(person.mark[-1], 1):02}", 1)
    return fixed


def _is_moment(base: str) -> bool:
    return base in _MOMENTS or base == "date"


def candidates(column: Column, definition: str, person: User) -> Iterator[Any]:
    """Values to try in turn when a check refuses the first one."""
    literals = [text.replace("''", "'") for text in _LITERAL.findall(definition)]
    if column.base in _NUMBERS:
        for text in _NUMBER.findall(definition):
            number = float(text) if "." in text and column.base not in _WHOLE else int(float(text))
            yield from (number, number + 1, number - 1)
        yield from (1, 0, 10, 100, 5, 2026, -1)
    elif column.base == "boolean":
        yield from (False, True)
    elif column.base in _MOMENTS or column.base == "date":
        yield from (text for text in literals if re.match(r"\d{4}-\d\d", text))
        yield from ("2026-01-01", "2031-01-01", "2021-01-01")
    elif column.labels:
        yield from sorted(column.labels, key=lambda label: label.lower() in PRIVILEGED)
    elif column.base in _TEXTS:
        yield from sorted(literals, key=lambda text: text.lower() in PRIVILEGED)
        yield from (person.email, f"https://probe.invalid/{person.mark}", person.mark, person.mark.replace("-", "_"))
        yield from (f"A text of {person.mark} that is long enough for what wants a text of some length", "probe")
        yield from ("+12025550123", "2025550123", "12345678", "US", "USD", "en", "#aabbcc", "10:00", "2026-01-01", "x")
    if not column.required:
        yield None


def _listed(relation: Relation, column: Column) -> list[str]:
    """Read the list of a check such as `status in ('a', 'b')`."""
    for check in relation.checks:
        if check.columns == (column.name,) and re.search(r"= ANY \(|= '", check.definition):
            return [text.replace("''", "'") for text in _LITERAL.findall(check.definition)]
    return []


def _label(labels: list[str]) -> str:
    for preferred in (*_LOWLY, *_PRIVATE):
        found = next((label for label in labels if label.lower() == preferred), None)
        if found is not None:
            return found
    return next((label for label in labels if label.lower() not in PRIVILEGED | _OPEN), labels[-1])


def _text(column: Column, person: User) -> str:
    if "email" in column.name:
        value = f"{person.mark}-{column.name}@probe.invalid".lower()
    elif column.name.endswith(("url", "link")):
        value = f"https://probe.invalid/{person.mark}"
    elif "phone" in column.name or "mobile" in column.name:
        value = "+12025550" + str(100 + ord(person.mark[-1]))
    else:
        value = f"{person.mark} {column.name}"
    limit = column.length
    return value[:limit] if limit and limit >= len(person.mark) else value[-limit:] if limit else value
