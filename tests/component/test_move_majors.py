"""From an older PostgreSQL to ours, and from ours to an older one: two servers, which share no role."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from move_world import Target, live, project, write_files

from freehold.data.move.verify import verify
from freehold.kit.postgres_programs import EMBEDDED_MAJOR, PostgresPrograms
from freehold.testing import database as databases

OLDEST = 15


def other_programs() -> PostgresPrograms:
    for root in sorted(Path("/usr/lib/postgresql").glob("*"), key=lambda path: path.name):
        if root.name.isdigit() and OLDEST <= int(root.name) != EMBEDDED_MAJOR and (root / "bin/initdb").exists():
            programs = {name: root / "bin" / name for name in ("postgres", "initdb", "psql")}
            return PostgresPrograms(root=root, major=int(root.name), pg_dump=None, pgbench=None, **programs)
    pytest.skip("no PostgreSQL of another major version is installed: apt-get install postgresql")


@pytest.fixture(scope="module")
def other_server() -> Iterator[databases.Server]:
    programs, folder = other_programs(), Path(tempfile.mkdtemp(prefix="freehold-other-", dir="/tmp"))
    try:
        with databases.kept_server(folder, programs) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("way", ["to ours", "from ours"])
def test_a_project_arrives_whole_on_another_major(
    postgres_server: databases.Server, other_server: databases.Server, tmp_path: Path, way: str
) -> None:
    here, there = (postgres_server, other_server) if way == "from ours" else (other_server, postgres_server)
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(project(here))
        target = Target(stack.enter_context(databases.fresh_database(there)), tmp_path / "objects")
        with psycopg.connect(source.superuser_dsn, autocommit=True) as admin:
            admin.execute("grant app_reporter to authenticated")
            admin.execute("do $$ begin create role app_visitor login; exception when others then end $$")
            admin.execute("grant app_reporter to app_visitor")
            for setting in (
                "role authenticated in database {} set statement_timeout = '9s'",
                "database {} set app.tier = 'gold'",
                "database {} set app.jwt_secret = 'nobody may read it'",
                "database {} set work_mem = '7MB'",
            ):
                admin.execute(f"alter {setting.format(source.name)}".encode())
        with live(source) as opened:
            target.take(opened, write_files(tmp_path / "files", 6))
            assert verify(opened, target.destination, target.events.append).faults == ()
        lines = target.ask("select name, outcome from freehold.move_items where kind = 'ROLE GIVEN' order by 1")
        assert lines == [("app_reporter to app_visitor", "left"), ("app_reporter to authenticated", "moved")]
        assert target.ask("select pg_has_role('authenticated', 'app_reporter', 'member')") == [(True,)]
        assert dict(target.ask("select name, outcome from freehold.move_items where kind = 'SETTING'")).items() >= {  # type: ignore[arg-type]
            ("authenticated statement_timeout", "moved"), ("database app.tier", "moved"),
            ("database app.jwt_secret", "left"), ("database work_mem", "left"),
        }  # fmt: skip
        kept = target.ask(
            "select coalesce(r.rolname, 'database'), entry from pg_db_role_setting as s"
            "  join pg_database as d on d.oid = s.setdatabase left join pg_roles as r on r.oid = s.setrole,"
            "  unnest(s.setconfig) as entry where datname = current_database()"
        )
        assert {("database", "app.tier=gold"), ("authenticated", "statement_timeout=9s")} <= set(kept)
        assert not [entry for _, entry in kept if "nobody" in str(entry) or "work_mem" in str(entry)]
        with psycopg.connect(target.database.superuser_dsn, autocommit=True) as admin:
            admin.execute("drop owned by app_reporter")
