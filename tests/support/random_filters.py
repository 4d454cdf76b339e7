"""Random records and random filters of the entities' filter language, and what mongomock finds with them.

What is left out is where mongomock is not MongoDB: booleans beside numbers in one field (Python's True is 1), the order
of arrays and objects, null below a path whose parent is null, $size of texts, $exists below an array of objects, $not
and several operators at once below a path, arrays inside the list of $in, and {}. Tests by hand say what those do.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import mongomock

SCHEMA: dict[str, Any] = {
    "name": "Thing",
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "n": {"type": "number"},
        "ok": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "place": {"type": "object"},
        "items": {"type": "array", "items": {"type": "object"}},
        "any": {"type": ["string", "number", "null", "array"]},
    },
}
TEXTS = ("", "a", "b", "ab", "abc", "B", "é", "a.b", "10", "a b", "line\nend", "%", "_", "'")
NUMBERS = (-1, 0, 1, 2, 2.5, 10, 1e21, -0.5, 9007199254740993)
PATTERNS = ("a", "^a", "b$", "a.c", "^$", "[ab]+", r"\d", "A", "é", r"\ba\b", "a|B", ".", r"a\.b", "(ab)?c", "e$", "%")
MISSING = object()
_BELOW = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$regex", "$all", "$not")
_NAMES = (*_BELOW, "$exists")
_SIZED = (*_NAMES, "$size")


def records(chance: random.Random, count: int) -> list[dict[str, Any]]:
    """Make records; every field may be missing, and may be null."""
    found = []
    for number in range(count):
        record = {
            "text": _maybe(chance, lambda: chance.choice(TEXTS)),
            "n": _maybe(chance, lambda: chance.choice(NUMBERS)),
            "ok": _maybe(chance, lambda: chance.random() < 0.5),
            "tags": _maybe(chance, lambda: _texts(chance)),
            "place": _maybe(chance, lambda: _place(chance)),
            "items": _maybe(chance, lambda: [_place(chance) for _ in range(chance.randrange(3))]),
            "any": _maybe(chance, lambda: _anything(chance)),
            "loose": _maybe(chance, lambda: _anything(chance)),
        }
        found.append({"id": f"{number:04d}"} | {key: value for key, value in record.items() if value is not MISSING})
    return found


def query(chance: random.Random, depth: int = 2) -> dict[str, Any]:
    """Make a query."""
    if depth and chance.random() < 0.25:
        parts = [query(chance, depth - 1) for _ in range(chance.randint(1, 3))]
        return {chance.choice(("$and", "$or", "$nor")): parts}
    return dict(_condition(chance) for _ in range(chance.choice((1, 1, 1, 2, 3))))


class Oracle:
    """The same records in mongomock."""

    def __init__(self, given: Sequence[Mapping[str, Any]]) -> None:
        self._collection = mongomock.MongoClient().db.things
        self._collection.insert_many([dict(record) for record in given])

    def ids(self, wanted: Mapping[str, Any]) -> list[str]:
        """The ids that mongomock finds."""
        return sorted(str(item["id"]) for item in self._collection.find(dict(wanted)))


def _condition(chance: random.Random) -> tuple[str, Any]:
    field = chance.choice(
        ("text", "n", "ok", "tags", "items", "place.city", "place.zip", "place", "items.city", "items.zip",
         "items.0.city", "any", "loose", "tags.0", "absent", "place.deep.er")
    )  # fmt: skip
    if chance.random() < 0.25:
        value = _value(chance, field)
        return field, value if not isinstance(value, list) else {"$in": value}
    return field, _operators(chance, field)


def _operators(chance: random.Random, field: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(1 if "." in field else chance.choice((1, 1, 2))):
        found |= _operator(chance, field)
    return found


def _operator(chance: random.Random, field: str) -> dict[str, Any]:  # noqa: PLR0911 - one line an operator
    names = _SIZED if field in ("tags", "items") else _BELOW if field.startswith("items.") else _NAMES
    name = chance.choice([item for item in names if item != "$not" or "." not in field])
    if name in ("$gt", "$gte", "$lt", "$lte"):
        return {name: chance.choice((*TEXTS[1:], *NUMBERS)) if field != "ok" else chance.random() < 0.5}
    if name in ("$in", "$nin"):
        listed = (_value(chance, field) for _ in range(chance.randrange(4)))
        return {name: [value for value in listed if not isinstance(value, list)]}
    if name == "$all":
        return {name: [_scalar(chance, field) for _ in range(chance.randint(1, 2))]}
    if name == "$exists":
        return {name: chance.random() < 0.5}
    if name == "$size":
        return {name: chance.randrange(4)}
    if name == "$regex":
        options = chance.choice(("", "", "i", "s"))
        return {name: chance.choice(PATTERNS)} | ({"$options": options} if options else {})
    if name == "$not":
        return {name: _operator_without_not(chance, field)}
    return {name: _value(chance, field)}


def _operator_without_not(chance: random.Random, field: str) -> dict[str, Any]:
    """Neither another $not nor $options, which mongomock does not know below $not."""
    while {"$not", "$options"} & (found := _operator(chance, field)).keys():
        pass
    return found


def _value(chance: random.Random, field: str) -> Any:
    if chance.random() < 0.1 and "." not in field:
        return None
    if field == "place" and chance.random() < 0.7:
        return _place(chance) or {"city": "a"}
    if field in ("tags", "any", "loose") and chance.random() < 0.15:
        return _texts(chance)
    return _scalar(chance, field)


def _scalar(chance: random.Random, field: str) -> Any:
    if field == "ok":
        return chance.random() < 0.5
    return chance.choice((*TEXTS, *NUMBERS))


def _anything(chance: random.Random) -> Any:
    return chance.choice((_texts(chance), chance.choice(TEXTS), chance.choice(NUMBERS), [chance.choice(NUMBERS)], []))


def _texts(chance: random.Random) -> list[str]:
    return [chance.choice(TEXTS) for _ in range(chance.randrange(4))]


def _place(chance: random.Random) -> dict[str, Any]:
    place = {
        "city": _maybe(chance, lambda: chance.choice(TEXTS)),
        "zip": _maybe(chance, lambda: chance.choice(NUMBERS)),
        "deep": _maybe(chance, lambda: {"er": chance.choice(TEXTS)}),
    }
    return {key: value for key, value in place.items() if value is not MISSING}


def _maybe(chance: random.Random, make: Any) -> Any:
    luck = chance.random()
    return MISSING if luck < 0.15 else None if luck < 0.25 else make()
