"""What a reader finds in a Bolt app."""

import json
from pathlib import Path

import pytest
from small_apps import BOLT, write

from freehold.builders.bolt.read import read
from freehold.core.inventory import Inventory

REF = "qwertyuiopasdfghjklz"


def _read(root: Path, changes: dict[str, str] | None = None) -> Inventory:
    return read(write(root, BOLT | (changes or {})))


def _package(**dependencies: str) -> str:
    return json.dumps({"scripts": {"build": "build it"}, "dependencies": dependencies})


def _unknown(inventory: Inventory, what: str) -> str:
    return next((item.why for item in inventory.unknowns if item.what == what), "")


def test_a_vite_app_is_read_like_lovables_and_can_be_served(tmp_path: Path) -> None:
    inventory = _read(tmp_path, {"src/App.tsx": '<Route path="/pots" element={<Pots />} />'})
    (front,) = inventory.frontends
    assert (inventory.generation, front.framework, front.output, front.server) == ("vite", "vite-spa", "dist", False)
    assert inventory.tables_used == ("pots",)
    assert inventory.pages == ("/pots",)
    assert inventory.client_versions["@supabase/supabase-js"] == "2.57.4"
    assert inventory.served


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ('outDir: "build"', "build"),
        ('outDir: path.resolve(import.meta.dirname, "dist/public")', "dist/public"),
        ('outDir: path.join(__dirname, "out")', "out"),
        ('outDir: path.resolve(__dirname, "..", "far")', "dist"),
        ("outDir: folder", "dist"),
    ],
)
def test_the_folder_of_built_files_is_read_where_it_is_written_down(tmp_path: Path, text: str, output: str) -> None:
    (front,) = _read(tmp_path, {"vite.config.ts": f"export default {{ build: {{ {text} }} }};"}).frontends
    assert front.output == output


def test_an_address_that_is_not_in_the_sources_is_unknown_and_its_names_are_told(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    assert inventory.backend is not None
    assert (inventory.backend.url, inventory.backend.project_ref) == ("", "")
    assert inventory.backend.url_names == ("VITE_SUPABASE_URL",)
    assert inventory.backend.key_names == ("VITE_SUPABASE_ANON_KEY",)
    assert "VITE_SUPABASE_URL" in _unknown(inventory, "the back end's address")


def test_an_address_in_a_kept_env_file_is_known(tmp_path: Path) -> None:
    inventory = _read(tmp_path, {".env": f"VITE_SUPABASE_URL=https://{REF}.supabase.co\n"})
    assert inventory.backend is not None
    assert inventory.backend.project_ref == REF
    assert not _unknown(inventory, "the back end's address")


def test_discarded_migrations_are_never_among_the_migrations(tmp_path: Path) -> None:
    stray = "home/project/supabase/migrations/20250101000000_copy.sql"
    inventory = _read(tmp_path, {stray: "CREATE TABLE copy (id int);"})
    assert [file.path for file in inventory.migrations] == ["supabase/migrations/20251001120000_icy_leaf.sql"]
    assert _unknown(inventory, "discarded migrations").startswith("1 migrations stand in .bolt")


def test_a_next_app_has_its_own_prefix_and_pages(tmp_path: Path) -> None:
    inventory = _read(
        tmp_path,
        {
            "package.json": _package(next="15.1.0", react="19"),
            "src/lib/supabase.ts": "createClient(process.env.NEXT_PUBLIC_SUPABASE_URL!);",
            "app/page.tsx": "",
            "app/(shop)/pots/[id]/page.tsx": "",
            "app/api/x/route.ts": "process.env.MAIL_KEY; process.env.SUPABASE_SERVICE_ROLE_KEY;",
            "next.config.js": "process.env.BUILD_ONLY",
        },
    )
    assert inventory.generation == "next"
    assert inventory.secrets == ("MAIL_KEY",)
    assert inventory.pages == ("/", "/pots/[id]")
    assert inventory.backend is not None
    assert inventory.backend.url_names == ("NEXT_PUBLIC_SUPABASE_URL",)
    assert inventory.served


def test_a_next_app_that_exports_files_only_can_be_served(tmp_path: Path) -> None:
    config = {"next.config.js": "module.exports = { output: 'export' };", "package.json": _package(next="13.5.1")}
    (front,) = _read(tmp_path, config).frontends
    assert (front.output, front.server) == ("out", False)


def test_an_expo_app_has_screens_a_shell_and_settings_in_bolts_own_file(tmp_path: Path) -> None:
    inventory = _read(
        tmp_path,
        {
            "package.json": _package(expo="~54.0.10"),
            "app.json": '{"expo": {"ios": {"bundleIdentifier": "com.pots.app"}}}',
            "app/(tabs)/index.tsx": "",
            "app/(tabs)/_layout.tsx": "",
            "app/pot/[id].tsx": "",
            ".bolt/config.json": json.dumps({"env": {"EXPO_PUBLIC_SUPABASE_URL": f"https://{REF}.supabase.co"}}),
        },
    )
    assert inventory.generation == "expo"
    assert inventory.pages == ("/", "/pot/[id]")
    assert [(shell.kind, shell.identifier) for shell in inventory.native_shells] == [("expo", "com.pots.app")]
    assert inventory.backend is not None
    assert inventory.backend.project_ref == REF
    assert inventory.served


def test_back_ends_that_are_not_supabase_are_recognised_and_said(tmp_path: Path) -> None:
    inventory = _read(
        tmp_path,
        {
            "package.json": _package(vite="6", express="4", firebase="11"),
            "src/lib/supabase.ts": "",
            "server/index.js": "app.get('/api/a', f); router.post('/b', g); app.listen(3000);",
            "backend/requirements.txt": "Django==5.0\n",
            "backend/manage.py": "import django",
            "backend/pots/urls.py": "urlpatterns = [\n  path('a', f),\n  path('b', f),\n]\n",
        },
    )
    assert [(item.framework, item.entry, item.routes) for item in inventory.servers] == [
        ("express", "server/index.js", 2),
        ("django", "backend/manage.py", 2),
    ]
    assert [item.service for item in inventory.third_parties] == ["Firebase"]
    assert inventory.backend is None
    assert "express and django" in inventory.not_served


def test_a_server_beside_supabase_is_told_and_the_app_is_served(tmp_path: Path) -> None:
    inventory = _read(
        tmp_path,
        {"package.json": _package(vite="6", express="4"), "server/index.js": "app.listen(3000);"},
    )
    assert inventory.served
    assert "express" in _unknown(inventory, "the app's own server")


def test_models_asked_from_the_browser_are_listed_with_their_addresses(tmp_path: Path) -> None:
    code = "import OpenAI from 'openai';\nfetch('https://api.openai.com/v1/chat/completions', { model: 'gpt-4o' });"
    inventory = _read(tmp_path, {"src/ai.ts": code})
    assert [(call.through, call.models, call.places[0].line) for call in inventory.ai_calls] == [
        ("openai", ("gpt-4o",), 1)
    ]
    assert inventory.ai_endpoints == ("https://api.openai.com/v1/chat/completions",)
