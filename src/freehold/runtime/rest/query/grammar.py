"""The grammar of select, order, filters and logic (PostgREST v14, "URL grammar")."""

from collections.abc import Generator
from typing import Any

from freehold.runtime.rest.query import parsec
from freehold.runtime.rest.query.parsec import Parser, attempt, between, char, choice, many, optional, run_of, string
from freehold.runtime.rest.query.types import (
    Field,
    Filter,
    JsonStep,
    Logic,
    Operation,
    OrderTerm,
    SelectField,
    SelectRelation,
    Value,
)

Rule = Generator[Parser, Any, Any]

SIMPLE_OPERATORS = ("neq", "cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj")
QUANTIFIABLE_OPERATORS = ("eq", "gte", "gt", "lte", "lt", "like", "ilike", "match", "imatch")
SEARCH_OPERATORS = ("fts", "plfts", "phfts", "wfts")
IS_WORDS = ("null", "not_null", "true", "false", "unknown")
AGGREGATES = ("sum", "avg", "count", "max", "min")
MAX_NESTING = 40

_IDENTIFIER = r"[^\W_]|[_ $]"
_spaces = run_of("[ \t]")
_delimiter = parsec.label(char("."), "delimiter (.)")


def _lexeme(parser: Parser) -> Parser:
    return between(_spaces, parser, _spaces)


_identifier = parsec.mapped(run_of(_IDENTIFIER, at_least=1, expected=("letter", "digit")), str.strip)


@parsec.sequence
def _quoted() -> Rule:
    yield char('"')
    text = yield many(choice(one_plain, escaped))
    yield char('"')
    return "".join(text)


@parsec.sequence
def escaped() -> Rule:
    """Match a backslash and give the character after it."""
    yield char("\\")
    return (yield parsec.one_of("", but=True))


one_plain = parsec.one_of('\\"', but=True)


@parsec.sequence
def _dash() -> Rule:
    yield char("-")
    yield parsec.not_followed_by(char(">"))
    return "-"


def _joined_by_dash(part: Parser) -> Parser:
    return parsec.mapped(parsec.separated(part, attempt(_dash)), "-".join)


_EMPTY_OR_FIELD = "field name (* or [a..z0..9_$])"
field_name = parsec.label(choice(_quoted, _joined_by_dash(_identifier)), _EMPTY_OR_FIELD)

_json_key = parsec.label(
    choice(_quoted, _joined_by_dash(parsec.mapped(run_of(r"[^(\-:.,>)]", at_least=1), str.strip))),
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


field = _lexeme(_bare_field)


@parsec.sequence
def tree_path() -> Rule:
    """Match `rel.sub.column->key`: the embed path and the field."""
    names = yield parsec.separated(field_name, _delimiter)
    path = yield optional(json_path, [])
    return tuple(names[:-1]), Field(names[-1], tuple(path))


@parsec.sequence
def logic_path() -> Rule:
    """Match `rel.not.or`: the embed path and the operator with its negation."""
    names = yield parsec.separated(field_name, _delimiter)
    embed = tuple(name for name in names[:-1] if name != "not")
    return embed, ("not." if "not" in names else "") + names[-1]


columns = parsec.separated(field_name, _lexeme(char(",")))

# --- select ---


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
    return (yield _identifier)


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


_field_item = _lexeme(choice(attempt(_star), attempt(_row_count), _selected_field))


def _with_items(head: Parser) -> Parser:
    @parsec.sequence
    def rule() -> Rule:
        relation = yield attempt(_lexeme(head))
        items = yield between(char("("), select_items, char(")"))
        return SelectRelation(**relation, items=tuple(items))

    return rule


def select_items(text: str, start: int) -> parsec.Reply:
    """Match a comma-separated list of select items, perhaps empty."""
    return _select_items(text, start)


_select_item = choice(_with_items(_spread), _with_items(_relation), _field_item)
_select_items = optional(parsec.separated(_select_item, _lexeme(char(","))), [])

# --- order ---


def _after_dot(word: str, value: str) -> Parser:
    return attempt(parsec.mapped(between(_delimiter, string(word), parsec.pure(None)), lambda _: value))


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


order = parsec.separated(_lexeme(choice(attempt(_order_relation), _order_field)), char(","))

# --- filters ---

_unquoted_element = run_of("[^,)]")
_after_quoted = parsec.not_followed_by(parsec.one_of(",)", but=True))
_quoted_element = attempt(between(parsec.pure(None), _quoted, _after_quoted))
list_element = choice(_quoted_element, _unquoted_element)
value_list = between(_lexeme(char("(")), parsec.separated(list_element, char(",")), _lexeme(char(")")))
_any_text = run_of(".")


@parsec.sequence
def _array_literal() -> Rule:
    return "".join(((yield string("{")), (yield run_of("[^{}]")), (yield string("}"))))


_logic_text = choice(_quoted_element, attempt(_array_literal), _unquoted_element)


def _any_case(word: str) -> Parser:
    letters = [choice(char(letter), char(letter.upper())) for letter in word]

    @parsec.sequence
    def rule() -> Rule:
        for letter in letters:  # noqa: UP028 - `yield from` a list cannot be sent values
            yield letter
        return word

    return attempt(rule)


_is_word = parsec.label(
    choice(*(_any_case(word) for word in IS_WORDS)), "isVal: (null, not_null, true, false, unknown)"
)
_quantifier = between(char("("), choice(attempt(string("any")), string("all")), char(")"))
_language = optional(attempt(between(char("("), _identifier, char(")"))), "")
_negation = choice(attempt(parsec.mapped(between(string("not"), _delimiter, parsec.pure(None)), lambda _: True)),
                   parsec.pure(False))  # fmt: skip
_ONE_WORD = "unknown single value operator"


def _prefixed(word: str, value: Parser) -> Parser:
    """Match `word.` and then the value; once the word and its dot are there, nothing else is tried."""

    @parsec.sequence
    def rule() -> Rule:
        yield attempt(between(string(word), _delimiter, parsec.pure(None)))
        return word, "", "", (yield value)

    return rule


def _operation(value: Parser) -> Parser:
    @parsec.sequence
    def simple() -> Rule:
        word = yield parsec.label(choice(*(attempt(string(item)) for item in SIMPLE_OPERATORS)), _ONE_WORD)
        yield _delimiter
        return word, "", "", (yield value)

    @parsec.sequence
    def quantifiable() -> Rule:
        word = yield parsec.label(choice(*(attempt(string(item)) for item in QUANTIFIABLE_OPERATORS)), _ONE_WORD)
        quantifier = yield optional(attempt(_quantifier), "")
        yield _delimiter
        return word, quantifier, "", (yield value)

    @parsec.sequence
    def search() -> Rule:
        word = yield choice(*(attempt(string(item)) for item in SEARCH_OPERATORS))
        language = yield _language
        yield _delimiter
        return word, "", language, (yield value)

    operation = parsec.label(
        choice(
            _prefixed("in", value_list),
            _prefixed("is", _is_word),
            _prefixed("isdistinct", value),
            attempt(search),
            attempt(simple),
            attempt(quantifiable),
        ),
        "operator (eq, gt, ...)",
    )

    @parsec.sequence
    def rule() -> Rule:
        negated = yield _negation
        word, quantifier, language, operand = yield operation
        text = array_literal(operand) if word == "in" else operand
        return Operation(operator=word, value=Value(text), negated=negated, quantifier=quantifier, language=language)

    return rule


filter_value = _operation(_any_text)
_logic_value = _operation(_logic_text)


@parsec.sequence
def _logic_filter() -> Rule:
    column = yield field
    yield _delimiter
    return Filter(column, (yield _logic_value))


_not = parsec.label(_negation, "negation operator (not)")
_logic_word = parsec.label(choice(attempt(string("and")), string("or")), "logic operator (and, or)")


@parsec.sequence
def _logic_group() -> Rule:
    negated = yield _not
    word = yield _logic_word
    yield _lexeme(char("("))
    terms = yield parsec.separated(logic_tree, _lexeme(char(",")))
    yield _lexeme(char(")"))
    return Logic(negated, word, tuple(terms))


_logic_term = choice(attempt(_logic_filter), _logic_group)


def logic_tree(text: str, start: int) -> parsec.Reply:
    """Match `and(...)`, `or(...)` with their negation, or one filter `column.operator.value`."""
    return _logic_term(text, start)


def array_literal(elements: list[str]) -> str:
    """Write a PostgreSQL array literal; a single empty element stands for an empty list."""
    if elements == [""]:
        return "{}"
    escaped_ones = (item.split("\0")[0].replace("\\", "\\\\").replace('"', '\\"') for item in elements)
    return "{" + ",".join(f'"{item}"' for item in escaped_ones) + "}"
