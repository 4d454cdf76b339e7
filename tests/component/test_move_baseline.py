"""After a move from any source an unchanged folder has nothing to run, and a file that is newer has."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dumps
import psycopg
import pytest
from csv_project import TYPES, csv_folder
from move_world import Target, dump, live

from freehold.core.inventory import MigrationFile
from freehold.core.secret import Secret
from freehold.data import migrations
from freehold.data.move.run import move
from freehold.data.move.verify import verify
from freehold.data.sources.csv_folder import CsvFolder
from freehold.data.sources.toc import Source
from freehold.testing import database as databases

APPLIED = tuple(
    MigrationFile(path=f"supabase/migrations/{version}_{name}.sql", version=version, sql="select it, would, fail;\n")
    for version, name in (("20260101000000", "first"), ("20260201000000", "second"))
)
NEWER = MigrationFile(path="supabase/migrations/20260301000000_third.sql", version="20260301000000", sql="select 1;\n")


@contextmanager
def opened(form: str, source: databases.FreshDatabase, tmp_path: Path) -> Iterator[Source]:
    if form == "live":
        with live(source) as found:
            yield found
    elif form == "csv":
        yield CsvFolder.open_folder(csv_folder(tmp_path), TYPES)
    else:
        path = tmp_path / "x.dump"
        made = dumps.pg_dump(source.superuser_dsn, path, "-Fp") if form == "sql" else None
        with dump(made or dumps.custom(source.superuser_dsn, path, form)) as found:
            yield found


@pytest.mark.parametrize("form", ["live", "zstd", "sql", "csv"])
def test_an_unchanged_folder_has_nothing_to_run(
    source: databases.FreshDatabase, target: Target, tmp_path: Path, form: str
) -> None:
    """Its files would fail here: not one of their statements runs."""
    with opened(form, source, tmp_path) as found:
        moved = move(found, target.destination, APPLIED, target.events.append)
        assert verify(found, target.destination, target.events.append).faults == ()
    assert moved.covered_migrations == len(APPLIED)
    dsns = {"owner_dsn": Secret(target.database.owner_dsn), "admin_dsn": Secret(target.database.superuser_dsn)}
    ran = migrations.migrate(APPLIED, **dsns, report=target.events.append)
    assert ran.applied == ()
    later = migrations.migrate((*APPLIED, NEWER), **dsns, report=target.events.append)
    assert [str(item) for item in later.applied] == [NEWER.path]


def test_what_csv_files_do_not_hold_is_named(source: databases.FreshDatabase, target: Target, tmp_path: Path) -> None:
    """Policies, functions and triggers of the app: without them only the service role gets in."""
    with opened("csv", source, tmp_path) as found:
        move(found, target.destination, APPLIED, target.events.append)
        left = verify(found, target.destination, target.events.append).document()["ledger"]["left"]  # type: ignore[index]
    assert [item["what"] for item in left] == ["policies, functions and triggers of the app"]
    with psycopg.connect(target.database.superuser_dsn) as connection:
        row = connection.execute("select has_table_privilege('anon', 'public.notes', 'select')").fetchone()
        assert row == (False,)
