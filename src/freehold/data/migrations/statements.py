"""A SQL file as statements, each with its own text and line."""

import hashlib
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import postgast


@dataclass(frozen=True)
class Statement:
    """One statement as written, without its semicolon. `line` counts from 1.

    `kind` is PostgreSQL's name of the parse node without `_stmt`, such as create_policy; it is empty for text that the
    parser does not understand. `node` is that parse node.
    """

    text: str
    line: int
    kind: str
    node: Any = field(default=None, compare=False, repr=False)

    @property
    def sha256(self) -> str:
        """The statement's identity in the ledger."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def statements(sql: str) -> tuple[Statement, ...]:
    """Split a file. What the parser refuses comes back whole, as one statement of kind "", for PostgreSQL to judge."""
    text = sql.removeprefix("\ufeff")
    try:
        tree = postgast.parse(text)
    except postgast.PgQueryError:
        start = len(text) - len(text.lstrip())
        return (Statement(text.strip(), text.count("\n", 0, start) + 1, ""),) if text.strip() else ()
    raw = text.encode()
    return tuple(_statement(raw, item) for item in tree.stmts)


def salvaged(sql: str) -> tuple[Statement, ...]:
    """Split a file that is not valid as a whole: each piece that the parser understands becomes a statement.

    The others come back as they stand, with kind "". A file that is valid comes back as from `statements`.
    """
    whole = statements(sql)
    if [item.kind for item in whole] != [""]:
        return whole
    raw = sql.removeprefix("\ufeff").encode()
    try:
        cuts = _cuts(raw)
    except postgast.PgQueryError:
        return whole
    found = []
    for start, end in pairwise([0, *cuts, len(raw)]):
        before = raw.count(b"\n", 0, start)
        piece = raw[start:end].decode().removesuffix(";")
        found += [replace(item, line=item.line + before) for item in statements(piece)]
    return tuple(found)


def _cuts(raw: bytes) -> list[int]:
    """Find where statements end: behind each semicolon that no parenthesis and no BEGIN ATOMIC holds.

    A parenthesis that nobody opened holds nothing; one that nobody closes would hold the rest of the file, which is
    therefore cut at every semicolon. The splitter of libpg_query drops the rest in both cases, without a word.
    """
    cuts, held = [], []
    depth = nested = 0
    word = ""
    for token in postgast.scan(raw.decode()).tokens:
        before, word = word, raw[token.start : token.end].decode().lower()
        if word == "(":
            depth += 1
        elif word == ")":
            depth = max(depth - 1, 0)
        elif (word == "atomic" and before == "begin") or (word == "case" and nested):
            nested += 1
        elif word == "end" and nested:
            nested -= 1
        elif word == ";" and not nested:
            held.append(token.end)
            if not depth:
                cuts.append(token.end)
                held.clear()
    return cuts + (held if depth else [])


def _statement(raw: bytes, item: Any) -> Statement:  # noqa: ANN401 - postgast's protobuf classes carry no types
    """Cut one statement out: the parser counts in bytes of UTF-8, and from the end of the statement before."""
    end = item.stmt_location + item.stmt_len if item.stmt_len else len(raw)
    cut = raw[item.stmt_location : end]
    leading = len(cut) - len(cut.lstrip())
    line = raw.count(b"\n", 0, item.stmt_location + leading) + 1
    kind = item.stmt.WhichOneof("node")
    return Statement(cut.strip().decode(), line, kind.removesuffix("_stmt"), getattr(item.stmt, kind))
