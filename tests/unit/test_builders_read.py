"""What a reader finds in a Lovable app."""

import json
from pathlib import Path

import pytest
from lovable_app import ANON, FILES, REF, SERVICE, commit, write

from freehold.builders.lovable.read import read
from freehold.core.inventory import Inventory, Place


def _read(root: Path, changes: dict[str, str | None] | None = None) -> Inventory:
    return read(write(root, changes))


def _calls(root: Path, code: str) -> Inventory:
    return _read(root, {"src/calls.ts": code})


def _unknown(inventory: Inventory, what: str) -> str:
    return next((item.why for item in inventory.unknowns if item.what == what), "")


def test_the_back_end_is_read_with_the_names_that_hold_it(tmp_path: Path) -> None:
    backend = _read(tmp_path).backend
    assert backend is not None
    assert (backend.url, backend.project_ref) == (f"https://{REF}.supabase.co", REF)
    assert backend.publishable_key == ANON
    assert backend.url_names == ("VITE_SUPABASE_URL",)
    assert backend.key_names == ("VITE_SUPABASE_PUBLISHABLE_KEY",)
    assert backend.ref_names == ("VITE_SUPABASE_PROJECT_ID",)
    assert Place(path="supabase/config.toml", line=1) in backend.places


def test_an_address_and_a_key_written_into_code_are_found(tmp_path: Path) -> None:
    code = f'createClient("https://{REF}.supabase.co",\n "sb_publishable_abcdefghijklmnop_qrs");\n'
    inventory = _read(tmp_path, {".env": None, "src/integrations/supabase/client.ts": code})
    assert inventory.backend is not None
    assert inventory.backend.project_ref == REF
    assert inventory.backend.publishable_key == "sb_publishable_abcdefghijklmnop_qrs"
    assert Place(path="src/integrations/supabase/client.ts", line=1) in inventory.backend.places


def test_an_address_on_a_domain_of_its_own_is_the_back_end_and_one_for_development_is_not(tmp_path: Path) -> None:
    own = _read(tmp_path / "own", {".env": 'VITE_SUPABASE_URL="https://api.pots.example/"\n'}).backend
    local = _read(tmp_path / "local", {".env.local": "VITE_SUPABASE_URL=http://localhost:54321\n"}).backend
    assert own is not None
    assert local is not None
    assert (own.url, own.project_ref) == ("https://api.pots.example", REF)
    assert local.url == f"https://{REF}.supabase.co"


def test_a_second_project_is_not_taken_for_the_apps_own(tmp_path: Path) -> None:
    other = "zzzzzzzzzzzzzzzzzzzz"
    inventory = _calls(tmp_path, f'fetch("https://{other}.supabase.co/x"); fetch("https://{other}.supabase.co/y");')
    assert inventory.backend is not None
    assert inventory.backend.project_ref == REF
    assert [item.project_ref for item in inventory.other_backends] == [other]


def test_a_secret_key_is_named_by_role_and_place_and_never_by_value(tmp_path: Path) -> None:
    inventory = _calls(tmp_path, f'\nconst admin = "{SERVICE}";\nconst also = "sb_secret_abcdefghijklmnop";\n')
    roles = {item.role: item for item in inventory.published_keys}
    assert set(roles) == {"anon", "service_role", "secret"}
    assert roles["service_role"].value == ""
    assert roles["service_role"].places == (Place(path="src/calls.ts", line=2),)
    assert SERVICE not in repr(inventory)
    assert "sb_secret_abcdefghijklmnop" not in repr(inventory)


def test_calls_of_supabase_js_are_read_in_all_the_forms_that_apps_use(tmp_path: Path) -> None:
    used = _calls(
        tmp_path,
        """
        await supabase.from("pots").select(); await supabase
          .from('pans' as any).insert({}); db.from(`lids`).delete();
        await supabase.rpc("count_pots", { a: 1 }); (supabase as any).rpc('sum_pots' as never);
        await supabase.storage.from("photos").upload(); supabase.storage
          .from('files').list();
        supabase.channel("x").on("postgres_changes", { event: "*", schema: "public", table: "pots" }, f)
          .on('postgres_changes' as any,
            { event: 'INSERT', schema: 'public', table: 'pans', filter: `id=eq.${pot.id}` }, f);
        supabase.auth.signInWithPassword({}); supabase.auth.mfa.enroll({}); client.auth.admin.listUsers();
        supabase.auth.signInWithOAuth({ provider: "google" }); lovable.auth.signInWithOAuth("apple", {});
        Array.from("word"); Buffer.from('bytes'); Array.from({ length: 3 });
        supabase.from(table).select(); supabase.storage.from(bucket).list(); supabase.rpc(name);
        // supabase.from("old").select()
        /* supabase.rpc("older") */ const url = "https://x.example/y"; supabase.from("after").select();
        """,
    )
    assert used.tables_used == ("after", "lids", "pans", "pots")
    assert used.rpcs_used == ("count_pots", "sum_pots")
    assert used.buckets_used == ("files", "photos")
    assert used.tables_subscribed == ("pans", "pots")
    assert used.sign_in_methods == ("admin", "mfa", "oauth:apple", "oauth:google", "password")
    for kind in ("tables", "buckets", "database functions"):
        assert _unknown(used, f"computed names of {kind}").endswith("in 1 place")


def test_names_of_the_environment_come_with_kind_place_and_function(tmp_path: Path) -> None:
    inventory = _calls(
        tmp_path, "import.meta.env.VITE_TITLE; import.meta.env.DEV; import.meta.env['VITE_X']; process.env.HOME;"
    )
    found = {(item.name, item.kind, item.function) for item in inventory.environment}
    assert {
        ("VITE_TITLE", "import.meta.env", ""),
        ("VITE_X", "import.meta.env", ""),
        ("HOME", "process.env", ""),
        ("PING_NAME", "Deno.env", "ping"),
    } <= found
    assert not any(name == "DEV" for name, _, _ in found)


def test_a_function_is_read_with_what_it_imports_through_other_files(tmp_path: Path) -> None:
    (function,) = _read(tmp_path).functions
    assert (function.name, function.entry) == ("ping", "supabase/functions/ping/index.ts")
    assert not function.verify_jwt
    assert function.imports == ("https://deno.land/std@0.168.0/http/server.ts", "npm:stripe@17")
    assert function.secrets == ("PING_NAME", "STRIPE_SECRET_KEY")


def test_a_function_asks_for_a_caller_unless_its_settings_say_no(tmp_path: Path) -> None:
    (function,) = _read(tmp_path, {"supabase/config.toml": f'project_id = "{REF}"\n'}).functions
    assert function.verify_jwt


def test_settings_that_are_no_toml_are_read_table_by_table_and_said(tmp_path: Path) -> None:
    text = f'project_id = "{REF}"\n[functions.ping]\nverify_jwt = false\n[api]\nmax_rows = 5\n'
    once = _read(tmp_path / "same", {"supabase/config.toml": text + "[functions.ping]\nverify_jwt = false\n"})
    assert not once.functions[0].verify_jwt
    assert once.settings["api"] == {"max_rows": 5}
    assert "twice" in _unknown(once, "supabase/config.toml")
    both = _read(tmp_path / "both", {"supabase/config.toml": text + "[functions.ping]\nverify_jwt = true\n"})
    assert both.functions[0].verify_jwt


def test_migrations_come_in_the_order_of_their_numbers_and_stray_files_are_said(tmp_path: Path) -> None:
    inventory = _read(
        tmp_path,
        {
            "supabase/migrations/20251231000000_first.sql": "select 1",
            "supabase/migrations/20251230000000-3531f35c-e658-4f52-aebd-cdd71853ed56.sql": "select 0",
            "supabase/migrations/debug.sql": "select 2",
        },
    )
    versions = [item.version for item in inventory.migrations]
    assert versions == ["20251230000000", "20251231000000", "20260101000000", "20260102000000"]
    assert "debug.sql" in _unknown(inventory, "SQL files without a number")


def test_what_only_the_live_project_knows_is_unknown(tmp_path: Path) -> None:
    types = "export type Database = {\n  public: {\n    Tables: {\n      pots: {\n      ghosts: {\n    Views: {\n"
    inventory = _read(
        tmp_path,
        {
            "src/integrations/supabase/types.ts": types,
            "src/calls.ts": 'supabase.storage.from("photos").list(); supabase.from("pot_list").select();'
            'ch.on("postgres_changes", { table: "ghosts" }, f).on("postgres_changes", { table: "pots" }, f);',
            "supabase/migrations/20260103000000_jobs.sql": "create extension pg_cron; select vault.create_secret('x');",
        },
    )
    assert "no migration creates (1): ghosts" in _unknown(inventory, "tables without a migration")
    assert "photos" in _unknown(inventory, "storage buckets")
    assert _unknown(inventory, "realtime tables").endswith("publishes: ghosts")
    assert _unknown(inventory, "scheduled jobs")
    assert _unknown(inventory, "vault values")
    assert "STRIPE_SECRET_KEY" in _unknown(inventory, "secrets")
    assert "git history" in _unknown(inventory, "deleted migrations")


def test_a_migration_that_history_knows_and_the_folder_lacks_is_said(tmp_path: Path) -> None:
    extra = "supabase/migrations/20260104000000_gone.sql"
    write(tmp_path, {extra: "create table gone ()"})
    commit(tmp_path)
    (tmp_path / extra).unlink()
    assert "20260104000000_gone.sql" in _unknown(_read(tmp_path), "deleted migrations")


def test_pages_services_assets_and_links_of_the_builder_are_listed(tmp_path: Path) -> None:
    inventory = _read(
        tmp_path,
        {
            "src/calls.ts": 'fetch("https://ai.gateway.lovable.dev/v1/chat/completions");\n'
            'location.href = "/~oauth/initiate";\n'
            'const share = "https://pots.lovable.app/s";\n',
            "src/assets/logo.png.asset.json": json.dumps({"url": "/__l5e/assets-v1/0f/logo.png", "size": 77}),
        },
    )
    assert inventory.pages == ("/", "/pots/:id")
    assert {item.service for item in inventory.builder_services} == {"AI gateway", "sign-in broker"}
    assert inventory.ai_endpoints == ("https://ai.gateway.lovable.dev/v1/chat/completions",)
    assert [(item.address, item.size) for item in inventory.hosted_assets] == [("/__l5e/assets-v1/0f/logo.png", 77)]
    assert [item.address for item in inventory.builder_links] == ["https://pots.lovable.app/s"]


def _lock(**versions: str) -> str:
    return json.dumps({"lockfileVersion": 3, "packages": {"": {"dependencies": versions}}})


def test_of_several_lock_files_the_one_that_fits_is_used(tmp_path: Path) -> None:
    package = json.dumps({"name": "vite_react_shadcn_ts", "dependencies": {"react": "^19"}})
    stale, fresh = _lock(react="^18"), _lock(react="^19")
    bun = '{\n  "lockfileVersion": 1,\n  "workspaces": { "": { "dependencies": { "react": "^19", }, }, },\n}\n'

    def choice(name: str, files: dict[str, str | None]) -> tuple[str, str]:
        (frontend,) = _read(tmp_path / name, {"package.json": package, **files}).frontends
        return frontend.package_manager, frontend.lock_file

    assert choice("none", {}) == ("npm", "")
    assert choice("both", {"package-lock.json": fresh, "bun.lock": bun}) == ("npm", "package-lock.json")
    assert choice("stale", {"package-lock.json": stale, "bun.lock": bun}) == ("bun", "bun.lock")
    assert choice("only", {"package-lock.json": stale}) == ("npm", "package-lock.json")
    near, far = _lock(react="^19", vite="^6"), bun.replace("^19", "^18").replace("}, }, }", '"a": "1", }, }, }')
    assert choice("nearest", {"package-lock.json": near, "bun.lock": far}) == ("npm", "package-lock.json")
    named = {"package.json": package[:-1] + ', "packageManager": "pnpm@9.1.0"}', "package-lock.json": fresh}
    assert choice("named", named) == ("pnpm", "")


@pytest.mark.parametrize(("names", "chosen"), [(b"react\0vite", "bun.lockb"), (b"vite\0svelte", "package-lock.json")])
def test_a_binary_lock_file_that_lacks_a_dependency_does_not_fit(tmp_path: Path, names: bytes, chosen: str) -> None:
    package = json.dumps({"name": "vite_react_shadcn_ts", "dependencies": {"react": "^19"}})
    stale = _lock(react="^18")
    changes: dict[str, str | None] = {**dict.fromkeys(FILES), "package.json": package, "package-lock.json": stale}
    app = write(tmp_path, changes)
    (tmp_path / "bun.lockb").write_bytes(b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n\0" + names)
    (frontend,) = read(app).frontends
    assert frontend.lock_file == chosen


_SIGN_UP = "await supabase.auth.signUp({ email, password });\n"
_CODE = 'await supabase.auth.verifyOtp({\n  email, token: code, type: "email" });\n'


@pytest.mark.parametrize(
    ("code", "config", "confirmed"),
    [
        (_SIGN_UP + _CODE, "", True),
        (_SIGN_UP + _CODE, "[auth.email]\nenable_confirmations = false\n", False),
        (_SIGN_UP, "", None),
        (_CODE, "", None),
        (_SIGN_UP + _CODE + "await supabase.auth.signInWithOtp({ email });", "", None),
        (_SIGN_UP + _CODE.replace("token:", "token_hash:"), "", None),
        (_SIGN_UP + "// " + _CODE.replace("\n", ""), "", None),
    ],
)
def test_pages_that_ask_a_new_user_for_a_code_say_that_addresses_are_confirmed(
    tmp_path: Path, code: str, config: str, confirmed: bool | None
) -> None:
    inventory = _read(tmp_path, {"src/pages/SignUp.tsx": code, "supabase/config.toml": config})
    auth = inventory.settings.get("auth", {})
    assert isinstance(auth, dict)
    assert auth.get("email", {}).get("enable_confirmations") is confirmed
    assert bool(_unknown(inventory, "whether addresses are confirmed")) == (confirmed is True)


def test_links_that_lead_out_of_the_app_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "outside.ts").write_text(f'supabase.from("stolen"); const k = "{SERVICE}";')
    write(tmp_path / "app")
    (tmp_path / "app/src/link.ts").symlink_to(tmp_path / "outside.ts")
    for _ in range(2):
        inventory = _read(tmp_path / "app")
        assert inventory.tables_used == ()
        assert [item.role for item in inventory.published_keys] == ["anon"]
        commit(tmp_path / "app")


def test_reading_twice_gives_the_same_and_changes_nothing(tmp_path: Path) -> None:
    app = write(tmp_path)
    commit(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert read(app) == read(app)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("text", ["", "[]", "{", "\0\1"])
def test_a_broken_package_file_is_said(tmp_path: Path, text: str) -> None:
    changes: dict[str, str | None] = {**dict.fromkeys(FILES), "package.json": text}
    with pytest.raises(Exception, match=r"package\.json"):
        _read(tmp_path, changes)
