"""A SQL file as statements, each with its own text and line."""

import hashlib
from dataclasses import dataclass, field, replace
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
    text = sql.removeprefix("\ufeff")
    try:
        pieces = postgast.split(text, method="scanner")
    except postgast.PgQueryError:
        return whole
    found, start = [], 0
    for piece in pieces:
        start = max(text.find(piece, start), start)
        before = text.count("\n", 0, start)
        found += [replace(item, line=item.line + before) for item in statements(piece)]
        start += len(piece)
    return tuple(found)


def _statement(raw: bytes, item: Any) -> Statement:  # noqa: ANN401 - postgast's protobuf classes carry no types
    """Cut one statement out: the parser counts in bytes of UTF-8, and from the end of the statement before."""
    end = item.stmt_location + item.stmt_len if item.stmt_len else len(raw)
    cut = raw[item.stmt_location : end]
    leading = len(cut) - len(cut.lstrip())
    line = raw.count(b"\n", 0, item.stmt_location + leading) + 1
    kind = item.stmt.WhichOneof("node")
    return Statement(cut.strip().decode(), line, kind.removesuffix("_stmt"), getattr(item.stmt, kind))
