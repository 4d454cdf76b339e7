"""What a reader finds in an app of Replit's agent."""

import json
from pathlib import Path

from small_apps import write

from freehold.builders.replit.read import read
from freehold.core.inventory import Inventory

SCHEMA = """import { pgTable, text, varchar, serial, index } from "drizzle-orm/pg-core";
export const users = pgTable("users", {
  id: varchar("id").primaryKey().default(sql`gen_random_uuid()`),
  email: varchar("email", { length: 200 }).unique(),
  tags: text("tags").array().notNull(),
  plainName: text(),
}, (table) => [index("by_email").on(table.email)]);
// export const ghosts = pgTable("ghosts", {});
export const pots = pgTable(
  "pots",
  { id: serial("id").primaryKey() },
);
"""
FILES = {
    "package.json": json.dumps(
        {
            "name": "rest-express",
            "scripts": {"build": "vite build", "start": "NODE_ENV=production node dist/index.js"},
            "dependencies": {"express": "4", "vite": "5", "drizzle-orm": "0.39", "bcrypt": "5"},
        }
    ),
    ".replit": (
        'modules = ["nodejs-20", "postgresql-16"]\nrun = "npm run dev"\n'
        '[nix]\npackages = ["ffmpeg"]\n'
        '[deployment]\ndeploymentTarget = "autoscale"\nbuild = ["npm", "run", "build"]\n'
        'run = ["sh", "-c", "MAIL_TOKEN=hush node dist/index.js"]\n'
        '[agent]\nintegrations = ["javascript_log_in_with_replit==1.0.0", "javascript_object_storage:2.0.0",'
        ' "stripe:1"]\n'
        '[userenv.shared]\nMAIL_TOKEN = "hush"\n'
    ),
    "shared/schema.ts": SCHEMA,
    "server/index.ts": 'app.get("/api/pots", f);\nrouter.post("/api/pots", f);\napp.listen(process.env.PORT);\n',
    "server/replitAuth.ts": (
        'const issuer = new URL(process.env.ISSUER_URL ?? "https://replit.com/oidc");\n'
        "process.env.REPLIT_DOMAINS; process.env.SESSION_SECRET; process.env.MAIL_TOKEN; process.env.STRIPE_KEY;\n"
    ),
    "server/db.ts": 'import { Pool } from "@neondatabase/serverless";\nnew Pool(process.env.DATABASE_URL);\n',
    "server/ai.ts": 'import OpenAI from "openai";\nnew OpenAI({ url: process.env.AI_INTEGRATIONS_OPENAI_BASE_URL });\n',
    "server/objectStorage.ts": 'const sidecar = "http://127.0.0.1:1106";\n',
    "client/src/App.tsx": '<Route path="/pots" component={Pots} />;\n',
}


def _read(root: Path, changes: dict[str, str] | None = None) -> Inventory:
    return read(write(root, FILES | (changes or {})))


def _unknown(inventory: Inventory, what: str) -> str:
    return next((item.why for item in inventory.unknowns if item.what == what), "")


def test_tables_are_read_from_drizzle_with_columns_and_comments_do_not_count(tmp_path: Path) -> None:
    records = _read(tmp_path).records
    assert [(item.name, item.kind, item.places[0].line) for item in records] == [
        ("pots", "table", 9),
        ("users", "table", 2),
    ]
    assert [(field.name, field.type, field.required) for field in records[1].fields] == [
        ("id", "varchar", True),
        ("email", "varchar", False),
        ("tags", "array of text", True),
        ("plainName", "text", False),
    ]


def test_the_server_is_built_and_started_as_the_deployment_says_without_values(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    (server,) = inventory.servers
    assert (server.framework, server.entry, server.routes) == ("express", "server/index.ts", 2)
    assert server.build_command == ("npm", "run", "build")
    assert server.start_command == ("sh", "-c", "MAIL_TOKEN=... node dist/index.js")
    assert server.system_packages == ("ffmpeg",)
    assert "hush" not in repr(inventory)
    assert not inventory.served


def test_a_command_of_package_json_is_used_where_replit_says_none(tmp_path: Path) -> None:
    (server,) = _read(tmp_path, {".replit": ""}).servers
    assert server.start_command == ("NODE_ENV=production", "node", "dist/index.js")


def test_platform_services_are_found_in_code_and_each_has_an_answer(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    assert {item.what for item in inventory.breaks} == {
        "sign-in by Replit",
        "AI by Replit",
        "object storage",
        "Neon's websocket driver",
    }
    assert inventory.sign_in_methods == ("password", "replit:oidc")
    assert inventory.settings["replit"] == {
        "deployment": "autoscale",
        "modules": ["nodejs-20", "postgresql-16"],
        "integrations": ["log_in_with_replit", "object_storage", "stripe"],
    }


def test_names_are_told_apart_by_who_supplies_them(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    assert inventory.secrets == ("MAIL_TOKEN", "STRIPE_KEY")
    assert _unknown(inventory, "secrets").endswith("(1): STRIPE_KEY")


def test_generations_are_told_by_the_folder_of_integrations(tmp_path: Path) -> None:
    assert _read(tmp_path / "a").generation == "agent-1"
    second = {"server/replit_integrations/auth/replitAuth.ts": "export {};"}
    assert _read(tmp_path / "b", second).generation == "agent-2"


def test_a_broken_settings_file_is_said(tmp_path: Path) -> None:
    assert "not valid TOML" in _unknown(_read(tmp_path, {".replit": "run = = 1\n"}), ".replit")


def test_only_the_database_knows_its_schema(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    assert _unknown(inventory, "the schema")
    assert _unknown(inventory, "objects in the store")
    assert inventory.pages == ("/pots",)
