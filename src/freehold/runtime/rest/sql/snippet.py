"""SQL under construction: text with parameters in it, numbered only at the end."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from freehold.runtime.rest.cache.model import Name
from freehold.runtime.rest.query.types import NO_SLOT, Value

BODY_SLOT = -2


class Parameter(NamedTuple):
    """A parameter whose value comes from a filter, an argument or the body."""

    values: tuple[Value, ...]
    convert: Callable[[Sequence[str]], str] | None = None
    """Makes the parameter's text of the values; None takes the only one as it is."""


BODY = Parameter((Value("", BODY_SLOT),))
BODY_AS_BYTES = Parameter((Value("bytea", BODY_SLOT),))
"""The body in bytea's hex format, because a text parameter ends at the first NUL."""

Snippet = tuple["str | Parameter", ...]


class Statement(NamedTuple):
    """SQL text with $1... and what each stands for."""

    sql: str
    parameters: tuple[Parameter, ...]


def text_parameter(text: str) -> Snippet:
    """A parameter that is always the same."""
    return (Parameter((Value(text, NO_SLOT),)),)


def join(separator: str, snippets: Iterable[Snippet]) -> Snippet:
    """Put text between snippets."""
    joined: list[str | Parameter] = []
    for place, snippet in enumerate(snippets):
        if place:
            joined.append(separator)
        joined.extend(snippet)
    return tuple(joined)


def render(snippet: Snippet) -> Statement:
    """Number the parameters in order of appearance."""
    text: list[str] = []
    parameters: list[Parameter] = []
    for part in snippet:
        if isinstance(part, str):
            text.append(part)
        else:
            parameters.append(part)
            text.append(f"${len(parameters)}")
    return Statement("".join(text), tuple(parameters))


def identifier(name: str) -> str:
    """Quote a name; a NUL ends it, as everywhere in PostgreSQL."""
    return '"' + name.split("\0", maxsplit=1)[0].replace('"', '""') + '"'


def qualified(name: Name) -> str:
    """Quote a name with its schema."""
    return f"{identifier(name.schema)}.{identifier(name.name)}" if name.schema else identifier(name.name)


def column(relation: Name, name: str) -> str:
    """Quote a column of a relation; `*` stands for all."""
    return qualified(relation) + "." + ("*" if name == "*" else identifier(name))


def literal(text: str) -> str:
    """Quote a string constant; for names that come from the catalogue only."""
    quoted = "'" + text.split("\0", maxsplit=1)[0].replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in quoted else quoted
