"""Run again what a replay could not, after stand-in tables were made: the app's own statements about them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from freehold.core.event import Event
from freehold.core.inventory import MigrationFile
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.data.migrations import ledger
from freehold.data.migrations.statements import Statement
from freehold.data.schema import bodies, circles, fingerprint, record, relations, stand_ins
from freehold.data.schema.causes import Failure, failure
from freehold.data.schema.circles import SetAside
from freehold.data.schema.session import Session
from freehold.data.schema.trial import Trial
from freehold.kit import postgres

_RECORDED = "select path, number, sha256, outcome, sqlstate, message from freehold.migration_statements"
_HIDDEN = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
_OF_RELATION = re.compile(r'column "([^"]+)" of relation "([^"]+)" does not exist')
_OF_ALIAS = re.compile(r"column ([^\s.\"]+)\.(\S+) does not exist")
_OF_TARGET = re.compile(r'column "([^"]+)" does not exist')


@dataclass(frozen=True, kw_only=True)
class Again:
    """`ran` counts the statements that apply now; `creates` are tables and views that failed statements would make.

    `columns` are those that failed statements miss in stand-ins, and the app's functions in any table, by table.
    """

    ran: int
    creates: frozenset[str]
    columns: Mapping[str, frozenset[str]]
    set_aside: tuple[SetAside, ...] = ()


def run_again(files: Sequence[MigrationFile], *, owner_dsn: Secret, admin_dsn: Secret, report: Report) -> Again:
    """Run the statements that a replay recorded as failed, until nothing changes, and record those that apply now.

    `files` are those of `union`. Nothing older comes back over something newer. Doing it again does nothing twice.
    """
    with postgres.connect(admin_dsn) as admin:
        admin.execute("set search_path = pg_catalog, pg_temp")
        ledger.lock(admin)
        recorded = _recorded(admin)
        with Session(owner_dsn) as session, Session(owner_dsn) as second:
            trial = Trial(admin, session, second, ledger.describe(admin))
            entries = trial.resume(files, recorded)
        ran = sum(entry.outcome != "failed" for entry in entries)
        aside = circles.set_aside(admin) if ran else ()
        if entries:
            record.change(admin, entries, fingerprint.take(admin))
        left = trial.failed()
        columns = _lacking(admin, _columns(left))
    outcome = Again(ran=ran, creates=_creates(left), columns=columns, set_aside=aside)
    if ran:
        report(Event(name="note", text=f"{ran} statements of the app's history apply now"))
    return outcome


def _recorded(admin: postgres.Connection) -> dict[tuple[str, int, str], Failure | None]:
    return {
        (path, number, sha256): failure(sqlstate, message or "") if outcome == "failed" else None
        for path, number, sha256, outcome, sqlstate, message in admin.execute(_RECORDED).fetchall()
    }


_Failed = Sequence[tuple[Statement, Failure]]


def _creates(failed: _Failed) -> frozenset[str]:
    names = {
        "create": lambda node: node.relation,
        "view": lambda node: node.view,
        "create_table_as": lambda node: node.into.rel,
    }
    return frozenset(
        str(names[statement.kind](statement.node).relname) for statement, _ in failed if statement.kind in names
    )


def _columns(failed: _Failed) -> dict[str, frozenset[str]]:
    """Read from PostgreSQL's own words which column a table would need."""
    found: dict[str, set[str]] = {}
    for statement, said in failed:
        table, column = _missed(statement, said.message)
        if table and column:
            found.setdefault(table, set()).add(column)
    return {table: frozenset(columns) for table, columns in found.items()}


def _lacking(admin: postgres.Connection, missed: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Take what stand-ins lack of it, with what bodies of functions use of any table."""
    there = relations.read(admin, "public").tables
    ours = stand_ins.tables(admin)
    used = bodies.columns(admin, there)
    wanted = {
        table: used.get(table, frozenset()) | (missed.get(table, frozenset()) if table in ours else frozenset())
        for table in there
    }
    lacking = {table: names - {*there[table]} - _HIDDEN for table, names in wanted.items()}
    return {table: names for table, names in lacking.items() if names}


def _missed(statement: Statement, message: str) -> tuple[str, str]:
    if match := _OF_RELATION.search(message):
        return match[2], match[1]
    if match := _OF_ALIAS.search(message):
        return _named(statement.text, match[1]), match[2]
    if match := _OF_TARGET.search(message):
        return _target(statement), match[1]
    return "", ""


def _named(text: str, alias: str) -> str:
    """Find the table that an alias stands for."""
    pattern = rf"\b(?:from|join|update|into)\s+(?:only\s+)?(?:public\.)?\"?(\w+)\"?\s+(?:as\s+)?{re.escape(alias)}\b"
    match = re.search(pattern, text, re.IGNORECASE)
    return match[1] if match else alias


def _target(statement: Statement) -> str:
    node = statement.node
    match statement.kind:
        case "create_policy" | "alter_policy":
            return str(node.table.relname)
        case "index" | "create_trig" | "insert" | "update" | "alter_table":
            return str(node.relation.relname)
        case _:
            return ""
