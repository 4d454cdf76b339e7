"""Names that quote, break lines, leave folders or look like commands are names, whatever the source."""

from collections.abc import Iterator
from pathlib import Path

import dumps
import psycopg
import pytest
from move_world import Target, dump, live
from psycopg import sql

from freehold.data.move import addresses
from freehold.data.move.loading import without_triggers
from freehold.data.move.verify import verify
from freehold.testing import database as databases

NAMES = (
    'quo"ted', "a'b", "semi; drop table public.victim; --", "two\nlines", "tab\there", "ends in \\.",
    "$x$ $1 %s %(a)s {0}", "sch.ema", " spaces ", "ümläut-日本-🙂", "select", "x" * 63, "--comment", "/* open",
    "COPY x FROM stdin;", "a/../../b",
)  # fmt: skip
TRIGGER = (
    "create trigger {0} before update on {3} for each row"
    " execute function pg_catalog.suppress_redundant_updates_trigger()"
)
FILES = (
    "../../outside.txt",
    "a/./b",
    "/etc/passwd",
    "quo\"te'd.txt",
    "new\nline.txt",
    "日本🙂.txt",
    "x" * 400,
    "%2e%2e/%00",
    "..",
)
OLD = "https://abcdefghijklmnopqrst.supabase.co"


@pytest.fixture(scope="module")
def source(postgres_server: databases.Server) -> Iterator[databases.FreshDatabase]:
    with databases.fresh_database(postgres_server) as database:
        with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
            owner.execute("create table public.victim (id int primary key)")
            for name in NAMES:
                make(owner, name)
        with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
            admin.execute("insert into storage.buckets (id, name) values ('papers', 'papers'), ('..', '..')")
            for bucket in ("papers", ".."):
                for name in FILES:
                    admin.execute(
                        "insert into storage.objects (bucket_id, name, version) values (%s, %s, 'v')", (bucket, name)
                    )
            for schema in ("base44", "entities", "freehold_gate", "freehold_worker", "freehold"):
                admin.execute(f"drop schema if exists {schema} cascade".encode())
        yield database


def make(owner: psycopg.Connection, name: str) -> None:
    """A schema, and in it whatever can have such a name."""
    here, named = sql.Identifier(name), sql.Identifier(name, name)
    for statement in (
        "create schema {0}",
        "create type {1} as enum ({2}, 'b')",
        "create table {3} (id bigserial primary key, {0} text default {2}, kind {1} default {2})",
        "create table {4} ({0} int references {3} (id), unique ({0}))",
        "create index {0} on {3} ({0})",
        "create function {1}({0} int) returns int language sql as 'select 1'",
        "create view {5} as select {0} from {3}",
        "alter table {3} enable row level security",
        "create policy {0} on {3} using ({0} = {2})",
        TRIGGER,
        "comment on table {3} is {2}",
        "grant select ({0}) on {3} to anon",
        "insert into {3} ({0}) values ({2}), (null), ({6})",
        "insert into {4} select id from {3}",
    ):
        owner.execute(
            sql.SQL(statement).format(
                here, named, sql.Literal(name), *(sql.Identifier(name, f"{kind} {name}"[:50]) for kind in "tkv"),
                sql.Literal(f"{OLD}/{name}"),
            )
        )  # fmt: skip


@pytest.mark.parametrize("form", ["live", "custom", "plain"])
def test_every_name_arrives_as_it_is(
    source: databases.FreshDatabase, target: Target, tmp_path: Path, form: str
) -> None:
    for name in FILES[3:6]:
        path = tmp_path / "files/papers" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"inside")
    (tmp_path / "outside.txt").write_bytes(b"nobody asked for it")
    if form == "custom":
        opened = dump(dumps.custom(source.superuser_dsn, tmp_path / "x.dump", "zstd"))
    elif form == "plain":
        opened = dump(dumps.pg_dump(source.superuser_dsn, tmp_path / "x.sql", "-Fp"))
    else:
        opened = live(source)
    with opened as found:
        target.take(found, tmp_path / "files")
        verified = verify(found, target.destination, target.events.append)
    assert verified.faults == ()
    assert (verified.files.fetched, target.ask("select count(*) from storage.objects")) == (3, [(3,)])
    query = (
        "select nspname, relname, relkind::text from pg_class join pg_namespace as n on n.oid = relnamespace"
        " where nspname = any(%s) order by 1, 2"
    )
    with psycopg.connect(source.superuser_dsn) as there, psycopg.connect(target.database.superuser_dsn) as here:
        wanted = there.execute(query, ([*NAMES, "public"],)).fetchall()
        assert here.execute(query, ([*NAMES, "public"],)).fetchall() == wanted
        assert len(wanted) > len(NAMES) * 7
    with target.destination.admin() as admin, target.destination.app() as app:
        old = addresses.scan(admin, OLD)
        assert [item.rows for item in old] == [1] * len(NAMES)
        with without_triggers(admin, app, target.destination.owner):
            assert addresses.rewrite(admin, app, old, OLD, "https://new.example.org") == len(NAMES)
        assert addresses.scan(admin, OLD) == ()
