"""The grammar of select: fields, casts, aggregates, embeds and spreads."""

from freehold.runtime.rest.query import parsec
from freehold.runtime.rest.query.names import Rule, field, field_name, identifier, lexeme
from freehold.runtime.rest.query.parsec import Parser, attempt, between, char, choice, optional, string
from freehold.runtime.rest.query.types import Field, SelectField, SelectRelation


@parsec.sequence
def _alias_of() -> Rule:
    name = yield field_name
    yield char(":")
    yield parsec.not_followed_by(char(":"))
    return name


_alias = optional(attempt(_alias_of))


@parsec.sequence
def _embed_parameter() -> Rule:
    yield char("!")
    return (
        yield choice(
            attempt(parsec.mapped(string("left"), lambda _: ("join", False))),
            attempt(parsec.mapped(string("inner"), lambda _: ("join", True))),
            attempt(parsec.mapped(field_name, lambda name: ("hint", name))),
        )
    )


@parsec.sequence
def _embed_parameters() -> Rule:
    found = ((yield optional(_embed_parameter)), (yield optional(_embed_parameter)))
    hints = [item[1] for item in found if item and item[0] == "hint"]
    joins = [item[1] for item in found if item and item[0] == "join"]
    return (hints[0] if hints else None), (joins[0] if joins else False)


_opens = attempt(parsec.look_ahead(string("(")))


@parsec.sequence
def _relation() -> Rule:
    alias = yield _alias
    name = yield field_name
    if name == "count":
        yield parsec.fail()
    hint, inner = yield _embed_parameters
    yield _opens
    return {"name": name, "alias": alias, "hint": hint, "inner": inner}


@parsec.sequence
def _spread() -> Rule:
    yield string("...")
    name = yield field_name
    hint, inner = yield _embed_parameters
    yield _opens
    return {"name": name, "hint": hint, "inner": inner, "spread": True}


_item_end = choice(
    attempt(parsec.look_ahead(string(")"))), attempt(parsec.look_ahead(string(","))), attempt(parsec.end)
)


@parsec.sequence
def _cast_of() -> Rule:
    yield string("::")
    return (yield identifier)


_cast = optional(_cast_of, "")


@parsec.sequence
def _star() -> Rule:
    yield string("*")
    yield _item_end
    return SelectField(field=Field("*"))


@parsec.sequence
def _row_count() -> Rule:
    alias = yield _alias
    yield string("count()")
    cast = yield _cast
    yield _item_end
    return SelectField(field=Field("*"), aggregate="count", aggregate_cast=cast, alias=alias)


@parsec.sequence
def _aggregate_of() -> Rule:
    yield char(".")
    name = yield choice(string("sum"), string("avg"), string("count"), attempt(string("max")), attempt(string("min")))
    yield string("()")
    return name


@parsec.sequence
def _selected_field() -> Rule:
    alias = yield _alias
    selected = yield field
    cast = yield _cast
    aggregate = yield optional(attempt(_aggregate_of), "")
    aggregate_cast = yield _cast
    yield _item_end
    return SelectField(field=selected, aggregate=aggregate, aggregate_cast=aggregate_cast, cast=cast, alias=alias)


_field_item = lexeme(choice(attempt(_star), attempt(_row_count), _selected_field))


def _with_items(head: Parser) -> Parser:
    @parsec.sequence
    def rule() -> Rule:
        relation = yield attempt(lexeme(head))
        items = yield between(char("("), select_items, char(")"))
        return SelectRelation(**relation, items=tuple(items))

    return rule


def select_items(text: str, start: int) -> parsec.Reply:
    """Match a comma-separated list of select items, perhaps empty."""
    return _select_items(text, start)


_select_item = choice(_with_items(_spread), _with_items(_relation), _field_item)
_select_items = optional(parsec.separated(_select_item, lexeme(char(","))), [])
