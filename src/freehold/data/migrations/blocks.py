"""DO blocks: the same decisions for the statements inside them, which keep their conditions and handlers."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import postgast

from freehold.data.migrations.decisions import Database, Decision, decide
from freehold.data.migrations.statements import Statement, statements

_TAG = "$freehold_block$"
Gate = Callable[[Decision], str]
"""Takes a decision for another role, gives the expression that runs it."""


def rewritten(statement: Statement, database: Database, gate: Gate) -> tuple[str, tuple[str, ...]]:
    """Give the block's text with what must not run as the owner role exchanged, and a note on each exchange.

    Static statements become NULL or a call of the gate; so does EXECUTE of a plain literal. Statements put together
    while the block runs stay as they are: PostgreSQL judges them by the owner's rights.
    """
    text, notes = statement.text, []
    for kind, source in _embedded(_body(statement)):
        decision = _decision(kind, source, database)
        if decision is None or (decision.outcome == "applied" and decision.role == database.owner):
            continue
        call = gate(decision) if decision.outcome == "applied" else decision.text.removeprefix("select ") or "null"
        exchanged = f"perform {call}" if kind == "static" else "'select " + call.replace("'", "''") + "'"
        text = _exchange(text, source, exchanged)
        notes.append(decision.note)
    return text, tuple(notes)


def embedded(statement: Statement) -> Iterator[str | None]:
    """Give the SQL of every statement inside a block, as far as it stands there; None for what is put together."""
    for kind, source in _embedded(_body(statement)):
        yield source if kind == "static" else _literal(source)


def _exchange(text: str, source: str, by: str) -> str:
    """Exchange every occurrence and keep the number of lines, so that errors still name the right one."""
    return text.replace(source, by + "\n" * source.count("\n"))


def _decision(kind: str, source: str, database: Database) -> Decision | None:
    sql = source if kind == "static" else _literal(source)
    parts = statements(sql) if sql is not None else ()
    return decide(parts[0], database) if len(parts) == 1 and parts[0].kind else None


def _literal(expression: str) -> str | None:
    """Read an expression that is nothing but a string constant."""
    try:
        tree = postgast.parse(f"select {expression}")
    except postgast.PgQueryError:
        return None
    value = tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val
    return (
        str(value.a_const.sval.sval)
        if value.WhichOneof("node") == "a_const" and value.a_const.HasField("sval")
        else None
    )


def _body(statement: Statement) -> str:
    """Give the block's source, or nothing when it is not PL/pgSQL or not quoted with dollars."""
    if not re.search(r"\$(\w*)\$", statement.text):
        return ""
    options = {item.def_elem.defname: item.def_elem.arg.string.sval for item in statement.node.args}
    return str(options.get("as", "")) if options.get("language", "plpgsql") == "plpgsql" else ""


def _embedded(body: str) -> Iterator[tuple[str, str]]:
    """Find the source of each static statement and of each EXECUTE's expression."""
    if not body or _TAG in body:
        return
    try:
        tree = postgast.parse_plpgsql(f"create function f() returns void language plpgsql as {_TAG}{body}{_TAG}")
    except postgast.PgQueryError:
        return
    yield from _walk(tree)


def _walk(node: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON of any shape
    if isinstance(node, list):
        for item in node:
            yield from _walk(item)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == "PLpgSQL_stmt_execsql":
                yield "static", value["sqlstmt"]["PLpgSQL_expr"]["query"]
            elif name == "PLpgSQL_stmt_dynexecute":
                yield "dynamic", value["query"]["PLpgSQL_expr"]["query"]
            else:
                yield from _walk(value)
