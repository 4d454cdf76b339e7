"""What a reader finds in a Base44 app of any age."""

import json
from pathlib import Path

import pytest
from small_apps import write

from freehold.builders.base44.read import read
from freehold.core.inventory import Inventory, RecordKind

APP_ID = "0123456789abcdef01234567"
ORDER = """// kept by the owner
{
  "name": "Order",
  "type": "object",
  "properties": {
    "state": { "type": "string", "enum": ["open", "paid"], "default": "open" }, /* a link: */
    "url": { "type": ["string", "null"], "description": "https://x.example // no comment" },
    "lines": { "type": "array", "items": { "type": "object" } },
    "due": { "type": "string", "format": "date", "rls": { "write": false } },
  },
  "required": ["state"],
  "rls": { "create": {}, "read": { "created_by": "{{user.email}}" } },
}
"""
CLI = {
    "package.json": '{"dependencies": {"@base44/sdk": "^0.8.35", "vite": "6"}}',
    "base44/config.jsonc": '{\n  // the app\n  "name": "Pots",\n}\n',
    "base44/.app.jsonc": f'{{"id": "{APP_ID}"}}',
    "base44/entities/order.jsonc": ORDER,
    "base44/functions/charge/entry.ts": (
        'import Stripe from "npm:stripe@17";\nimport { low } from "../../shared/low.ts";\n'
        'Deno.serve(async (req) => { req.headers.get("stripe-signature"); Deno.env.get("STRIPE_KEY");\n'
        "  base44.asServiceRole.entities.Order.filter({}); });\n"
    ),
    "base44/functions/charge/function.jsonc": json.dumps(
        {
            "name": "charge",
            "entry": "entry.ts",
            "automations": [
                {"name": "nightly", "type": "scheduled", "schedule_type": "cron", "cron_expression": "0 3 * * *"},
                {"name": "paid", "type": "entity", "entity_name": "Order", "event_types": ["update"]},
            ],
        }
    ),
    "base44/shared/low.ts": 'export const low = secrets.get("LOW_KEY") + Deno.env.get("BASE44_APP_ID");',
    "base44/agents/helper.jsonc": json.dumps(
        {
            "name": "helper",
            "tool_configs": [
                {"entity_name": "Order", "allowed_operations": ["create", "read"]},
                {"function_name": "charge"},
            ],
        }
    ),
    "base44/connectors/slack.jsonc": '{"type": "slack", "scopes": ["chat:write"]}',
    "base44/auth/config.jsonc": '{"enableUsernamePassword": true, "enableGoogleLogin": false}',
    "src/pages/Home.jsx": (
        "const a = await base44.entities.Order.list();\nawait base44.entities.Pot.create({});\n"
        "// base44.entities.Ghost.list()\n"
        "const r = await base44.integrations.Core.InvokeLLM({ prompt, model: 'claude_sonnet_4_6' });\n"
        "await base44.integrations.Core.SendEmail({ to });\nbase44.auth.redirectToLogin();\n"
    ),
    "src/Layout.jsx": '<img src="https://media.base44.com/images/public/x/logo.png" />',
}


def _read(root: Path, files: dict[str, str]) -> Inventory:
    return read(write(root, files))


def _entity(inventory: Inventory, name: str) -> RecordKind:
    return next(item for item in inventory.records if item.name == name)


def _unknown(inventory: Inventory, what: str) -> str:
    return next((item.why for item in inventory.unknowns if item.what == what), "")


def test_the_cli_layout_is_read_with_everything_in_its_folder(tmp_path: Path) -> None:
    inventory = _read(tmp_path, CLI)
    assert (inventory.generation, inventory.app_id) == ("base44-2026-05", APP_ID)
    assert [(agent.name, agent.entities, agent.functions) for agent in inventory.agents] == [
        ("helper", ("Order (create, read)",), ("charge",))
    ]
    assert [(item.type, item.scopes) for item in inventory.connectors] == [("slack", ("chat:write",))]
    assert [(item.name, item.kind, item.function, item.detail) for item in inventory.automations] == [
        ("nightly", "scheduled", "charge", "0 3 * * *"),
        ("paid", "entity", "charge", "Order: update"),
    ]
    assert inventory.sign_in_methods == ("login page", "password")
    assert "/Home" in inventory.pages
    assert inventory.served
    assert inventory.runtime_settings == {
        "base44": {"app_id": APP_ID, "visibility": "public_with_login", "name": inventory.settings["name"]}
    }


def test_the_build_is_told_its_own_address_and_id_and_an_old_client_is_replaced(tmp_path: Path) -> None:
    inventory = _read(tmp_path / "new", CLI)
    assert inventory.backend is not None
    assert inventory.backend.url_names == ("VITE_BASE44_BACKEND_URL", "VITE_BASE44_APP_BASE_URL")
    assert inventory.backend.build_values == {"VITE_BASE44_APP_ID": APP_ID, "BASE44_LEGACY_SDK_IMPORTS": "true"}
    assert inventory.client_upgrades == ()
    package = '{"name": "base44-app", "dependencies": {"@base44/sdk": "^0.1.2", "vite": "6"}}'
    old = _read(tmp_path / "old", OLD | {"package.json": package})
    assert [item.package for item in old.client_upgrades] == ["@base44/sdk"]


@pytest.mark.parametrize(
    ("given", "visibility"),
    [("public", "public_without_login"), ("private", "private_with_login"), ("workspace", "workspace_with_login")],
)
def test_who_may_enter_is_what_the_project_file_says(tmp_path: Path, given: str, visibility: str) -> None:
    config = f'{{"name": "Pots", "visibility": "{given}"}}'
    settings = _read(tmp_path, CLI | {"base44/config.jsonc": config}).runtime_settings["base44"]
    assert isinstance(settings, dict)
    assert settings["visibility"] == visibility


def test_an_entity_is_read_with_types_choices_and_rules_from_json_with_comments(tmp_path: Path) -> None:
    order = _entity(_read(tmp_path, CLI), "Order")
    assert order.declared
    assert [(field.name, field.type, field.format, field.required) for field in order.fields] == [
        ("state", "string", "", True),
        ("url", "string or null", "", False),
        ("lines", "array of object", "", False),
        ("due", "string", "date", False),
    ]
    assert order.fields[0].choices == ("open", "paid")
    assert [field.name for field in order.fields if field.has_rules] == ["due"]
    assert order.rules == {"create": {}, "read": {"created_by": "{{user.email}}"}}
    assert order.uses == 2


def test_an_entity_without_rules_is_told_from_one_with_empty_rules(tmp_path: Path) -> None:
    files = {
        "package.json": "{}",
        "base44/entities/Open.json": '{"name": "Open", "properties": {}}',
        "base44/entities/Empty.json": '{"name": "Empty", "properties": {}, "rls": {}}',
        "base44/entities/Old.json": '{"name": "Old", "properties": {}, "security": {"read": true}}',
    }
    inventory = _read(tmp_path, files)
    assert _entity(inventory, "Open").rules is None
    assert _entity(inventory, "Empty").rules == {}
    assert _entity(inventory, "Old").rules == {"read": True}


def test_an_entity_that_no_file_describes_is_inferred_and_marked_and_comments_do_not_count(tmp_path: Path) -> None:
    inventory = _read(tmp_path, CLI)
    pot = _entity(inventory, "Pot")
    assert (pot.declared, pot.fields, pot.places[0].line) == (False, (), 2)
    assert [item.name for item in inventory.records] == ["Order", "Pot"]
    assert _unknown(inventory, "schemas of entities").endswith("(1): Pot")


def test_a_broken_schema_file_is_said_and_does_not_hide_the_others(tmp_path: Path) -> None:
    inventory = _read(tmp_path, CLI | {"base44/entities/bad.jsonc": '{"name": "Bad", '})
    assert "bad.jsonc" in _unknown(inventory, "entity schemas")
    assert _entity(inventory, "Order").declared


def test_a_function_is_read_with_imports_and_secrets_through_shared_files(tmp_path: Path) -> None:
    (function,) = _read(tmp_path, CLI).functions
    assert (function.name, function.entry) == ("charge", "base44/functions/charge/entry.ts")
    assert function.imports == ("npm:stripe@17",)
    assert function.secrets == ("LOW_KEY", "STRIPE_KEY")
    assert not function.verify_jwt


def test_functions_of_every_layout_are_found(tmp_path: Path) -> None:
    files = {
        "package.json": "{}",
        "functions/old.ts": "Deno.serve(() => new Response());",
        "functions/types.ts": "export type A = 1;",
        "base44/functions/group/inner/entry.ts": "Deno.serve(f);",
        "base44/functions/named/main.ts": "Deno.serve(f);",
        "base44/functions/named/function.json": '{"name": "given", "entry": "main.ts"}',
    }
    assert [item.name for item in _read(tmp_path, files).functions] == ["given", "group--inner", "old"]


def test_folders_may_be_renamed_in_the_project_file(tmp_path: Path) -> None:
    files = {
        "package.json": "{}",
        "base44/config.jsonc": '{"entitiesDir": "./models"}',
        "base44/models/pot.jsonc": '{"name": "Pot", "type": "object", "properties": {}}',
    }
    assert [(item.name, item.declared) for item in _read(tmp_path, files).records] == [("Pot", True)]


def test_what_breaks_is_named_with_where_code_depends_on_it(tmp_path: Path) -> None:
    breaks = {item.what: item.places for item in _read(tmp_path, CLI).breaks}
    for what in ("AI", "e-mail", "connectors", "agents", "automations", "1 file in Base44's store"):
        assert breaks[what], what
    assert [place.path for place in breaks["webhooks of others to the old address"]] == [
        "base44/functions/charge/entry.ts"
    ]


def test_a_model_that_a_call_names_is_listed(tmp_path: Path) -> None:
    calls = {call.through: call.models for call in _read(tmp_path, CLI).ai_calls}
    assert calls == {"Core.InvokeLLM": ("claude_sonnet_4_6",)}


def test_triggers_and_schedules_are_unknown_whatever_the_files_say(tmp_path: Path) -> None:
    inventory = _read(tmp_path, CLI)
    assert _unknown(inventory, "automations and workflows")
    assert _unknown(inventory, "visibility and sign-in")
    assert "STRIPE_KEY" in _unknown(inventory, "secrets")


OLD = {
    "package.json": '{"name": "base44-app", "dependencies": {"@base44/sdk": "^0.1.2", "vite": "6"}}',
    "src/api/base44Client.js": f'export const base44 = createClient({{ appId: "{APP_ID}", requiresAuth: true }});',
    "src/api/entities.js": (
        "export const Pot = base44.entities.Pot;\nexport const Query = base44.entities.Query;\n"
        "export const User = base44.auth;\n"
    ),
    "src/pages/index.jsx": "function _getCurrentPage(url) {}",
    "src/pages/Pots.jsx": (
        'import { Pot, User } from "@/api/entities";\nimport { UploadFile } from "@/api/integrations";\n'
        "const pots = await Pot.list(); await Pot.create({}); User.login(); UploadFile({ file });\n"
    ),
}


def test_an_old_export_is_read_through_the_names_that_its_pages_import(tmp_path: Path) -> None:
    inventory = _read(tmp_path, OLD)
    assert (inventory.generation, inventory.app_id) == ("export-2025", APP_ID)
    assert [(item.name, item.declared, item.uses) for item in inventory.records] == [("Pot", False, 2)]
    assert inventory.pages == ("/Pots",)
    assert inventory.sign_in_methods == ("login page",)
    assert _unknown(inventory, "functions")
    assert _unknown(inventory, "uploaded files")


@pytest.mark.parametrize(
    ("path", "generation"),
    [
        ("src/pages.config.js", "functions-2025-11"),
        ("base44/functions/a/entry.ts", "base44-2026-03"),
        ("base44/config.json", "base44-2026-05"),
    ],
)
def test_layouts_are_told_apart_by_their_newest_folder(tmp_path: Path, path: str, generation: str) -> None:
    assert _read(tmp_path, OLD | {path: "{}"}).generation == generation


def test_an_app_that_its_owner_moved_to_supabase_keeps_both_pictures(tmp_path: Path) -> None:
    code = "supabase.from('pots').select(); base44.entities.Pot.list();"
    inventory = _read(tmp_path, OLD | {"src/lib/db.js": code, ".env": "VITE_SUPABASE_URL=https://x.example\n"})
    assert inventory.tables_used == ("pots",)
    assert "Pot" in {item.name for item in inventory.records}


def test_the_builders_own_file_store_is_not_taken_for_the_apps_back_end(tmp_path: Path) -> None:
    address = "https://qtrypzzcjebvfcihiynt.supabase.co/storage/v1/object/public/base44-prod/public/x/a.png"
    inventory = _read(tmp_path, OLD | {"src/logo.js": f"export default '{address}';"})
    assert inventory.backend is not None
    assert inventory.backend.url == "https://base44.app"
    assert inventory.other_backends == ()
    assert [item.address for item in inventory.hosted_assets] == [address]
