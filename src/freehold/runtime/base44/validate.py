"""What a record may hold by its schema, in the builder's own words; unknown fields are dropped without a word."""

from collections.abc import Mapping
from typing import Any

from freehold.platform.entities.schema import Entity
from freehold.runtime.base44.http import Refusal

_ARTICLES = {"string", "number", "boolean", "integer", "array", "object"}
_DEEPEST = 60


def prepared(entity: Entity, body: object, *, partial: bool) -> dict[str, Any]:
    """Give the fields of a record that its entity knows, checked; a new record gets its defaults.

    Null is accepted for fields that are not required. An inferred entity takes every field.
    """
    if not isinstance(body, Mapping):
        raise Refusal(422, _error("body", "Input should be a valid object"))
    if entity.inferred:
        return {key: value for key, value in body.items() if key not in entity.built_in}
    known = {field.name: field for field in entity.fields}
    given = {key: value for key, value in body.items() if key in known}
    if not partial:
        defaults = {name: field.definition["default"] for name, field in known.items() if "default" in field.definition}
        given = {key: value for key, value in defaults.items() if value is not None} | given
        for name in entity.required:
            if given.get(name) is None:
                raise Refusal(422, _error(name, "Field required"))
    required = entity.required
    for name, value in given.items():
        if value is None and name not in required:
            continue
        problem = _problem(value, known[name].definition, name, 0)
        if problem:
            raise Refusal(422, _error(*problem))
    return given


def _problem(value: object, definition: Mapping[str, Any], path: str, depth: int) -> tuple[str, str] | None:
    kind = definition.get("type", "string" if depth else None)
    if isinstance(kind, list):
        fits = any(_problem(value, {**definition, "type": item}, path, depth) is None for item in kind)
        return None if fits else (path, f"Input should be a valid {' or '.join(map(str, kind))}")
    if kind is None or depth > _DEEPEST:
        return None
    if not _is(value, kind):
        return path, "Input should be null" if kind == "null" else f"Input should be a valid {kind}"
    if isinstance(value, list):
        items = definition.get("items")
        found = (
            _problem(item, items, f"{path}[{index}]", depth + 1) if isinstance(items, Mapping) else None
            for index, item in enumerate(value)
        )
        return next((problem for problem in found if problem), None)
    if isinstance(value, Mapping) and isinstance(definition.get("properties"), Mapping):
        known = definition["properties"]
        parts = (
            _problem(item, known[key], f"{path}.{key}", depth + 1)
            for key, item in value.items()
            if isinstance(known.get(key), Mapping)
        )
        return next((problem for problem in parts if problem), None)
    return None


def _is(value: object, kind: object) -> bool:  # noqa: PLR0911 - one line a type
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "integer":
        whole = isinstance(value, float) and value.is_integer()
        return (isinstance(value, int) and not isinstance(value, bool)) or whole
    if kind == "array":
        return isinstance(value, list)
    if kind == "object":
        return isinstance(value, Mapping)
    return value is None if kind == "null" else True


def _error(path: str, what: str) -> dict[str, object]:
    message = f"Error in field {path}: {what}"
    return {"error_type": "ValidationError", "message": message, "request_id": None, "traceback": ""}
