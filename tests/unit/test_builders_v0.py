"""What a reader finds in an app of v0's."""

import json
from pathlib import Path

from small_apps import write

from freehold.builders.v0.read import read
from freehold.core.inventory import Inventory

FILES = {
    "package.json": json.dumps(
        {
            "name": "my-v0-project",
            "scripts": {"build": "next build"},
            "dependencies": {"next": "16.0.10", "@supabase/ssr": "latest", "@vercel/blob": "1", "react": "19"},
        }
    ),
    "app/layout.tsx": "export const metadata = { generator: 'v0.app' };\n",
    "app/page.tsx": (
        'const { data } = await supabase.from("pots").select();\n'
        'const logo = "https://hebbkx1anhila5yf.public.blob.vercel-storage.com/logo-x.png";\n'
    ),
    "app/pots/page.tsx": "",
    "lib/supabase/client.ts": (
        "createBrowserClient(process.env.NEXT_PUBLIC_SUPABASE_URL!, process.env.NEXT_PUBLIC_SUPABASE_ANON_KEY!);\n"
    ),
    "scripts/002_add.sql": "alter table pots add note text;",
    "scripts/001_create_tables.sql": "create table pots (id int);",
    "scripts/010_fix.sql": "select 1;",
    "scripts/seed data.sql": "insert into pots values (1);",
    "scripts/old/003_never.sql": "select 3;",
    "vercel.json": '{"crons": [{"path": "/api/run?key=hush", "schedule": "0 3 * * *"}]}',
}


def _read(root: Path, changes: dict[str, str] | None = None) -> Inventory:
    return read(write(root, FILES | (changes or {})))


def _unknown(inventory: Inventory, what: str) -> str:
    return next((item.why for item in inventory.unknowns if item.what == what), "")


def test_numbered_scripts_come_in_the_order_of_their_numbers_before_migrations(tmp_path: Path) -> None:
    migration = {"supabase/migrations/20260101000000_a.sql": "select 1;"}
    assert [file.path.rsplit("/", 1)[-1] for file in _read(tmp_path, migration).migrations] == [
        "001_create_tables.sql",
        "002_add.sql",
        "010_fix.sql",
        "20260101000000_a.sql",
    ]


def test_scripts_without_a_place_in_the_order_are_said_and_not_run(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    stray = _unknown(inventory, "SQL files without a place in the order")
    assert "scripts/seed data.sql" in stray
    assert "scripts/old/003_never.sql" in stray
    assert _unknown(inventory, "which scripts ran").startswith("3 numbered files")
    assert not _unknown(inventory, "tables without a migration")


def test_the_app_is_next_with_pages_and_its_back_ends_names(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    (front,) = inventory.frontends
    assert (inventory.generation, front.framework, front.server) == ("next-16", "next", True)
    assert inventory.pages == ("/", "/pots")
    assert inventory.backend is not None
    assert inventory.backend.url_names == ("NEXT_PUBLIC_SUPABASE_URL",)
    assert inventory.tables_used == ("pots",)
    assert inventory.served


def test_versions_that_are_not_fixed_are_unknown(tmp_path: Path) -> None:
    inventory = _read(tmp_path, {"package.json": '{"dependencies": {"next": "latest"}}'})
    assert inventory.generation == "next"
    assert _unknown(inventory, "package versions").endswith(": next")


def test_the_blob_store_its_files_and_scheduled_calls_break(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    assert {item.what for item in inventory.breaks} == {
        "blob store",
        "1 file in v0's store",
        "Vercel's scheduled calls",
    }
    assert [(item.function, item.detail) for item in inventory.automations] == [("/api/run", "0 3 * * *")]
    assert "hush" not in repr(inventory)


def test_a_database_at_neon_is_told(tmp_path: Path) -> None:
    package = '{"dependencies": {"next": "15", "@neondatabase/serverless": "1"}}'
    files = {"package.json": package, "lib/supabase/client.ts": "", "app/page.tsx": ""}
    inventory = _read(tmp_path, files)
    assert [item.service for item in inventory.third_parties] == ["Neon"]
    assert inventory.backend is None
