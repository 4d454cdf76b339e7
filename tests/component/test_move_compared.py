"""What a move leaves behind, beside what the usual dump of schema public does: the table in docs is counted here."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dumps
import psycopg
import pytest
from move_world import Target, live, project, write_files

from freehold.kit.postgres_programs import wheel_program
from freehold.testing import database as databases

PAGE = Path(__file__).parents[2] / "docs/explanation/move-compared.md"
FILES = 6
COUNTS = {
    "tables of schema public": """
      select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')""",
    "tables of other schemas of the app": "select count(*) from pg_tables where schemaname = 'app'",
    "policies on tables of the app": "select count(*) from pg_policies where schemaname in ('public', 'app')",
    "policies on `storage.objects`": "select count(*) from pg_policies where schemaname = 'storage'",
    "triggers on `auth.users`": """
      select count(*) from pg_trigger where tgrelid = 'auth.users'::regclass and not tgisinternal""",
    "tables that `anon` could not read and still cannot": """
      select count(*) from pg_class
       where relname = 'secrets_of_staff' and not has_table_privilege('anon', oid, 'select')""",
    "rights of the app's own role": """
      select count(*) from information_schema.role_table_grants where grantee = 'app_reporter'""",
    "tables in the realtime publication": """
      select count(*) from pg_publication_tables where pubname = 'supabase_realtime'""",
    "scheduled jobs": "select count(*) from cron.job",
    "message queues": "select count(*) from pgmq.meta",
    "users with a password": "select count(*) from auth.users where encrypted_password like '$2%'",
    "identities": "select count(*) from auth.identities",
    "sessions that go on": "select count(*) from auth.refresh_tokens where not revoked",
    "buckets": "select count(*) from storage.buckets where id not like 'database_export%'",
    "names of files": "select count(*) from storage.objects where bucket_id not like 'database_export%'",
    "applied migrations": """
      select count(*) from supabase_migrations.schema_migrations
      union all select count(*) from freehold.migration_files where status = 'baseline'""",
}


@pytest.fixture(scope="module")
def source(postgres_server: databases.Server) -> Iterator[databases.FreshDatabase]:
    with project(postgres_server) as found:
        yield found


def test_the_table_in_the_docs_is_what_is_counted(
    source: databases.FreshDatabase,
    postgres_server: databases.Server,
    database: databases.FreshDatabase,
    tmp_path: Path,
) -> None:
    target = Target(database, tmp_path / "objects")
    with live(source) as opened:
        target.take(opened, write_files(tmp_path / "files", FILES))
    with databases.fresh_database(postgres_server) as usual:
        script = dumps.pg_dump(
            source.superuser_dsn, tmp_path / "x.sql", "-Fp", "--schema=public", "--no-owner", "--no-acl"
        )
        subprocess.run(
            [str(wheel_program("psql")), "-q", "-f", str(script)],
            env=dumps.login(usual.owner_dsn),
            check=True,
            capture_output=True,
            timeout=120,
        )
        rows = [
            (
                name,
                counted(source.superuser_dsn, query),
                counted(usual.superuser_dsn, query),
                counted(database.superuser_dsn, query),
            )
            for name, query in COUNTS.items()
        ]
    documented = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE.read_text(), re.MULTILINE)
    assert [(name, int(a), int(b), int(c)) for name, a, b, c in documented] == rows


def counted(dsn: str, query: str) -> int:
    """The sum of the query's rows; what the database does not have counts as nothing."""
    total = 0
    for part in query.split("union all"):
        with psycopg.connect(dsn) as connection:
            try:
                row = connection.execute(part.encode()).fetchone()
            except psycopg.errors.UndefinedTable:
                continue
            total += int(row[0]) if row else 0
    return total
