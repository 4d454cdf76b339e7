"""The grammar of order."""

from freehold.runtime.rest.query import parsec
from freehold.runtime.rest.query.names import Rule, delimiter, field, field_name, lexeme
from freehold.runtime.rest.query.parsec import Parser, attempt, between, char, choice, optional, string
from freehold.runtime.rest.query.types import OrderTerm


def _after_dot(word: str, value: str) -> Parser:
    return attempt(parsec.mapped(between(delimiter, string(word), parsec.pure(None)), lambda _: value))


_direction = optional(choice(_after_dot("asc", "ASC"), _after_dot("desc", "DESC")), "")
_nulls = choice(_after_dot("nullsfirst", "NULLS FIRST"), _after_dot("nullslast", "NULLS LAST"))
_term_end = choice(attempt(parsec.look_ahead(char(","))), attempt(parsec.end))


@parsec.sequence
def _ended_nulls() -> Rule:
    nulls = yield optional(_nulls, "")
    yield _term_end
    return nulls


_order_tail = choice(_ended_nulls, parsec.mapped(_term_end, lambda _: ""))


@parsec.sequence
def _order_relation() -> Rule:
    relation = yield field_name
    inner = yield between(char("("), field, char(")"))
    direction = yield _direction
    nulls = yield _order_tail
    return OrderTerm(inner, direction, nulls, relation)


@parsec.sequence
def _order_field() -> Rule:
    key = yield field
    direction = yield _direction
    nulls = yield _order_tail
    return OrderTerm(key, direction, nulls)


order = parsec.separated(lexeme(choice(attempt(_order_relation), _order_field)), char(","))
