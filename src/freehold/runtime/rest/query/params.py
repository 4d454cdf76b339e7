"""A query string as a whole: which parameter is a filter, an order, a limit or an argument.

Values of ordinary filters are not part of a request's shape: `lift` takes them out, so that one plan serves every
request that differs only in them.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from freehold.runtime.rest import errors
from freehold.runtime.rest.query import filters as filter_grammar
from freehold.runtime.rest.query import names, ordering, parsec, selection
from freehold.runtime.rest.query.types import EmbedPath, Field, Filter, Logic, Operation, OrderTerm, QueryParams, Value

RESERVED = frozenset({"select", "columns", "on_conflict"})
RESERVED_ENDINGS = frozenset({"order", "limit", "offset", "and", "or"})
MAX_DEPTH = 30
REMEMBERED_CHARACTERS = 1000

_OPERATOR = re.compile(
    r"(not\.)?(?:(eq|gte|gt|lte|lt|like|ilike|match|imatch)(?:\((any|all)\))?"
    r"|(neq|cs|cd|ov|sl|sr|nxr|nxl|adj|isdistinct)|(in))\."
)
_PLAIN_LIST = re.compile(r'[ \t]*\([ \t]*([^"()\\\0]*)\)[ \t]*')
_LOOKS_LIKE_OPERATOR = re.compile(r"not\.|in\.|is\.|[a-z]+[.(]")


class Parameter(NamedTuple):
    """One decoded `name=value`; `slot` numbers the values that are not part of the shape."""

    name: str
    value: str | None
    slot: int = -1


class Lifted(NamedTuple):
    """A raw query string as shape and values."""

    shape: str
    parameters: tuple[Parameter, ...]
    values: tuple[str, ...]
    """Operands in slot order: without their operator, an `in` list as written."""
    canonical: str
    """The parameters sorted by name, as Content-Location shows them."""


def lift(raw: str, *, arguments: bool) -> Lifted:
    """Split a raw query string into its shape and the operands of its filters (and a function's arguments)."""
    # Long ones are rare and would fill the memory that short ones share.
    return _lift_again(raw, arguments) if len(raw) <= REMEMBERED_CHARACTERS else _lift(raw, arguments=arguments)


@lru_cache(maxsize=2000)
def _lift_again(raw: str, arguments: bool) -> Lifted:
    return _lift(raw, arguments=arguments)


def _lift(raw: str, *, arguments: bool) -> Lifted:
    shape: list[str] = []
    parameters: list[Parameter] = []
    values: list[str] = []
    for part in raw.replace(";", "&").split("&") if raw else ():
        raw_name, has_value, raw_value = part.partition("=")
        name = _decode(raw_name)
        value = _decode(raw_value) if has_value else None
        operator = _liftable(name, value, arguments=arguments)
        if value is None or operator is None:
            shape.append(part)
            parameters.append(Parameter(name, value))
        else:
            shape.append(f"{name}={operator}?")
            parameters.append(Parameter(name, value, len(values)))
            values.append(value[len(operator) :])
    return Lifted("&".join(shape), tuple(parameters), tuple(values), _canonical(parameters))


def parse(parameters: Sequence[Parameter], *, arguments: bool) -> QueryParams:
    """Parse decoded parameters; raises ApiError PGRST100. With `arguments`, values without operator are arguments."""
    given = [item for item in parameters if item.value is not None]
    order = tuple(_order(item) for item in given if _ending(item.name) == "order")
    logic = tuple(_logic(item) for item in given if _ending(item.name) in ("and", "or"))
    columns = _columns("columns", _first(parameters, "columns"))
    select = _guarded("select parameter", _first(parameters, "select", "*") or "*", "select")
    filters = [item for item in given if item.name not in RESERVED and _ending(item.name) not in RESERVED_ENDINGS]
    parsed = [_filter(item, arguments=arguments) for item in filters]
    on_conflict = _columns("on_conflict", _first(parameters, "on_conflict"))
    return QueryParams(
        select=select,
        order=order,
        logic=logic,
        columns=None if columns is None else frozenset(columns),
        on_conflict=on_conflict,
        filters=tuple((path, item) for path, item in parsed if isinstance(item, Filter)),
        arguments=tuple(item for _, item in parsed if not isinstance(item, Filter)),
        filter_names=frozenset(item.name for item in filters),
        limits={item.name: item.value or "" for item in reversed(given) if _ending(item.name) == "limit"},
        offsets={
            _limit_name(item.name): item.value or "" for item in reversed(given) if _ending(item.name) == "offset"
        },
    )


def list_text(text: str) -> str:
    """Turn the operand of `in` into an array literal; raises ApiError PGRST100."""
    plain = _PLAIN_LIST.fullmatch(text)
    if plain is not None:
        # What holds no quotes needs no grammar, and lists of ids are long.
        return filter_grammar.array_literal(plain[1].split(","))
    operand: Operation = _run(filter_grammar.filter_value, f"filter (in.{text})", "in." + text)
    return operand.value.text


def embed_path_of_limit(name: str) -> EmbedPath:
    """Give the embed path of a limit parameter such as `rel.sub.limit`."""
    path: EmbedPath = _tree_path(name)[0]
    return path


def _canonical(parameters: Sequence[Parameter]) -> str:
    """Write the parameters sorted by name, as in Content-Location; values of one name are joined by a comma."""
    merged: dict[str, list[str]] = {}
    for parameter in parameters:
        merged.setdefault(parameter.name, []).append(parameter.value or "")
    return "&".join(_encode(name) + "=" + ",".join(_encode(value) for value in merged[name]) for name in sorted(merged))


def _decode(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError as error:
        raise errors.bad_query("The query string is not valid UTF-8", str(error)) from error


def _encode(text: str) -> str:
    return _encode_again(text) if len(text) <= REMEMBERED_CHARACTERS else _percent(text)


@lru_cache(maxsize=2000)
def _encode_again(text: str) -> str:
    return _percent(text)


def _percent(text: str) -> str:
    # PostgREST encodes each byte of the UTF-8 text as if it were a character, so non-ASCII ends up encoded twice.
    return quote(text.encode().decode("latin-1"), safe="-_.~")


def _liftable(name: str, value: str | None, *, arguments: bool) -> str | None:
    """Give the operator part of a value whose operand can be a parameter, None if it belongs to the shape."""
    if value is None or name in RESERVED or name.rpartition(".")[2] in RESERVED_ENDINGS:
        return None
    match = _OPERATOR.match(value)
    if match is not None:
        return match.group() if match.group(5) is None or "\0" not in value else None
    if arguments and _LOOKS_LIKE_OPERATOR.match(value) is None:
        return ""
    return None


def _ending(name: str) -> str:
    return name.rpartition(".")[2]


def _limit_name(name: str) -> str:
    path, dot, _ = name.rpartition(".")
    return path + dot + "limit"


def _first(parameters: Sequence[Parameter], name: str, otherwise: str | None = None) -> str | None:
    return next((item.value for item in parameters if item.name == name), otherwise)


def _columns(name: str, text: str | None) -> tuple[str, ...] | None:
    return None if text is None else _guarded(f"{name} parameter", text, "columns")


def _order(item: Parameter) -> tuple[EmbedPath, tuple[OrderTerm, ...]]:
    return _tree_path(item.name)[0], _guarded("order", item.value or "", "order")


def _logic(item: Parameter) -> tuple[EmbedPath, Logic | Filter]:
    path, word = _guarded("logic path", item.name, "logic_path")
    text = item.value or ""
    _check_depth(text)
    return path, _run(filter_grammar.logic_tree, f"logic tree ({text})", word + text)


def _filter(item: Parameter, *, arguments: bool) -> tuple[EmbedPath, Filter | tuple[str, Value]]:
    path, column = _tree_path(item.name)
    text = item.value or ""
    operation = _fast_operation(text, item.slot) if item.slot >= 0 else None
    if operation is None and arguments and (item.slot >= 0 or not _parses_as_operation(text)):
        return path, (column.name, Value(text, item.slot))
    return path, Filter(column, operation or _run(filter_grammar.filter_value, f"filter ({text})", text))


def _parses_as_operation(text: str) -> bool:
    """Say whether a GET argument is a filter: only what fails before its first character counts as a plain value."""
    reply = filter_grammar.filter_value(text, 0)
    return reply.ok or reply.consumed


def _fast_operation(text: str, slot: int) -> Operation | None:
    match = _OPERATOR.match(text)
    if match is None:
        return None
    negated, quantifiable, quantifier, plain, in_list = match.groups()
    operand = text[match.end() :]
    if in_list:
        list_text(operand)
    return Operation(
        operator=quantifiable or plain or in_list,
        value=Value(operand, slot),
        negated=negated is not None,
        quantifier=quantifier or "",
    )


def _tree_path(name: str) -> tuple[EmbedPath, Field]:
    path: tuple[EmbedPath, Field] = _guarded("tree path", name, "tree_path")
    return path


def _guarded(what: str, text: str, rule: str) -> Any:  # noqa: ANN401 - each rule has its own kind of value
    return _guarded_again(what, text, rule) if len(text) <= REMEMBERED_CHARACTERS else _parsed(what, text, rule)


@lru_cache(maxsize=2000)
def _guarded_again(what: str, text: str, rule: str) -> Any:  # noqa: ANN401 - as above
    return _parsed(what, text, rule)


def _parsed(what: str, text: str, rule: str) -> Any:  # noqa: ANN401 - as above
    _check_depth(text)
    value = _run(_RULES[rule], f"{what} ({text})", text)
    return tuple(value) if isinstance(value, list) else value


_RULES: dict[str, parsec.Parser] = {
    "select": selection.select_items,
    "columns": names.columns,
    "order": ordering.order,
    "logic_path": names.logic_path,
    "tree_path": names.tree_path,
}


def _run(parser: parsec.Parser, what: str, text: str) -> Any:  # noqa: ANN401 - as above
    try:
        return parsec.parse(parser, f"failed to parse {what}", text)
    except parsec.SyntaxRefused as error:
        raise errors.bad_query(error.message, error.details) from error


def _check_depth(text: str) -> None:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth > MAX_DEPTH:
            raise errors.bad_query(
                "The query string is nested too deeply", f"At most {MAX_DEPTH} levels of parentheses are read."
            )
