"""The filter language, compiled to one SQL condition with parameters; the meaning is MongoDB's.

A field whose column says what it holds is compared as such, so that indexes serve; other values go through the
functions of schema base44. A condition never is null: negations are exact complements, as in MongoDB.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from freehold.platform.entities import names
from freehold.platform.entities.schema import Entity
from freehold.runtime.base44 import documents
from freehold.runtime.base44.http import Refusal, plain
from freehold.runtime.base44.params import Params

DEEPEST = 20
MOST_CONDITIONS = 1000
_SYMBOLS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_BRACKET_OR_ESCAPE = re.compile(r"\\(.)|(\[\^?\]?)|(\])", re.DOTALL)
_OPTIONS = {"i": "i", "m": "n", "s": "s", "x": "x", "u": ""}


def condition(entity: Entity, query: object, params: Params, *, service: bool) -> str:
    """Give the WHERE condition of a query; what is no query raises Refusal with 400.

    A field that its own rule hides is missing for whoever asks, unless it is a function.
    """

    def of_row(key: str) -> Place:
        field = entity.field(key)
        if field is not None and field.guarded and not service:
            return Place("json", "", f"({documents.visible_value(entity, key, service=False)})")
        return Place(names.kind_of(entity, key), names.column(entity, key) or "", names.value(entity, key))

    return condition_over(of_row, query, params)


def condition_over(look: "Callable[[str], Place]", query: object, params: Params) -> str:
    """Give the condition of a query over anything whose fields `look` can place."""
    return _Filter(look, params).all_of(query, 0)


class Place(NamedTuple):
    """Where the values of a field are: what its column holds, the column, and the value as jsonb."""

    kind: str
    column: str
    value: str


class _Filter:
    def __init__(self, look: Callable[[str], Place], params: Params, level: int = 0) -> None:
        self._look = look
        self._params = params
        self._level = level
        self._count = 0

    def all_of(self, query: object, depth: int) -> str:
        if not isinstance(query, Mapping):
            raise wrong("a query is an object")
        if depth > DEEPEST:
            raise wrong("the query is nested too deeply")
        parts = [self._entry(str(key), value, depth) for key, value in query.items()]
        return "(" + " and ".join(parts) + ")" if parts else "true"

    def _entry(self, key: str, value: object, depth: int) -> str:
        self._count += 1
        if self._count > MOST_CONDITIONS:
            raise wrong("the query has too many conditions")
        if key in ("$and", "$or", "$nor"):
            if not isinstance(value, list) or not value:
                raise wrong(f"{key} takes a list of queries")
            joined = (" and " if key == "$and" else " or ").join(self.all_of(part, depth + 1) for part in value)
            return f"(not ({joined}))" if key == "$nor" else f"({joined})"
        if key.startswith("$"):
            raise wrong(f"{key} is not known")
        return self._field(key, value, depth)

    def _field(self, key: str, value: object, depth: int) -> str:
        field = _Field(self._look, key, self._params)
        if not isinstance(value, Mapping) or not any(str(name).startswith("$") for name in value):
            return field.contains_any(value) if isinstance(value, list) else field.equals(value)
        return self._operators(field, value, depth)

    def _operators(self, field: "_Field", operators: Mapping[str, Any], depth: int) -> str:
        parts = []
        for name, wanted in operators.items():
            if name == "$options":
                if "$regex" not in operators:
                    raise wrong("$options belongs to $regex")
            elif name == "$not":
                if not isinstance(wanted, Mapping) or depth > DEEPEST:
                    raise wrong("$not takes operators")
                parts.append(f"(not {self._operators(field, wanted, depth + 1)})")
            elif name == "$elemMatch":
                parts.append(self._element(field, wanted, depth))
            elif name == "$regex":
                parts.append(field.matches(_pattern(wanted, operators.get("$options", ""))))
            else:
                parts.append(_operator(field, name, wanted))
        if not parts:
            raise wrong("an operator is missing")
        return "(" + " and ".join(parts) + ")"

    def _element(self, field: "_Field", wanted: object, depth: int) -> str:
        """Ask a query, or operators, of the elements of an array."""
        if not isinstance(wanted, Mapping) or depth > DEEPEST:
            raise wrong("$elemMatch takes a query or operators")
        element = f"e{self._level}"

        def of_element(key: str) -> Place:
            return Place("json", "", f"({element}.v -> {names.literal(key)})" if key else f"{element}.v")

        inner = _Filter(of_element, self._params, self._level + 1)
        plain_operators = all(str(name).startswith("$") and name not in ("$and", "$or", "$nor") for name in wanted)
        condition = (
            inner._operators(_Field(of_element, "", self._params), wanted, depth + 1)
            if plain_operators and wanted
            else inner.all_of(wanted, depth + 1)
        )
        return field.some_element(element, condition)


def _operator(field: "_Field", name: str, wanted: object) -> str:  # noqa: PLR0911 - one line an operator
    if name == "$eq":
        return field.equals(wanted)
    if name == "$ne":
        return f"(not {field.equals(wanted)})"
    if name in _SYMBOLS:
        return field.compares(name, wanted)
    if name == "$exists":
        return field.exists() if wanted else f"(not {field.exists()})"
    if name == "$size":
        if isinstance(wanted, bool) or not isinstance(wanted, int):
            raise wrong("$size takes a whole number")
        return field.has_size(wanted)
    if name not in ("$in", "$nin", "$all"):
        raise wrong(f"{name} is not known")
    if not isinstance(wanted, list):
        raise wrong(f"{name} takes a list")
    if name == "$all":
        return field.contains_all(wanted)
    return field.contains_any(wanted) if name == "$in" else f"(not {field.contains_any(wanted)})"


class _Field:
    """One side of a comparison."""

    def __init__(self, look: Callable[[str], Place], key: str, params: Params) -> None:
        self._params = params
        head, _, path = key.partition(".")
        kind, self._column, self._value = look(head)
        self._kind = "json" if path else kind
        self._path = path

    def equals(self, wanted: object) -> str:
        if self._kind == "json":
            place = self._params.json(wanted)
            return self._some(lambda value: f"base44.equals({value}, {place})")
        if wanted is None:
            return f"({self._column} is null)"
        place = self._typed(wanted)
        return f"coalesce({self._column} = {place}, false)" if place else "false"

    def compares(self, name: str, wanted: object) -> str:
        if wanted is None:
            return self.equals(None) if name in ("$gte", "$lte") else "false"
        if self._kind == "json":
            operand = self._params.json(wanted)
            return self._some(lambda value: f"base44.compares({value}, '{name[1:]}', {operand})")
        place = self._typed(wanted)
        return f"coalesce({self._column} {_SYMBOLS[name]} {place}, false)" if place else "false"

    def contains_any(self, wanted: list[object]) -> str:
        if self._kind == "json":
            every = self._params.json(wanted)
            return self._some(
                lambda value: f"exists (select from jsonb_array_elements({every}) as x where base44.equals({value}, x))"
            )
        fitting = [item for item in wanted if item is not None and _fits(self._kind, item)]
        parts = [f"{self._column} is null"] if None in wanted else []
        if fitting:
            kind = {"text": "text", "number": "numeric", "boolean": "boolean"}[self._kind]
            every = f"array(select x::{kind} from jsonb_array_elements_text({self._params.json(fitting)}) as x)"
            parts.append(f"coalesce({self._column} = any({every}), false)")
        return "(" + " or ".join(parts) + ")" if parts else "false"

    def contains_all(self, wanted: list[object]) -> str:
        return "(" + " and ".join(self.equals(item) for item in wanted) + ")" if wanted else "false"

    def matches(self, pattern: str) -> str:
        if self._kind == "json":
            text = self._params.text(pattern)
            return self._some(lambda value: f"coalesce(base44.matches({value}, {text}), false)")
        return f"coalesce({self._column} ~ {self._params.text(pattern)}, false)" if self._kind == "text" else "false"

    def exists(self) -> str:
        return self._some(lambda value: f"({value} is not null)")

    def has_size(self, size: int) -> str:
        if self._kind != "json":
            return "false"
        place = self._params.number(size)
        return self._some(lambda value: f"coalesce(base44.has_size({value}, {place}::integer), false)")

    def some_element(self, element: str, condition: str) -> str:
        def some(value: str) -> str:
            items = f"case when jsonb_typeof({value}) = 'array' then {value} else '[]' end"
            return f"exists (select from jsonb_array_elements({items}) as {element}(v) where {condition})"

        return self._some(some)

    def _some(self, predicate: Callable[[str], str]) -> str:
        """Ask it of the value, or of every value that the path leads to.

        A predicate is made with its value and never filled in later: names that a caller chose stand in it.
        """
        if not self._path:
            return predicate(self._value)
        path = "array(select jsonb_array_elements_text(" + self._params.json(self._path.split(".")) + "))"
        return f"exists (select from unnest(base44.reach({self._value}, {path})) as leaf where {predicate('leaf')})"

    def _typed(self, wanted: object) -> str:
        """The parameter for a value that the column can hold, "" for another."""
        if not _fits(self._kind, wanted):
            return ""
        if isinstance(wanted, bool):
            return self._params.boolean(value=wanted)
        return self._params.text(wanted) if isinstance(wanted, str) else self._params.number(wanted)  # type: ignore[arg-type]


def _fits(kind: str, value: object) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, int | float):
        return kind == "number" and math.isfinite(value)
    return kind == "text" and isinstance(value, str)


def _pattern(pattern: object, options: object) -> str:
    """Turn a pattern into PostgreSQL's form: word boundaries have other names, and a dot matches no line's end."""
    if not isinstance(pattern, str) or not isinstance(options, str) or set(options) - set(_OPTIONS):
        raise wrong("$regex takes a pattern, and $options of i, m, s and x")
    kinds = "".join(_OPTIONS[option] for option in options)
    if "s" not in options and "m" not in options:
        kinds += "p"
    inside = False

    def turned(match: re.Match[str]) -> str:
        nonlocal inside
        if match[2] and not inside:
            inside = True
        elif match[3]:
            inside = False
        elif match[1] and not inside:
            return {"b": r"\y", "B": r"\Y", "z": r"\Z"}.get(match[1], match[0])
        return match[0]

    return f"(?{kinds})" + _BRACKET_OR_ESCAPE.sub(turned, pattern)


def wrong(why: str) -> Refusal:
    """What is answered to a query that is none."""
    return plain(400, f"Invalid query parameter 'q': {why}")
