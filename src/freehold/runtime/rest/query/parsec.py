"""A small parser kernel whose errors read like PostgREST's, down to the column and the list of what was expected.

A parser is a function from (text, position) to a Reply. Errors at the furthest position are merged; a parser that
failed after consuming input is not backtracked over unless wrapped in `attempt`.
"""

import re
from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple

from freehold.runtime.rest.query.trouble import EXPECTED, UNEXPECTED, Trouble, describe, found, merge, place, quote


class Reply(NamedTuple):
    """The outcome of one parser; `trouble` is kept after a success too, for the message of a later failure."""

    ok: bool
    consumed: bool
    value: Any
    position: int
    trouble: Trouble


Parser = Callable[[str, int], Reply]


class SyntaxRefused(Exception):
    """The text does not fit; `message` names the place, `details` what was found and expected."""

    def __init__(self, message: str, details: str) -> None:
        """Keep the two texts of a PGRST100 error."""
        super().__init__(message)
        self.message = message
        self.details = details


def parse(parser: Parser, name: str, text: str) -> Any:  # noqa: ANN401 - each parser has its own kind of value
    """Run a parser from the start of `text`; what follows the last match is left alone."""
    reply = parser(text, 0)
    if reply.ok:
        return reply.value
    line, column = place(text, reply.trouble.position)
    raise SyntaxRefused(f'"{name}" (line {line}, column {column})', describe(reply.trouble.notes))


def sequence(rule: Callable[[], Generator[Parser, Any, Any]]) -> Parser:
    """Make a parser of a generator that yields parsers, is sent their values and returns its own."""

    def run(text: str, start: int) -> Reply:
        steps = rule()
        position, consumed = start, False
        trouble = Trouble(start, ())
        sent: Any = None
        while True:
            try:
                step = steps.send(sent)
            except StopIteration as end:
                return Reply(True, consumed, end.value, position, trouble)
            reply = step(text, position)
            trouble = reply.trouble if reply.consumed else merge(trouble, reply.trouble)
            consumed = consumed or reply.consumed
            if not reply.ok:
                return Reply(False, consumed, None, position, trouble)
            position, sent = reply.position, reply.value

    return run


def run_of(pattern: str, *, at_least: int = 0, expected: Sequence[str] = ()) -> Parser:
    """Match as many characters of a regular expression's class as there are."""
    compiled = re.compile(f"(?:{pattern}){{{at_least},}}", re.DOTALL)
    hopes = tuple((EXPECTED, hope) for hope in expected)

    def run(text: str, start: int) -> Reply:
        match = compiled.match(text, start)
        end = match.end() if match else start
        trouble = Trouble(end, (*found(text, end), *hopes))
        return Reply(match is not None, end > start, text[start:end], end, trouble)

    return run


def string(wanted: str) -> Parser:
    """Match exactly this text; a match that breaks off after the first character counts as consumed."""

    def run(text: str, start: int) -> Reply:
        if text.startswith(wanted, start):
            end = start + len(wanted)
            return Reply(True, True, wanted, end, Trouble(end, ()))
        same = 0
        while start + same < len(text) and text[start + same] == wanted[same]:
            same += 1
        notes = (*found(text, start + same), (EXPECTED, quote(wanted)))
        return Reply(False, same > 0, None, start, Trouble(start, notes))

    return run


def one_of(characters: str, *, but: bool = False) -> Parser:
    """Match one character that is in `characters`, or with `but` one that is not."""

    def run(text: str, start: int) -> Reply:
        if start < len(text) and (text[start] in characters) is not but:
            return Reply(True, True, text[start], start + 1, Trouble(start + 1, ()))
        return Reply(False, False, None, start, Trouble(start, found(text, start)))

    return run


def char(wanted: str) -> Parser:
    """Match one character and name it when it is missing."""
    return label(one_of(wanted), quote(wanted))


def choice(*parsers: Parser) -> Parser:
    """Take the first that succeeds or fails after consuming."""

    def run(text: str, start: int) -> Reply:
        trouble = Trouble(start, ())
        for parser in parsers:
            reply = parser(text, start)
            if reply.consumed:
                return reply
            trouble = merge(trouble, reply.trouble)
            if reply.ok:
                return reply._replace(trouble=trouble)
        return Reply(False, False, None, start, trouble)

    return run


def attempt(parser: Parser) -> Parser:
    """Give up without having consumed anything."""

    def run(text: str, start: int) -> Reply:
        reply = parser(text, start)
        return reply if reply.ok else reply._replace(consumed=False)

    return run


def optional(parser: Parser, otherwise: object = None) -> Parser:
    """Use `otherwise` where the parser fails without consuming."""
    return choice(parser, pure(otherwise))


def pure(value: object) -> Parser:
    """Succeed with a value."""

    def run(_text: str, start: int) -> Reply:
        return Reply(True, False, value, start, Trouble(start, ()))

    return run


def fail() -> Parser:
    """Fail without a word."""

    def run(_text: str, start: int) -> Reply:
        return Reply(False, False, None, start, Trouble(start, ()))

    return run


def label(parser: Parser, name: str) -> Parser:
    """Name what the parser wants, for errors at its start."""

    def run(text: str, start: int) -> Reply:
        reply = parser(text, start)
        if reply.consumed or (reply.ok and not reply.trouble.notes):
            return reply
        rest = tuple(note for note in reply.trouble.notes if note[0] != EXPECTED)
        return reply._replace(trouble=Trouble(reply.trouble.position, ((EXPECTED, name), *rest)))

    return run


def many(parser: Parser) -> Parser:
    """Match as often as possible, into a list."""

    def run(text: str, start: int) -> Reply:
        values: list[Any] = []
        position = start
        while True:
            reply = parser(text, position)
            if not reply.ok and reply.consumed:
                return reply
            if not reply.ok or not reply.consumed:
                return Reply(True, bool(values), values, position, reply.trouble)
            values.append(reply.value)
            position = reply.position

    return run


def separated(parser: Parser, separator: Parser) -> Parser:
    """Match one or more, into a list."""

    def following() -> Generator[Parser, Any, Any]:
        yield separator
        return (yield parser)

    def rule() -> Generator[Parser, Any, Any]:
        first = yield parser
        rest = yield many(sequence(following))
        return [first, *rest]

    return sequence(rule)


def between(opening: Parser, parser: Parser, closing: Parser) -> Parser:
    """Match the inner parser's value between two others."""

    def rule() -> Generator[Parser, Any, Any]:
        yield opening
        value = yield parser
        yield closing
        return value

    return sequence(rule)


def mapped(parser: Parser, change: Callable[[Any], Any]) -> Parser:
    """Change the value of a match."""

    def run(text: str, start: int) -> Reply:
        reply = parser(text, start)
        return reply._replace(value=change(reply.value)) if reply.ok else reply

    return run


def look_ahead(parser: Parser) -> Parser:
    """Succeed where the parser would, without moving."""

    def run(text: str, start: int) -> Reply:
        reply = parser(text, start)
        return Reply(True, False, reply.value, start, Trouble(start, ())) if reply.ok else reply

    return run


def not_followed_by(parser: Parser) -> Parser:
    """Succeed where the parser would not, without moving."""

    def run(text: str, start: int) -> Reply:
        reply = parser(text, start)
        if not reply.ok:
            return Reply(True, False, None, start, reply.trouble)
        notes = ((UNEXPECTED, f"'{reply.value}'"),)
        return Reply(False, False, None, start, Trouble(reply.position, notes))

    return run


def end(text: str, start: int) -> Reply:
    """Match the end of the input."""
    if start >= len(text):
        return Reply(True, False, None, start, Trouble(start, ((EXPECTED, "end of input"), *found(text, start))))
    notes = ((EXPECTED, "end of input"), (UNEXPECTED, f"'{text[start]}'"))
    return Reply(False, False, None, start, Trouble(start, notes))
