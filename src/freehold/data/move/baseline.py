"""Where the app's migrations go on from after a move: what the source had applied, and the schema that was copied."""

from collections.abc import Sequence
from datetime import UTC, datetime

from freehold.core.inventory import MigrationFile
from freehold.data.migrations import ledger as migrations
from freehold.data.schema import fingerprint
from freehold.kit import postgres


def write(admin: postgres.Connection, files: Sequence[MigrationFile], source: Sequence[tuple[str, str]] | None) -> int:
    """Record baseline 0; gives how many of the app's files it covers. Writing it again replaces it.

    `source` are version and name of what the source's own table of migrations says; None when it has none, and then
    every file of the folder counts as applied, because the schema is the one that the app was live with.
    """
    applied = None if source is None else {version for version, _ in source}
    covered = [file for file in files if applied is None or file.version in applied]
    known = {file.version for file in covered}
    only_there = [item for item in source or () if item[0] not in known]
    taken = fingerprint.take(admin)
    with admin.transaction(), admin.cursor() as cursor:
        cursor.execute("delete from freehold.migration_files where status = 'baseline'")
        cursor.execute("delete from freehold.baselines where number = 0")
        rows = [(file.version, file.path, migrations.content_hash(file)) for file in covered]
        rows += [(version, f"(source) {version}_{name}", "") for version, name in only_there]
        if not rows:
            version = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
            rows = [(version, "(source) no migration was recorded there", "")]
        cursor.executemany(
            "insert into freehold.migration_files (version, path, sha256, status, finished_at)"
            " values (%s, %s, %s, 'baseline', now()) on conflict (path) do nothing",
            rows,
        )
        cursor.execute(
            "insert into freehold.baselines (number, source, fingerprint, catalogue) values (0, 'live', %s, %s)",
            (taken.sha256, taken.text),
        )
        cursor.execute("select pg_catalog.pg_notify('pgrst', 'reload schema')")
    return len(covered)


def lost(admin: postgres.Connection) -> tuple[str, ...]:
    """Lines of the baseline's catalogue that the database does not have any more."""
    row = admin.execute("select catalogue from freehold.baselines where number = 0").fetchone()
    now = set(fingerprint.take(admin).text.splitlines())
    return tuple(line for line in str(row[0]).splitlines() if line not in now) if row else ()
