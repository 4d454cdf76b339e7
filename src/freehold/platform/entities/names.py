"""SQL texts of names and values: composed by quoting, never by trust."""

import json
from collections.abc import Sequence

from freehold.platform.entities.schema import REST, Entity

SCHEMA = "entities"


def identifier(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text; backslashes are plain, as standard_conforming_strings is on."""
    return "'" + text.replace("'", "''") + "'"


def json_literal(value: object) -> str:
    """Quote a JSON value."""
    return literal(json.dumps(value, ensure_ascii=False)) + "::jsonb"


def path_literal(path: str | Sequence[str]) -> str:
    """Quote a path, dotted or in its parts, as an array of texts."""
    parts = path.split(".") if isinstance(path, str) else path
    return "array[" + ", ".join(literal(part) for part in parts) + "]::text[]"


def table(entity: Entity) -> str:
    """The table of an entity."""
    return "base44.person" if entity.people else f"{SCHEMA}.{identifier(entity.name)}"


def column(entity: Entity, name: str) -> str | None:
    """The column that holds a field alone, None when it is in the rest."""
    if name in entity.built_in:
        return identifier(name)
    field = entity.field(name)
    return identifier(name) if field is not None and field.kind else None


def kind_of(entity: Entity, name: str) -> str:
    """What a field's column holds: text, number, boolean or json."""
    if name in entity.built_in:
        return entity.built_in[name]
    field = entity.field(name)
    return (field.kind if field else "") or "json"


def value(entity: Entity, name: str) -> str:
    """A field of a row as jsonb; SQL null when the record has no such field."""
    found = column(entity, name)
    rest = f"{REST} -> {literal(name)}"
    if found is None:
        return f"({rest})"
    if name in entity.built_in:
        return f"to_jsonb({found})"
    as_json = found if kind_of(entity, name) == "json" else f"to_jsonb({found})"
    return f"coalesce({as_json}, {rest})"
