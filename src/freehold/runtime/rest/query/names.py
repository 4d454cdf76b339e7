"""The names in a query string: columns, paths into JSON, embeds (PostgREST v14, "URL grammar")."""

from collections.abc import Generator
from typing import Any

from freehold.runtime.rest.query import parsec
from freehold.runtime.rest.query.parsec import Parser, attempt, between, char, choice, many, optional, run_of, string
from freehold.runtime.rest.query.types import Field, JsonStep

Rule = Generator[Parser, Any, Any]

_IDENTIFIER = r"[^\W_]|[_ $]"
_spaces = run_of("[ \t]")
delimiter = parsec.label(char("."), "delimiter (.)")


def lexeme(parser: Parser) -> Parser:
    """Match with spaces around."""
    return between(_spaces, parser, _spaces)


identifier = parsec.mapped(run_of(_IDENTIFIER, at_least=1, expected=("letter", "digit")), str.strip)


@parsec.sequence
def quoted() -> Rule:
    """Match a text in double quotes and give what it stands for."""
    yield char('"')
    text = yield many(choice(_one_plain, _escaped))
    yield char('"')
    return "".join(text)


@parsec.sequence
def _escaped() -> Rule:
    yield char("\\")
    return (yield parsec.one_of("", but=True))


_one_plain = parsec.one_of('\\"', but=True)


@parsec.sequence
def _dash() -> Rule:
    yield char("-")
    yield parsec.not_followed_by(char(">"))
    return "-"


def _joined_by_dash(part: Parser) -> Parser:
    return parsec.mapped(parsec.separated(part, attempt(_dash)), "-".join)


_EMPTY_OR_FIELD = "field name (* or [a..z0..9_$])"
field_name = parsec.label(choice(quoted, _joined_by_dash(identifier)), _EMPTY_OR_FIELD)

_json_key = parsec.label(
    choice(quoted, _joined_by_dash(parsec.mapped(run_of(r"[^(\-:.,>)]", at_least=1), str.strip))),
    "any non reserved character different from: .,>()",
)
_index_end = choice(*(attempt(parsec.look_ahead(string(text))) for text in ("->", "::", ".", ",")), attempt(parsec.end))


@parsec.sequence
def _json_index() -> Rule:
    sign = yield optional(char("-"), "+")
    digits = yield run_of("[0-9]", at_least=1, expected=("digit",))
    yield _index_end
    return (True, sign + digits)


@parsec.sequence
def _json_step() -> Rule:
    arrow = yield choice(attempt(string("->>")), attempt(string("->")))
    is_index, key = yield choice(attempt(_json_index), attempt(parsec.mapped(_json_key, lambda key: (False, key))))
    return JsonStep(arrow == "->>", is_index, key)


json_path = many(_json_step)


@parsec.sequence
def _bare_field() -> Rule:
    name = yield field_name
    path = yield optional(json_path, [])
    return Field(name, tuple(path))


field = lexeme(_bare_field)


@parsec.sequence
def tree_path() -> Rule:
    """Match `rel.sub.column->key`: the embed path and the field."""
    names = yield parsec.separated(field_name, delimiter)
    path = yield optional(json_path, [])
    return tuple(names[:-1]), Field(names[-1], tuple(path))


@parsec.sequence
def logic_path() -> Rule:
    """Match `rel.not.or`: the embed path and the operator with its negation."""
    names = yield parsec.separated(field_name, delimiter)
    embed = tuple(name for name in names[:-1] if name != "not")
    return embed, ("not." if "not" in names else "") + names[-1]


columns = parsec.separated(field_name, lexeme(char(",")))
