"""The grammar of filters and of logic trees."""

from freehold.runtime.rest.query import parsec
from freehold.runtime.rest.query.names import Rule, delimiter, field, identifier, lexeme, quoted
from freehold.runtime.rest.query.parsec import Parser, attempt, between, char, choice, optional, run_of, string
from freehold.runtime.rest.query.types import Filter, Logic, Operation, Value

SIMPLE_OPERATORS = ("neq", "cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj")
QUANTIFIABLE_OPERATORS = ("eq", "gte", "gt", "lte", "lt", "like", "ilike", "match", "imatch")
SEARCH_OPERATORS = ("fts", "plfts", "phfts", "wfts")
IS_WORDS = ("null", "not_null", "true", "false", "unknown")

_unquoted_element = run_of("[^,)]")
_after_quoted = parsec.not_followed_by(parsec.one_of(",)", but=True))
_quoted_element = attempt(between(parsec.pure(None), quoted, _after_quoted))
list_element = choice(_quoted_element, _unquoted_element)
value_list = between(lexeme(char("(")), parsec.separated(list_element, char(",")), lexeme(char(")")))
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
_language = optional(attempt(between(char("("), identifier, char(")"))), "")
_negation = choice(attempt(parsec.mapped(between(string("not"), delimiter, parsec.pure(None)), lambda _: True)),
                   parsec.pure(False))  # fmt: skip
_ONE_WORD = "unknown single value operator"


def _prefixed(word: str, value: Parser) -> Parser:
    """Match `word.` and then the value; once the word and its dot are there, nothing else is tried."""

    @parsec.sequence
    def rule() -> Rule:
        yield attempt(between(string(word), delimiter, parsec.pure(None)))
        return word, "", "", (yield value)

    return rule


def _operation(value: Parser) -> Parser:
    @parsec.sequence
    def simple() -> Rule:
        word = yield parsec.label(choice(*(attempt(string(item)) for item in SIMPLE_OPERATORS)), _ONE_WORD)
        yield delimiter
        return word, "", "", (yield value)

    @parsec.sequence
    def quantifiable() -> Rule:
        word = yield parsec.label(choice(*(attempt(string(item)) for item in QUANTIFIABLE_OPERATORS)), _ONE_WORD)
        quantifier = yield optional(attempt(_quantifier), "")
        yield delimiter
        return word, quantifier, "", (yield value)

    @parsec.sequence
    def search() -> Rule:
        word = yield choice(*(attempt(string(item)) for item in SEARCH_OPERATORS))
        language = yield _language
        yield delimiter
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
    yield delimiter
    return Filter(column, (yield _logic_value))


_not = parsec.label(_negation, "negation operator (not)")
_logic_word = parsec.label(choice(attempt(string("and")), string("or")), "logic operator (and, or)")


@parsec.sequence
def _logic_group() -> Rule:
    negated = yield _not
    word = yield _logic_word
    yield lexeme(char("("))
    terms = yield parsec.separated(logic_tree, lexeme(char(",")))
    yield lexeme(char(")"))
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
