"""The app's schema in a throw-away PostgreSQL: replayed, compared with the builder's types, and asked."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from psycopg import conninfo, rows

from freehold import platform
from freehold.core.app import App
from freehold.core.errors import BadUsage
from freehold.core.inventory import Inventory, Unknown
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.data import schema as schemas
from freehold.data.probe import Observation, probe
from freehold.kit import postgres, programs
from freehold.kit.postgres_address import ServerAddress
from freehold.kit.postgres_server import Cluster

QUERY_SECONDS = 20
_SETTINGS: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""It is thrown away in any case."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A statement that did not run."""

    path: str
    line: int
    kind: str
    cause: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What the replay gave."""

    files: int
    applied: int
    replaced: int
    failures: tuple[Failure, ...]
    causes: dict[str, int]
    tables: int
    fingerprint: str
    unknowns: tuple[Unknown, ...] = ()
    comparison: schemas.Comparison | None = None
    """The schema as the migrations make it, held against the builder's generated types; None without such types."""
    reconstructed: tuple[str, ...] = ()
    """Tables that were made from the types alone, as asked: with row security on and no policy."""
    proposals: tuple[schemas.Proposal, ...] = ()
    """Buckets and live tables that code uses and no migration makes."""
    probed: int = 0
    """Tables, views, functions and buckets on which the probe acted."""
    observations: tuple[Observation, ...] = field(default=(), repr=False)
    """What the live probe saw."""
    rows: Callable[[str], tuple[Mapping[str, Any], ...]] = field(repr=False, compare=False)

    def failed_text(self, text_of: Callable[[str], str]) -> str:
        """The text around every failed statement, for rules to see which names are doubtful."""
        parts = []
        for failure in self.failures:
            lines = text_of(failure.path).split("\n")[max(0, failure.line - 1) :]
            parts.append("\n".join(lines).split(";", 1)[0])
        return "\n".join(parts)


@contextmanager
def replayed(  # noqa: PLR0913 - what, where, and how much of it
    app: App, inventory: Inventory, folder: Path, report: Report, *, types: str, fill: bool
) -> Iterator[Schema]:
    """Give the schema for as long as its server runs; `types` is the text of the generated types, "" without.

    Raises DatabaseUnavailable, DatabaseUnfit or ProgramMissing.
    """
    cluster = Cluster(folder / "postgres", programs.postgres(), settings=_SETTINGS)
    try:
        address = cluster.start()
        owner = _install(address)
        outcome = schemas.replay(app.root, inventory, owner_dsn=owner, admin_dsn=address.dsn, report=report)
        comparison, unread = _compared(types, address)
        filled = _filled(comparison, types, owner, address, report) if fill else None
        seen = probe(inventory, admin_dsn=address.dsn)
        with postgres.connect(address.dsn) as connection:
            connection.execute(f"set statement_timeout = '{QUERY_SECONDS}s'".encode())
            connection.execute("set search_path = pg_catalog, pg_temp")
            yield replace(
                _schema(outcome, _asker(connection)),
                comparison=comparison,
                reconstructed=filled.tables if filled else (),
                proposals=schemas.propose(inventory, address.dsn),
                probed=len(seen.probed),
                observations=seen.observations,
                unknowns=(*outcome.unknowns, *unread, *(filled.unknowns if filled else ()), *seen.unknowns),
            )
    finally:
        cluster.stop()


def _compared(types: str, address: ServerAddress) -> tuple[schemas.Comparison | None, tuple[Unknown, ...]]:
    """Hold the schema against the generated types; types that cannot be read are told, and stop nothing."""
    if not types:
        return None, ()
    try:
        return schemas.compare(types, address.dsn), ()
    except BadUsage as error:
        why = f"they cannot be read, so the schema was not compared with them: {error.message}"
        return None, (Unknown(what="the generated types", why=why, hint=error.hint),)


def _filled(
    comparison: schemas.Comparison | None, types: str, owner: Secret, address: ServerAddress, report: Report
) -> schemas.Reconstruction | None:
    if comparison is None or comparison.complete:
        return None
    return schemas.fill_from_types(types, owner_dsn=owner, admin_dsn=address.dsn, report=report)


def _install(address: ServerAddress) -> Secret:
    made = {
        name: Secret(secrets.token_urlsafe(24)) for name in ("authenticator", "auth_admin", "storage_admin", "owner")
    }
    with postgres.connect(address.dsn) as connection:
        platform.install(connection, logins=platform.Logins(**made))
        owner = platform.owner_role(connection)
    dsn = conninfo.make_conninfo(address.dsn.reveal(), user=owner, password=made["owner"].reveal())
    return Secret(dsn)


def _schema(outcome: schemas.Replay, ask: Callable[[str], tuple[Mapping[str, Any], ...]]) -> Schema:
    outcomes = [entry.outcome for entry in outcome.entries]
    tables = ask("select count(*) as n from pg_tables where schemaname = 'public'")
    return Schema(
        files=len(outcome.files),
        applied=outcomes.count("applied"),
        replaced=outcomes.count("replaced"),
        failures=tuple(
            Failure(path=entry.path, line=entry.line, kind=entry.kind, cause=entry.cause, message=entry.message)
            for entry in outcome.failed
        ),
        causes=outcome.causes,
        tables=int(tables[0]["n"]),
        fingerprint=outcome.fingerprint.sha256,
        unknowns=outcome.unknowns,
        rows=ask,
    )


def _asker(connection: postgres.Connection) -> Callable[[str], tuple[Mapping[str, Any], ...]]:
    def ask(statement: str) -> tuple[Mapping[str, Any], ...]:
        with connection.cursor(row_factory=rows.dict_row) as cursor:
            return tuple(cursor.execute(statement.encode()).fetchall())

    return ask
