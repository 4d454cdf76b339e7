"""Make the tables, columns and enums that only types.ts knows: closed to everybody, marked, and in the ledger."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from psycopg import sql

from freehold.core.event import Event
from freehold.core.inventory import MigrationFile, Unknown
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.data.migrations import ledger
from freehold.data.schema import fingerprint, guesses, inserted, links, queried, record, relations, stand_ins, types_ts
from freehold.data.schema.compare import POSTGIS
from freehold.data.schema.fingerprint import Fingerprint
from freehold.data.schema.guesses import Guess
from freehold.data.schema.record import Entry
from freehold.data.schema.relations import Relations
from freehold.data.schema.session import Session
from freehold.data.schema.types_ts import Schema, Table, Types
from freehold.kit import postgres


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """What was made. `notes` say on what evidence each type was chosen; `entries` are the ledger's."""

    tables: tuple[str, ...]
    columns: tuple[str, ...]
    enums: tuple[str, ...]
    notes: tuple[str, ...]
    entries: tuple[Entry, ...]
    fingerprint: Fingerprint
    unknowns: tuple[Unknown, ...]


@dataclass
class _Work:
    """Statements in order, and what they are for."""

    mark: str
    statements: list[tuple[str, sql.Composed]] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    enums: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    linked: frozenset[links.Link] = frozenset()
    """Foreign keys that the schema has already."""

    def add(self, kind: str, statement: sql.Composed) -> None:
        """Queue a statement."""
        self.statements.append((kind, statement))


@dataclass(frozen=True, kw_only=True)
class _Evidence:
    """Where the picture of the schema comes from: what its parts are marked with, and its place in the ledger."""

    mark: str
    path: str
    sha256: str
    unknown: str


def fill_from_types(  # noqa: PLR0913 - evidence and connections, each by name
    types_text: str,
    *,
    owner_dsn: Secret,
    admin_dsn: Secret,
    report: Report,
    without: Collection[str] = (),
    history: Sequence[MigrationFile] = (),
) -> Reconstruction:
    """Reconstruct what types.ts has and the database has not, as the owner role.

    Tables get row security and no policy: nobody but service_role sees their rows. SQL types are guessed from names
    and relationships, and each guess is noted. Views and functions cannot be made from their types: they stay unknown.
    Running it again makes nothing twice. Tables in `without` are not made; rows that `history` inserts correct guesses.
    Raises BadUsage for a file that cannot be read.
    """
    evidence = _Evidence(
        mark=stand_ins.MARK,
        path=stand_ins.LEDGER_PATH,
        sha256=hashlib.sha256(types_text.encode()).hexdigest(),
        unknown="types.ts, which has no SQL types, defaults, keys, indexes, triggers or policies",
    )

    def read(_admin: postgres.Connection) -> Types:
        return inserted.with_words(_without(types_ts.read(types_text), without), inserted.words(tuple(history)))

    return _fill(read, evidence, owner_dsn, admin_dsn, report)


def fill_from_queries(  # noqa: PLR0913 - evidence and connections, each by name
    asked: queried.Asked,
    *,
    owner_dsn: Secret,
    admin_dsn: Secret,
    report: Report,
    without: Collection[str] = (),
    history: Sequence[MigrationFile] = (),
) -> Reconstruction:
    """Make what the app's own queries name and the database has not, closed to everybody but the service role.

    Far less is known than from types.ts: names of columns, and types by these names alone. Each guess is noted.
    """
    evidence = _Evidence(
        mark=stand_ins.MARK_OF_QUERIES,
        path=stand_ins.QUERIES_PATH,
        sha256=hashlib.sha256(repr(sorted(asked.items())).encode()).hexdigest(),
        unknown="the app's own queries, which name no more than the columns that they ask for",
    )

    def read(admin: postgres.Connection) -> Types:
        there = relations.read(admin, "public")
        keys = _embedded_by_column(asked, links.there(admin, "public"))
        types = _without(queried.types(asked, {**there.tables, **there.views}), {*without, *keys})
        return inserted.with_words(types, inserted.words(tuple(history)))

    return _fill(read, evidence, owner_dsn, admin_dsn, report)


def _embedded_by_column(asked: queried.Asked, there: frozenset[links.Link]) -> set[str]:
    """Find what is no table: an embed may name the column of a foreign key instead of the table behind it."""
    columns = {(table, *columns) for table, _, columns in there}
    return {other for table, (_, related) in asked.items() for other, _ in related if (table, other) in columns}


def _without(types: Types, names: Collection[str]) -> Types:
    """Leave out tables of `public`; they stay out of relationships too, as those need both ends."""
    schemas = {
        name: replace(schema, tables={key: table for key, table in schema.tables.items() if key not in names})
        if name == "public"
        else schema
        for name, schema in types.schemas.items()
    }
    return replace(types, schemas=schemas)


def _fill(
    read: Callable[[postgres.Connection], Types],
    evidence: _Evidence,
    owner_dsn: Secret,
    admin_dsn: Secret,
    report: Report,
) -> Reconstruction:
    with postgres.connect(admin_dsn) as admin:
        admin.execute("set search_path = pg_catalog, pg_temp")
        ledger.lock(admin)
        work = _Work(mark=evidence.mark)
        lost: list[str] = []
        for schema in read(admin).schemas.values():
            found = relations.read(admin, schema.name)
            work.linked = links.there(admin, schema.name)
            _plan(work, schema, found)
            lost += [
                f"{schema.name}.{name}" for name in sorted({*schema.views} - POSTGIS - {*found.views, *found.tables})
            ]
        with Session(owner_dsn) as session:
            owner = ledger.describe(admin).owner
            made = stand_ins.make(session, work.statements, owner=owner, path=evidence.path, mark=evidence.mark)
            entries = tuple(made)
        taken = fingerprint.take(admin)
        if entries:
            record.add(admin, evidence.path, evidence.sha256, entries, taken)
    outcome = Reconstruction(
        tables=tuple(work.tables),
        columns=tuple(work.columns),
        enums=tuple(work.enums),
        notes=tuple(work.notes),
        entries=entries,
        fingerprint=taken,
        unknowns=tuple(_unknowns(work, lost, entries, evidence)),
    )
    _tell(outcome, report, evidence)
    return outcome


def _plan(work: _Work, schema: Schema, found: Relations) -> None:
    _plan_enums(work, schema, found)
    absent = [table for name, table in schema.tables.items() if name not in {*found.tables, *found.views} | POSTGIS]
    known = guesses.known_types(schema, found)
    for table in absent:
        _plan_table(work, schema, table, known)
    for name, columns in found.tables.items():
        _plan_columns(work, schema, schema.tables.get(name), {*columns}, known)
    targets = {*found.tables} | {item.name for item in absent}
    for table in schema.tables.values():
        if table.name in targets:
            _plan_keys(work, schema, table, targets, known)


def _plan_enums(work: _Work, schema: Schema, found: Relations) -> None:
    for name, labels in schema.enums.items():
        identifier = sql.Identifier(schema.name, name)
        if name not in found.enums:
            listed = sql.SQL(", ").join(sql.Literal(label) for label in labels)
            work.add("create_enum", sql.SQL("create type {} as enum ({})").format(identifier, listed))
            work.add("comment", sql.SQL("comment on type {} is {}").format(identifier, sql.Literal(work.mark)))
            work.enums.append(f"{schema.name}.{name}")
            continue
        for label in labels:
            if label not in found.enums[name]:
                work.add("alter_enum", sql.SQL("alter type {} add value {}").format(identifier, sql.Literal(label)))
                work.enums.append(f"{schema.name}.{name}")


def _plan_table(work: _Work, schema: Schema, table: Table, known: dict[tuple[str, str], str]) -> None:
    identifier = sql.Identifier(schema.name, table.name)
    chosen = [guesses.guess(table, column, known) for column in table.columns]
    parts = [_column(item) for item in chosen]
    if "id" in {column.name for column in table.columns if not column.nullable}:
        parts.append(sql.Composed([sql.SQL("primary key (id)")]))
    listed = sql.SQL(", ").join(parts)
    work.add("create", sql.SQL("create table {} ({})").format(identifier, listed))
    work.add("alter_table", sql.SQL("alter table {} enable row level security").format(identifier))
    work.add("comment", sql.SQL("comment on table {} is {}").format(identifier, sql.Literal(work.mark)))
    work.tables.append(f"{schema.name}.{table.name}")
    work.notes += [f"{schema.name}.{table.name}.{item.column}: {item.type}, {item.why}" for item in chosen]


def _plan_columns(
    work: _Work, schema: Schema, table: Table | None, there: set[str], known: dict[tuple[str, str], str]
) -> None:
    """Add columns without NOT NULL: rows may be there already, and nobody knows their values."""
    for column in table.columns if table is not None else ():
        if table is None or column.name in there:
            continue
        identifier = sql.Identifier(schema.name, table.name)
        item = replace(guesses.guess(table, column, known), not_null=False, identity=False, default="")
        work.add("alter_table", sql.SQL("alter table {} add column {}").format(identifier, _column(item)))
        name = sql.Identifier(schema.name, table.name, column.name)
        work.add("comment", sql.SQL("comment on column {} is {}").format(name, sql.Literal(work.mark)))
        work.columns.append(f"{schema.name}.{table.name}.{column.name}")
        work.notes.append(f"{schema.name}.{table.name}.{item.column}: {item.type}, {item.why}")


def _plan_keys(work: _Work, schema: Schema, table: Table, targets: set[str], known: dict[tuple[str, str], str]) -> None:
    """Add the foreign keys that embedding goes by; rows that are there already are not held against them."""
    seen: set[str] = set()
    for item in table.relationships:
        if item.name in seen or item.referenced not in targets:
            continue
        if any((item.referenced, name) not in known for name in item.referenced_columns):
            continue
        seen.add(item.name)
        if (table.name, item.referenced, item.columns) in work.linked:
            continue
        work.add(
            "alter_table",
            sql.SQL("alter table {} add constraint {} foreign key ({}) references {} ({}) not valid").format(
                sql.Identifier(schema.name, table.name),
                sql.Identifier(item.name),
                sql.SQL(", ").join(map(sql.Identifier, item.columns)),
                sql.Identifier(schema.name, item.referenced),
                sql.SQL(", ").join(map(sql.Identifier, item.referenced_columns)),
            ),
        )


def _column(item: Guess) -> sql.Composed:
    parts: list[sql.Composable] = [sql.Identifier(item.column)]
    parts.append(_written(f" {item.type}"))
    if item.identity:
        parts.append(_written(" generated by default as identity"))
    elif item.default:
        parts.append(_written(f" default {item.default}"))
    if item.not_null:
        parts.append(_written(" not null"))
    return sql.Composed(parts)


def _written(text: str) -> sql.SQL:
    """Take text from `guesses`, where every name is quoted."""
    return sql.SQL(text)


def _unknowns(work: _Work, views: Sequence[str], entries: Sequence[Entry], evidence: _Evidence) -> Iterator[Unknown]:
    if work.tables or work.columns:
        yield Unknown(
            what="reconstructed tables",
            why=f"{len(work.tables)} tables and {len(work.columns)} columns come from {evidence.unknown}",
            hint="take the schema from the live database before real data is served",
        )
    if views:
        yield Unknown(what="views", why=f"types.ts cannot say what these views show: {', '.join(views)}")
    failed = [entry.message for entry in entries if entry.outcome == "failed"]
    if failed:
        yield Unknown(what="parts that could not be reconstructed", why="; ".join(sorted({*failed})))


def _tell(outcome: Reconstruction, report: Report, evidence: _Evidence) -> None:
    text = (
        f"{len(outcome.tables)} tables, {len(outcome.columns)} columns and {len(outcome.enums)} enums {evidence.mark}"
    )
    report(Event(name="note", text=text))
