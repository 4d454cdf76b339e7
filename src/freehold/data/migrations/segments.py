"""A migration file as transactions: one, unless the file itself asks for more."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import postgast

from freehold.core.inventory import MigrationFile
from freehold.data.migrations import blocks
from freehold.data.migrations.decisions import Database, Decision, decide
from freehold.data.migrations.statements import Statement, statements

GATES = {
    "supabase_storage_admin": "as_storage_admin",
    "supabase_realtime_admin": "as_realtime_admin",
    "supabase_auth_admin": "as_auth_admin",
}


@dataclass(frozen=True)
class Approved:
    """A statement that the administrator prepares for one of the platform's roles."""

    token: str
    role: str
    text: str


@dataclass(frozen=True)
class Planned:
    """One statement and what is sent for it; `sent` is empty when nothing is."""

    number: int
    statement: Statement
    outcome: str
    role: str
    sent: str
    note: str = ""


@dataclass(frozen=True)
class Segment:
    """What commits together. `alone` is a statement that PostgreSQL refuses inside a transaction."""

    planned: tuple[Planned, ...]
    alone: bool
    token: str


@dataclass(frozen=True)
class FilePlan:
    """Everything that a file does, decided before any of it is done."""

    file: MigrationFile
    segments: tuple[Segment, ...]
    approved: tuple[Approved, ...]


@dataclass
class _Desk:
    """Collects what the administrator has to prepare."""

    approved: list[Approved] = field(default_factory=list)

    def gate(self, decision: Decision) -> str:
        token = _token()
        self.approved.append(Approved(token, decision.role, decision.text))
        return f"freehold_gate.{GATES[decision.role]}('{token}')"


def plan_file(file: MigrationFile, database: Database) -> FilePlan:
    """Decide about every statement of a file and put them into transactions."""
    return plan_statements(file, statements(file.sql), database)


def plan_statements(file: MigrationFile, parts: Sequence[Statement], database: Database) -> FilePlan:
    """Do the same for a file that was split before."""
    desk = _Desk()
    planned = [_plan(number, item, database, desk) for number, item in enumerate(parts, start=1)]
    return FilePlan(file, _segments(planned), tuple(desk.approved))


def _segments(planned: list[Planned]) -> tuple[Segment, ...]:
    groups: list[tuple[list[Planned], bool]] = [([], False)]
    for index, item in enumerate(planned):
        if _is_rollback(item.statement):
            group = groups[-1][0]
            begin = next((n for n in reversed(range(len(group))) if _is_begin(group[n].statement)), len(group))
            group[begin:] = [_taken_back(other) for other in (*group[begin:], item)]
        elif _stands_alone(item.statement):
            groups += [([item], True), ([], False)]
        else:
            groups[-1][0].append(item)
            if _ends_transaction(item.statement, planned[index + 1 :]):
                groups.append(([], False))
    return tuple(Segment(tuple(group), alone, _token()) for group, alone in groups if group)


def _taken_back(item: Planned) -> Planned:
    return replace(item, outcome="replaced", sent="", note="the file rolls it back itself")


def _token() -> str:
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def _plan(number: int, statement: Statement, database: Database, desk: _Desk) -> Planned:
    if statement.kind == "transaction" and _is_boundary(statement):
        return Planned(number, statement, "replaced", database.owner, "", "the ledger commits with the file")
    if statement.kind == "do":
        text, notes = blocks.rewritten(statement, database, desk.gate)
        return Planned(number, statement, "applied", database.owner, text, "; ".join(notes))
    decision = decide(statement, database)
    sent = decision.text
    if decision.outcome == "applied" and decision.role != database.owner:
        sent = f"select {desk.gate(decision)}"
    return Planned(number, statement, decision.outcome, decision.role, sent, decision.note)


def _is_boundary(statement: Statement) -> bool:
    return statement.node.kind in _BEGINS | _COMMITS


def _is_begin(statement: Statement) -> bool:
    return statement.kind == "transaction" and statement.node.kind in _BEGINS


def _is_rollback(statement: Statement) -> bool:
    return statement.kind == "transaction" and statement.node.kind in _ROLLBACKS


def _ends_transaction(statement: Statement, following: list[Planned]) -> bool:
    """Whether what follows needs this committed: the file's own COMMIT, or an enum's new value that is used later."""
    if statement.kind == "transaction":
        return statement.node.kind in _COMMITS
    if statement.kind != "alter_enum" or statement.node.old_val:
        return False
    value = "'" + statement.node.new_val.replace("'", "''") + "'"
    return any(value in item.statement.text for item in following if item.statement.kind != "alter_enum")


def _stands_alone(statement: Statement) -> bool:
    node = statement.node
    match statement.kind:
        case "index" | "drop":
            return bool(node.concurrent)
        case "reindex":
            return any(option.def_elem.defname == "concurrently" for option in node.params)
        case "vacuum":
            return bool(node.is_vacuumcmd)
        case "alter_system" | "createdb" | "dropdb" | "create_table_space":
            return True
        case "transaction":
            return node.kind not in _BEGINS | _COMMITS | _INSIDE
        case _:
            return False


_KINDS = postgast.pg_query_pb2.TransactionStmtKind
_BEGINS = {_KINDS.Value("TRANS_STMT_BEGIN"), _KINDS.Value("TRANS_STMT_START")}
_COMMITS = {_KINDS.Value("TRANS_STMT_COMMIT")}
_ROLLBACKS = {_KINDS.Value("TRANS_STMT_ROLLBACK")}
_INSIDE = {
    _KINDS.Value("TRANS_STMT_SAVEPOINT"),
    _KINDS.Value("TRANS_STMT_RELEASE"),
    _KINDS.Value("TRANS_STMT_ROLLBACK_TO"),
}
