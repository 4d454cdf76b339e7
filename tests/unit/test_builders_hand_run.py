"""Apps without migrations, whose owner ran SQL files by hand."""

from pathlib import Path

import pytest
from small_apps import BOLT, write

from freehold.builders.bolt.read import read as read_bolt
from freehold.builders.lovable.read import read as read_lovable
from freehold.core.inventory import Inventory

SCHEMA = "create table public.pots (id int);\nalter table pots enable row level security;\n"
USES = {"src/pots.ts": "supabase.from('pots'); supabase.from('glazes'); supabase.from('kilns')"}
APP = {path: text for path, text in BOLT.items() if not path.startswith("supabase/")} | USES
READERS = {"bolt": read_bolt, "lovable": read_lovable}


def _read(root: Path, files: dict[str, str], builder: str = "bolt") -> Inventory:
    return READERS[builder](write(root, APP | files))


def _paths(inventory: Inventory) -> list[str]:
    return [file.path for file in inventory.migrations]


@pytest.mark.parametrize("builder", READERS)
@pytest.mark.parametrize(
    "path", ["supabase/schema.sql", "DATABASE.sql", "backend/db/schema.sql", "supabase/migrations/pots.sql"]
)
def test_the_file_that_makes_the_tables_is_the_schema(tmp_path: Path, builder: str, path: str) -> None:
    inventory = _read(tmp_path, {path: SCHEMA, "demo.sql": "insert into pots values (1);"}, builder)
    assert _paths(inventory) == [path]
    told = next(item for item in inventory.unknowns if item.what == "the schema's history")
    assert path in told.why


def test_each_further_file_is_taken_for_a_table_that_nobody_made_before(tmp_path: Path) -> None:
    files = {
        "sql/02_glazes.sql": "create table if not exists glazes (id int);",
        "sql/01_pots.sql": SCHEMA,
        "sql/old/all.sql": "create table pots (id text);",
        "sql/copy.sql": SCHEMA,
        "sql/rows.sql": "insert into glazes values (1);",
        "sql/else.sql": "create table nobodys (id int);",
    }
    assert _paths(_read(tmp_path, files)) == ["sql/01_pots.sql", "sql/02_glazes.sql"]


def test_a_table_that_another_file_closes_is_not_left_open(tmp_path: Path) -> None:
    files = {
        "schema.sql": "create table pots (id int);\ncreate table glazes (id int);",
        "security.sql": 'ALTER TABLE IF EXISTS ONLY "public"."pots" ENABLE ROW LEVEL SECURITY;',
        "rows.sql": "insert into pots values (1);",
    }
    assert _paths(_read(tmp_path, files)) == ["schema.sql", "security.sql"]


def test_an_app_with_migrations_keeps_to_them(tmp_path: Path) -> None:
    migration = "supabase/migrations/20260101000000_a.sql"
    inventory = _read(tmp_path, {migration: "create table glazes (id int);", "schema.sql": SCHEMA})
    assert _paths(inventory) == [migration]
    assert not [item for item in inventory.unknowns if item.what == "the schema's history"]


@pytest.mark.parametrize(
    "path",
    [".bolt/supabase_discarded_migrations/1.sql", "prisma/migrations/1/migration.sql", "drizzle/0000_a.sql"],
)
def test_what_was_refused_or_belongs_to_another_tool_is_no_schema(tmp_path: Path, path: str) -> None:
    assert _paths(_read(tmp_path, {path: SCHEMA})) == []
