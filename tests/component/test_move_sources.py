"""Sources as they are out there: behind TLS, cut off in the middle, changing under the copy, files behind an API."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import dumps
import psycopg
import pytest
from csv_project import TYPES, csv_folder
from move_world import Target, dump, live
from own_loop import in_a_thread
from psycopg import conninfo
from storage_world import SERVICE_KEY, storage_world
from tcp_proxy import Network
from tls_postgres import speaking_tls, until_tls

from freehold.core.errors import DatabaseUnavailable, SourceBroken
from freehold.core.event import Event
from freehold.core.secret import Secret
from freehold.data.move import decisions
from freehold.data.move.refresh import refresh
from freehold.data.move.run import move
from freehold.data.move.verify import verify
from freehold.data.sources.csv_folder import CsvFolder
from freehold.data.sources.files import FileMissing, StorageApi
from freehold.data.sources.live import open_live
from freehold.testing import database as databases

NAME = "folder/a (1) & b+c's.txt"
FORBIDDEN = "it was reached without TLS"


@pytest.fixture
def certificate(source: databases.FreshDatabase, tmp_path: Path) -> Iterator[Path]:
    """The server speaks TLS while the test runs; gives the certificate that a client trusts."""
    with speaking_tls(source.superuser_dsn, tmp_path) as trusted:
        yield trusted


def through(dsn: str, **parameters: str) -> Secret:
    return Secret(conninfo.make_conninfo(dsn, **parameters))


def test_a_source_that_insists_on_tls_is_read_with_its_certificate_checked(
    source: databases.FreshDatabase, certificate: Path
) -> None:
    """The bundled pg_dump knows no TLS: it is spoken for it, and never left out."""
    tls = through(source.superuser_dsn, host="127.0.0.1", sslmode="verify-full", sslrootcert=str(certificate))
    until_tls(tls)
    with open_live(tls, decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS) as opened:
        assert any(entry.name == "tasks" and entry.kind == "TABLE" for entry in opened.entries())
        with psycopg.connect(source.superuser_dsn) as admin:
            plain = admin.execute(
                "select count(*) from pg_stat_ssl join pg_stat_activity using (pid)"
                " where not ssl and client_addr is not null and datname = current_database()"
            ).fetchone()
    assert plain == (0,), FORBIDDEN


def test_a_certificate_of_somebody_else_is_refused(source: databases.FreshDatabase, certificate: Path) -> None:
    until_tls(through(source.superuser_dsn, host="127.0.0.1", sslmode="require"))
    other = certificate.with_name("other.crt")
    other.write_text(
        Path("/etc/ssl/certs/ca-certificates.crt").read_text()
        if Path("/etc/ssl/certs/ca-certificates.crt").exists()
        else ""
    )
    wrong = through(source.superuser_dsn, host="127.0.0.1", sslmode="verify-full", sslrootcert=str(other))
    with pytest.raises(DatabaseUnavailable), open_live(wrong, decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS):
        pass


def test_a_source_that_breaks_off_in_the_middle_is_gone_on_with(
    source: databases.FreshDatabase, target: Target
) -> None:
    with in_a_thread(Network("127.0.0.1", source.port).run()) as (wire, loop):
        dsn = through(source.superuser_dsn, host="127.0.0.1", port=str(wire.port), sslmode="disable")

        def cut_in_the_middle(event: Event) -> None:
            if event.name == "step-started" and event.text == "Copy the rows":
                asyncio.run_coroutine_threadsafe(cut(), loop).result(60)

        async def cut() -> None:
            wire.cut()

        with (
            pytest.raises(DatabaseUnavailable) as broken,
            open_live(dsn, decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS) as opened,
        ):
            move(opened, target.destination, (), cut_in_the_middle)
        assert "run the same command again" in broken.value.hint
        assert target.ask("select count(*) > 0 from pg_tables where schemaname = 'public'") == [(True,)]
        loop.call_soon_threadsafe(wire.mend)
        with open_live(dsn, decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS) as opened:
            assert target.take(opened).resumed
            refresh(opened, target.destination, target.events.append)
            assert verify(opened, target.destination, target.events.append).faults == ()


def test_what_is_set_for_this_database_counts_before_what_is_set_for_all(source: databases.FreshDatabase) -> None:
    with psycopg.connect(source.superuser_dsn, autocommit=True) as admin:
        role = f"of_{source.name}"
        here = f"alter role {role} in database {source.name} set statement_timeout = '9s'"
        everywhere = f"alter role {role} set statement_timeout = '1s'"
        admin.execute(f"create role {role}".encode())
        try:
            for statement in (here, everywhere, here, everywhere):
                admin.execute(statement.encode())
                with live(source) as opened:
                    found = [item.value for item in opened.settings() if item.role == role]
                assert found == ["9s"]
        finally:
            admin.execute(f"drop role {role}".encode())


def test_a_table_cannot_be_rewritten_under_the_copy(source: databases.FreshDatabase, target: Target) -> None:
    """A table rewritten after the snapshot looks empty in it: nobody would notice."""
    with live(source) as opened:
        with psycopg.connect(source.superuser_dsn, autocommit=True) as other:
            other.execute("set lock_timeout = '300ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("alter table public.events_rest alter column kind type varchar using kind || ''")
            other.execute("insert into public.log_without_key values ('later', null)")
        target.take(opened)
        assert verify(opened, target.destination, target.events.append).faults == ()
    assert target.ask("select count(*) from public.log_without_key where line = 'later'") == [(0,)]
    with psycopg.connect(source.superuser_dsn, autocommit=True) as other:
        other.execute("delete from public.log_without_key where line = 'later'")


async def test_files_come_from_the_storage_api_with_private_buckets_too(
    postgres_server: databases.Server, tmp_path: Path
) -> None:
    """Our own Storage API answers as the old project's does."""
    with databases.fresh_database(postgres_server) as database:
        async with storage_world(database, tmp_path / "there") as world:
            world.bucket("private")
            answer = await world.upload("service", f"private/{quote(NAME)}", b"the bytes" * 100_000)
            assert answer.status == 200, answer.body
            api = StorageApi(world.url.removesuffix("/storage/v1"), Secret(SERVICE_KEY))
            async with api.opened() as files:
                assert await whole(files.read("private", NAME)) == b"the bytes" * 100_000
                with pytest.raises(FileMissing):
                    await whole(files.read("private", "nothing"))
            refused = StorageApi(world.url.removesuffix("/storage/v1"), Secret("no key"))
            async with refused.opened() as files:
                with pytest.raises(DatabaseUnavailable, match="refuses the key"):
                    await whole(files.read("private", NAME))


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def test_csv_files_become_tables_by_types_ts(target: Target, tmp_path: Path) -> None:
    opened = CsvFolder.open_folder(csv_folder(tmp_path), TYPES)
    target.take(opened)
    assert verify(opened, target.destination, target.events.append).faults == ()
    assert target.ask("select id, title, body, tags, extra::text, state::text from public.notes order by id") == [
        (1, 'a, "quoted"\nline\ttab \\ slash', None, ["a", "b,c"], '{"b": 2, "k": 1}', "open"),
        (7, "", "text", ["x", "y"], None, "done"),
    ]
    assert target.ask("select count(*) from pg_constraint where conname = 'notes_list_id_fkey'") == [(1,)]
    assert target.ask("select relrowsecurity from pg_class where relname = 'notes'") == [(True,)]
    with psycopg.connect(target.database.superuser_dsn, autocommit=True) as admin:
        admin.execute("update public.notes set body = 'other' where id = 7")
    assert verify(opened, target.destination, target.events.append).faults == ("public.notes: rows differ",)


def test_a_csv_file_of_no_table_is_refused(tmp_path: Path) -> None:
    folder = csv_folder(tmp_path)
    (folder / "strangers.csv").write_text("id\n1\n")
    with pytest.raises(SourceBroken, match="is the file of no table"):
        CsvFolder.open_folder(folder, TYPES)
    (folder / "strangers.csv").unlink()
    (folder / "lists.csv").write_text("id,name\nx\n")
    opened = CsvFolder.open_folder(folder, TYPES)
    [rows] = [entry for entry in opened.entries() if entry.kind == "TABLE DATA" and entry.name == "lists"]
    with pytest.raises(SourceBroken, match="row 2 has 1 fields"):
        list(opened.rows(rows, opened.parts(rows)[0], opened.columns(rows), "text"))


def test_a_dump_of_another_time_zone_is_no_difference(
    source: databases.FreshDatabase, target: Target, tmp_path: Path
) -> None:
    """pg_dump writes times in the zone of the server it dumps."""
    with psycopg.connect(source.superuser_dsn, autocommit=True) as admin:
        admin.execute(f"alter database {source.name} set timezone = 'Asia/Kathmandu'".encode())
        try:
            path = dumps.custom(source.superuser_dsn, tmp_path / "x.dump", "zstd")
        finally:
            admin.execute(f"alter database {source.name} reset timezone".encode())
    with dump(path) as opened:
        target.take(opened)
        assert verify(opened, target.destination, target.events.append).faults == ()
