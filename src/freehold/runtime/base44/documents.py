"""A record as JSON text, made by PostgreSQL: what it does not have is left out, and so is what its rules hide."""

import json
from collections.abc import Collection, Mapping

from freehold.platform.entities import names, rules
from freehold.platform.entities.names import identifier, literal
from freehold.platform.entities.schema import REST, Entity, Field

MOST_ARGUMENTS = 40
"""PostgreSQL's functions take a hundred."""


def document(entity: Entity, fields: Collection[str] | None = None, *, service: bool = False) -> str:
    """Give the SQL expression of a row's JSON text; with `fields`, those only."""
    hidden = {} if service else {field.name: _shown(entity, field.rules) for field in entity.fields if field.rules}
    parts = [_built_in(entity, name) for name in entity.built_in if fields is None or name in fields]
    if entity.people and (fields is None or "is_service" in fields):
        parts.append(literal('"is_service":false'))
    parts += [
        _guarded(_typed(entity, field, service=service), hidden.get(field.name))
        for field in entity.fields
        if field.kind and (fields is None or field.name in fields)
    ]
    rest = REST
    for field in () if service else entity.fields:
        rest = _without_hidden(entity, rest, field, field.name)
    parts += _rest(rest, hidden, fields)
    while len(parts) > 1:
        parts = [_joined(parts[at : at + MOST_ARGUMENTS]) for at in range(0, len(parts), MOST_ARGUMENTS)]
    return f"'{{' || coalesce({parts[0]}, '') || '}}'" if parts else "'{}'"


def _key(name: str) -> str:
    return json.dumps(name, ensure_ascii=False) + ":"


def _joined(parts: list[str]) -> str:
    return "nullif(concat_ws(',', " + ", ".join(parts) + "), '')"


def _built_in(entity: Entity, name: str) -> str:
    key = literal(_key(name))
    if entity.people:
        return f"{key} || coalesce(to_json({identifier(name)})::text, 'null')"
    return f"{key} || to_json({identifier(name)})::text"


def _typed(entity: Entity, field: Field, *, service: bool) -> str:
    own = identifier(field.name)
    if field.kind != "json":
        return f"{literal(_key(field.name))} || to_json({own})::text"
    shown = own if service else _without_hidden(entity, own, field)
    return f"{literal(_key(field.name))} || {shown}::text"


def _without_hidden(entity: Entity, value: str, field: Field, *above: str) -> str:
    """A value without what rules inside a field hide; `above` leads to the field in it.

    The value is written once, however many rules there are: twice for each would be a thousand times for ten.
    """
    for nested in field.nested:
        path = names.path_literal((*above, *nested.path))
        value = f"base44.without({value}, case when {_shown(entity, nested.rules)} then null else {path} end)"
    return value


def _rest(rest: str, hidden: dict[str, str], fields: Collection[str] | None) -> list[str]:
    if hidden:
        gone = ", ".join(f"case when {shown} then null else {literal(name)} end" for name, shown in hidden.items())
        rest = f"({rest} - array[{gone}]::text[])"
    if fields is None:
        return [f"nullif(left(right({rest}::text, -1), -1), '')"]
    return [f"{literal(_key(name))} || ({rest} -> {literal(name)})::text" for name in fields]


def _guarded(part: str, shown: str | None) -> str:
    return part if shown is None else f"case when {shown} then {part} end"


def _shown(entity: Entity, own: Mapping[str, object]) -> str:
    return rules.allows(entity, own.get("read"))


def sort_key(entity: Entity, name: str, *, service: bool) -> str:
    """What rows are sorted by: the column itself where it has one, else a value in parentheses as jsonb."""
    head, _, path = name.partition(".")
    column, field = names.column(entity, head), entity.field(head)
    if column and not path and (service or field is None or not field.guarded):
        return column
    return f"({visible_value(entity, name, service=service)})"


def visible_value(entity: Entity, name: str, *, service: bool) -> str:
    """A field as jsonb, null where its own rule hides it: for what is computed from it."""
    head, _, path = name.partition(".")
    field = entity.field(head)
    value = names.value(entity, head)
    if field is not None and not service:
        value = _without_hidden(entity, value, field)
    found = f"({value} #> {names.path_literal(path)})" if path else value
    if service or field is None or not field.rules:
        return found
    return f"case when {_shown(entity, field.rules)} then {found} end"
