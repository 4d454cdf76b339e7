"""The call of a function, with arguments from the URL or from the body."""

from collections.abc import Mapping, Sequence
from functools import partial

import orjson

from freehold.runtime.rest.cache.model import Name
from freehold.runtime.rest.cache.model import Parameter as Input
from freehold.runtime.rest.plan.types import CallPlan, PlannedField
from freehold.runtime.rest.query.types import Value
from freehold.runtime.rest.sql.snippet import (
    BODY,
    BODY_AS_BYTES,
    Parameter,
    Snippet,
    column,
    identifier,
    join,
    qualified,
)
from freehold.runtime.rest.sql.write import body_rows

RESULT = Name("", "pgrst_call")


def call(plan: CallPlan, *, is_object: bool) -> Snippet:
    """Select what the function returns."""
    routine = plan.routine
    is_scalar = routine.returns_scalar or routine.returns_set_of_scalar
    shown = "pgrst_call.pgrst_scalar" if is_scalar else _columns(plan)
    return (f"SELECT {shown} FROM ", *_source(plan, is_object=is_object))


def _columns(plan: CallPlan) -> str:
    if not plan.returning:
        return "*"
    if plan.returning == {"*"}:
        return column(RESULT, "*")
    return ", ".join(column(RESULT, name) for name in sorted(plan.returning | plan.filter_names))


def _source(plan: CallPlan, *, is_object: bool) -> Snippet:
    if plan.is_positional:
        return _invoked(plan, _whole_body(plan))
    if not plan.parameters:
        return _invoked(plan, ())
    if plan.arguments is not None:
        values = _values(plan)
        return _invoked(plan, join(", ", (_given(item, values) for item in plan.parameters)))
    typed = [PlannedField(item.name, type=item.unbounded_type) for item in plan.parameters]
    rows = body_rows(typed, is_object=is_object, only_first=True)
    passed = ", ".join(f"{_start(item)}{column(Name('', 'pgrst_body'), item.name)}" for item in plan.parameters)
    return (*rows, ", LATERAL ", *_invoked(plan, (passed,)))


def _invoked(plan: CallPlan, arguments: Snippet) -> Snippet:
    routine = plan.routine
    function = qualified(Name(routine.schema, routine.name))
    if routine.returns_scalar or routine.returns_set_of_scalar:
        return (f"(SELECT {function}(", *arguments, ") pgrst_scalar) pgrst_call")
    return (f"{function}(", *arguments, ") pgrst_call")


def _whole_body(plan: CallPlan) -> Snippet:
    kind = plan.parameters[0].type
    if plan.arguments is None:
        return (BODY_AS_BYTES if kind == "bytea" else BODY, f"::{kind}")
    names = tuple(name for name, _ in plan.arguments)
    return (Parameter(tuple(value for _, value in plan.arguments), partial(_as_object, names)), f"::{kind}")


def _given(item: Input, values: Mapping[str, list[Value]]) -> Snippet:
    found = values.get(item.name)
    if not found:
        return (_start(item), "NULL")
    if item.variadic:
        return (_start(item), Parameter(tuple(found), _as_array), f"::{item.unbounded_type}")
    return (_start(item), Parameter((found[-1],)), f"::{item.unbounded_type}")


def _start(item: Input) -> str:
    return f"{'VARIADIC ' if item.variadic else ''}{identifier(item.name)} := "


def _values(plan: CallPlan) -> dict[str, list[Value]]:
    values: dict[str, list[Value]] = {}
    for name, value in plan.arguments or ():
        values.setdefault(name, []).append(value)
    return values


def _as_array(values: Sequence[str]) -> str:
    escaped = (item.replace("\\", "\\\\").replace('"', '\\"') for item in values)
    return "{" + ",".join(f'"{item}"' for item in escaped) + "}"


def _as_object(names: Sequence[str], values: Sequence[str]) -> str:
    return orjson.dumps(dict(zip(names, values, strict=True))).decode()
