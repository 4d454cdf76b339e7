"""Refusals because the schema cache does not hold what a request names, or holds it more than once (PGRST2xx)."""

from collections.abc import Iterable, Sequence

from freehold.runtime.rest import fuzzy
from freehold.runtime.rest.cache.model import (
    AnyRelationship,
    Name,
    Relationship,
    Routine,
    SchemaCache,
)
from freehold.runtime.rest.errors import ApiError

NAME_SCORE = 0.75
MAX_HINTED_TABLES = 500
BODY_TYPES = {"text/plain": "text", "text/xml": "xml", "application/octet-stream": "bytea"}


def table(cache: SchemaCache, name: Name) -> ApiError:
    """No such table or view."""
    known = [item.name for item in cache.tables if item.schema == name.schema]
    nearest = fuzzy.best(known, name.name, NAME_SCORE) if len(known) < MAX_HINTED_TABLES else None
    hint = None if nearest is None else f"Perhaps you meant the table '{name.schema}.{nearest}'"
    message = f"Could not find the table '{name.schema}.{name.name}' in the schema cache"
    return ApiError(404, "PGRST205", message, None, hint)


def column(table_name: str, name: str) -> ApiError:
    """No such column to write to."""
    return ApiError(400, "PGRST204", f"Could not find the '{name}' column of '{table_name}' in the schema cache")


def relationship(cache: SchemaCache, schema: str, parent: str, child: str, hint: str | None) -> ApiError:
    """No relationship between the two."""
    using = "" if hint is None else f"' using the hint '{hint}"
    return ApiError(
        400,
        "PGRST200",
        f"Could not find a relationship between '{parent}' and '{child}' in the schema cache",
        f"Searched for a foreign key relationship between '{parent}' and '{child}{using}' in the schema '{schema}', "
        "but no matches were found.",
        _relationship_hint(cache, schema, parent, child),
    )


def ambiguous_relationship(parent: str, child: str, found: Sequence[AnyRelationship]) -> ApiError:
    """Several relationships fit."""
    choices = ", ".join(f"'{item.foreign.name}!{_hint_of(item)}'" for item in found if isinstance(item, Relationship))
    return ApiError(
        300,
        "PGRST201",
        f"Could not embed because more than one relationship was found for '{parent}' and '{child}'",
        [_described(item) for item in found if isinstance(item, Relationship)],
        f"Try changing '{child}' to one of the following: {choices}. "
        "Find the desired relationship in the 'details' key.",
    )


def function(  # noqa: PLR0913 - what was looked for
    cache: SchemaCache, name: Name, arguments: Iterable[str], content_type: str, overloads: Sequence[Routine],
    *, is_post: bool,
) -> ApiError:  # fmt: skip
    """No function with these parameters."""
    full_name = f"{name.schema}.{name.name}"
    given = sorted(arguments)
    body_type = BODY_TYPES.get(content_type) if is_post else None
    listed = ", ".join(given)
    shown = " without parameters" if not given else f"({listed})"
    searched = " without parameters" if not given else f" with parameter{'s' if len(given) > 1 else ''} {listed}"
    if body_type is not None:
        shown, searched = "", f" with a single unnamed {body_type} parameter"
    elif is_post and content_type == "application/json":
        searched += " or with a single unnamed json/jsonb parameter"
    return ApiError(
        404,
        "PGRST202",
        f"Could not find the function {full_name}{shown} in the schema cache",
        f"Searched for the function {full_name}{searched}, but no matches were found in the schema cache.",
        None if body_type is not None else _function_hint(cache, name, given, overloads),
    )


def ambiguous_function(found: Sequence[Routine]) -> ApiError:
    """Several overloads fit."""
    signatures = ", ".join(
        f"{item.schema}.{item.name}({', '.join(f'{each.name} => {each.type}' for each in item.parameters)})"
        for item in found
    )
    return ApiError(
        300,
        "PGRST203",
        f"Could not choose the best candidate function between: {signatures}",
        None,
        "Try renaming the parameters or the function itself in the database so function overloading can be resolved",
    )


def _relationship_hint(cache: SchemaCache, schema: str, parent: str, child: str) -> str | None:
    known = cache.relationships.get((Name(schema, parent), schema))
    if known is None:
        parents = [origin.name for origin, foreign in cache.relationships if foreign == schema]
        nearest = fuzzy.best(dict.fromkeys(parents), parent)
        return None if nearest is None else f"Perhaps you meant '{nearest}' instead of '{parent}'."
    near = fuzzy.ranked(dict.fromkeys(item.foreign.name for item in known), child)
    names = [name for score, name in near if score < 1.0]
    return f"Perhaps you meant '{names[0]}' instead of '{child}'." if names else None


def _function_hint(cache: SchemaCache, name: Name, given: list[str], overloads: Sequence[Routine]) -> str | None:
    start = f"Perhaps you meant to call the function {name.schema}."
    if not overloads:
        nearest = fuzzy.best(
            [item.name for item in cache.routines if item.schema == name.schema], name.name, NAME_SCORE
        )
        return None if nearest is None else start + nearest
    signatures = [f"({', '.join(sorted(each.name for each in item.parameters))})" for item in overloads]
    nearest = fuzzy.best(signatures, f"({', '.join(given)})")
    return None if nearest is None else start + name.name + nearest


def _hint_of(item: Relationship) -> str:
    return item.constraint if item.junction is None else item.junction.table.name


def _described(item: Relationship) -> dict[str, str]:
    described = {"embedding": f"{item.table.name} with {item.foreign.name}", "cardinality": item.kind}
    if item.junction is None:
        own = ", ".join(name for name, _ in item.columns)
        other = ", ".join(name for _, name in item.columns)
        text = f"{item.constraint} using {item.table.name}({own}) and {item.foreign.name}({other})"
    else:
        source = ", ".join(name for _, name in item.junction.source_columns)
        target = ", ".join(name for _, name in item.junction.target_columns)
        text = (
            f"{item.junction.table.name} using {item.junction.constraint_1}({source}) "
            f"and {item.junction.constraint_2}({target})"
        )
    return described | {"relationship": text}
