"""MongoDB's update operators on one record; pure, so that what is written is checked like any other write."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from freehold.runtime.base44.http import Refusal, plain

DEEPEST = 100
"""As MongoDB has it for documents."""
Change = Callable[[dict[str, Any], str, Any], None]


def updated(record: Mapping[str, Any], operations: Mapping[str, Any]) -> dict[str, Any]:
    """Give the record after the operations; what is none raises Refusal with 400."""
    new = dict(record)
    seen: set[str] = set()
    if not operations or not all(name.startswith("$") for name in operations):
        raise _wrong("data takes update operators such as $set")
    for operator, fields in operations.items():
        if operator not in _OPERATORS or not isinstance(fields, Mapping):
            raise _wrong(f"{operator} is not known")
        for name, value in fields.items():
            if name in seen:
                raise _wrong(f"{name} stands in two operators")
            seen.add(name)
            _refuse_long(name)
            _OPERATORS[operator](new, name, value)
    return new


def _refuse_long(name: str) -> None:
    if name.count(".") > DEEPEST:
        raise _wrong("a name leads too deep")


def _set(record: dict[str, Any], name: str, value: object) -> None:
    head, _, path = name.partition(".")
    if not path:
        record[name] = value
        return
    inner = record.get(head)
    record[head] = dict(inner) if isinstance(inner, dict) else {}
    _set(record[head], path, value)


def _get(record: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - JSON is any value
    head, _, path = name.partition(".")
    found = record.get(head)
    return (_get(found, path) if isinstance(found, Mapping) else None) if path else found


def _unset(record: dict[str, Any], name: str, _: object) -> None:
    head, _, path = name.partition(".")
    if not path:
        record.pop(name, None)
    elif isinstance(record.get(head), dict):
        record[head] = dict(record[head])
        _unset(record[head], path, None)


def _rename(record: dict[str, Any], name: str, new: object) -> None:
    if not isinstance(new, str) or not new:
        raise _wrong("$rename takes a name")
    _refuse_long(new)
    if name in record:
        _set(record, new, record.pop(name))


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(f"{name} is no number")
    return value


def _inc(record: dict[str, Any], name: str, value: object) -> None:
    _set(record, name, _number(_get(record, name) or 0, name) + _number(value, name))


def _mul(record: dict[str, Any], name: str, value: object) -> None:
    _set(record, name, _number(_get(record, name) or 0, name) * _number(value, name))


def _edge(choose: Callable[[Any, Any], Any]) -> Change:
    def change(record: dict[str, Any], name: str, value: object) -> None:
        old = _get(record, name)
        try:
            _set(record, name, value if old is None else choose(old, value))
        except TypeError as error:
            raise _wrong(f"{name} cannot be compared with that value") from error

    return change


def _current_date(record: dict[str, Any], name: str, _: object) -> None:
    _set(record, name, datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def _list(record: Mapping[str, Any], name: str) -> list[Any]:
    found = _get(record, name)
    if found is not None and not isinstance(found, list):
        raise _wrong(f"{name} is no list")
    return list(found or [])


def _items(value: object) -> list[Any]:
    each = value.get("$each") if isinstance(value, Mapping) else None
    return each if isinstance(each, list) else [value]


def _push(record: dict[str, Any], name: str, value: object) -> None:
    _set(record, name, [*_list(record, name), *_items(value)])


def _add_to_set(record: dict[str, Any], name: str, value: object) -> None:
    found = _list(record, name)
    for item in _items(value):
        if not any(_same(item, other) for other in found):
            found.append(item)
    _set(record, name, found)


def _pull(record: dict[str, Any], name: str, value: object) -> None:
    gone = value["$in"] if isinstance(value, Mapping) and isinstance(value.get("$in"), list) else [value]
    _set(record, name, [item for item in _list(record, name) if not any(_same(item, other) for other in gone)])


def _same(one: object, other: object) -> bool:
    """Equality as JSON has it: true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _wrong(why: str) -> Refusal:
    return plain(400, f"Invalid update: {why}")


_OPERATORS: Mapping[str, Change] = {
    "$set": _set, "$unset": _unset, "$rename": _rename, "$inc": _inc, "$mul": _mul, "$min": _edge(min),
    "$max": _edge(max), "$currentDate": _current_date, "$push": _push, "$addToSet": _add_to_set, "$pull": _pull,
}  # fmt: skip
