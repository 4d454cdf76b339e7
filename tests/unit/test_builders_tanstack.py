"""What a reader finds in the server side of a TanStack Start app."""

import json
from pathlib import Path

from lovable_app import write

from freehold.builders.lovable.read import read
from freehold.core.inventory import Inventory, Place

PACKAGE = json.dumps(
    {"name": "tanstack_start_ts", "dependencies": {"@tanstack/react-start": "^1.160.0", "react": "^19.0.0"}}
)
ADMIN = 'import { supabaseAdmin } from "@/integrations/supabase/client.server";\n'
FILES: dict[str, str | None] = {
    "package.json": PACKAGE,
    "src/start.ts": "export const startInstance = createStart(() => ({\n"
    "  requestMiddleware: [errorMiddleware],\n  functionMiddleware: [attachSupabaseAuth] }));\n",
    "src/lib/pots.functions.ts": 'import { createServerFn } from "@tanstack/react-start";\n'
    + ADMIN
    + 'export const listPots = createServerFn({ method: "GET" }).middleware([requireSupabaseAuth])\n'
    "  .handler(async ({ context }) => context.supabase.from('pots').select());\n"
    'export const dropPot = createServerFn({ method: "POST" })\n'
    "  .handler(async ({ data }) => supabaseAdmin.from('pots').delete().eq('id', data.id));\n"
    "// export const old = createServerFn()\n"
    "const helper = () => supabaseAdmin;\n",
    "src/routes/index.tsx": 'export const Route = createFileRoute("/")({ component: Home });\n',
    "src/routes/api/pay.ts": 'export const Route = createFileRoute("/api/pay")({\n'
    "  server: { middleware: [limited], handlers: {\n"
    '    POST: async ({ request }) => { const key = process.env.PAY_SECRET_KEY; return new Response("{}"); },\n'
    "    OPTIONS: async () => new Response(null) } },\n});\n"
    "const GET = { GET: 1 };\n",
    "src/routes/both.tsx": 'export const Route = createFileRoute("/both")({\n'
    "  server: { handlers: { GET: () => new Response() } },\n  component: Both,\n});\n",
    "src/lib/pots.test.ts": "createServerFn(); process.env.TEST_ONLY;\n",
    "scripts/seed.ts": "process.env.SEED_ONLY;\n",
}


def _read(root: Path, changes: dict[str, str | None] | None = None) -> Inventory:
    return read(write(root, FILES | (changes or {})))


def test_server_functions_come_with_method_middleware_rights_and_place(tmp_path: Path) -> None:
    found = {item.name: item for item in _read(tmp_path).server_functions if item.kind == "server function"}
    assert sorted(found) == ["dropPot", "listPots"]
    assert found["listPots"].middleware == ("attachSupabaseAuth", "requireSupabaseAuth")
    assert (found["listPots"].methods, found["listPots"].every_right) == (("GET",), False)
    assert found["dropPot"].middleware == ("attachSupabaseAuth",)
    assert (found["dropPot"].methods, found["dropPot"].every_right) == (("POST",), True)
    assert found["dropPot"].places == (Place(path="src/lib/pots.functions.ts", line=5),)


def test_functions_of_one_name_are_told_apart_by_their_places(tmp_path: Path) -> None:
    again = 'export const listPots = createServerFn({ method: "GET" }).handler(async () => []);\n'
    inventory = _read(tmp_path, {"src/lib/kilns.functions.ts": again})
    assert [item.places[0].path for item in inventory.server_functions if item.name == "listPots"] == [
        "src/lib/kilns.functions.ts",
        "src/lib/pots.functions.ts",
    ]


def test_server_routes_are_read_and_are_no_pages(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    found = {item.name: item for item in inventory.server_functions if item.kind == "server route"}
    assert sorted(found) == ["/api/pay", "/both"]
    assert found["/api/pay"].methods == ("POST", "OPTIONS")
    assert found["/api/pay"].middleware == ("errorMiddleware", "limited")
    assert not found["/api/pay"].every_right
    assert "/api/pay" not in inventory.pages
    assert {"/", "/both"} <= {*inventory.pages}


def test_pages_are_addresses_without_layouts_and_groups(tmp_path: Path) -> None:
    routes = ("/_signed", "/_signed/", "/_signed/pots/$id", "/_signed/pots_/all", "/(shop)/cart", "/about")
    files: dict[str, str | None] = {
        f"src/routes/{number}.tsx": f'export const Route = createFileRoute("{route}")({{ component: Page }});\n'
        for number, route in enumerate(routes)
    }
    assert _read(tmp_path, files).pages == ("/", "/about", "/both", "/cart", "/pots/$id", "/pots/:id", "/pots/all")


def test_the_older_forms_of_server_routes_are_read(tmp_path: Path) -> None:
    inventory = _read(
        tmp_path,
        {
            "src/routes/api/old.ts": 'export const ServerRoute = createServerFileRoute("/api/old").methods({\n'
            "  GET: async () => new Response() });\n",
            "src/routes/api/oldest.ts": 'export const APIRoute = createAPIFileRoute("/api/oldest")({\n'
            "  PUT: async () => new Response() });\n",
        },
    )
    methods = {item.name: item.methods for item in inventory.server_functions if item.kind == "server route"}
    assert (methods["/api/old"], methods["/api/oldest"]) == (("GET",), ("PUT",))
    assert not {"/api/old", "/api/oldest"} & {*inventory.pages}


def test_names_that_the_server_reads_are_secrets_and_those_of_scripts_and_tests_are_not(tmp_path: Path) -> None:
    inventory = _read(tmp_path)
    assert inventory.secrets == ("PAY_SECRET_KEY",)
    assert "PAY_SECRET_KEY" in next(item.why for item in inventory.unknowns if item.what == "secrets of the server")


def test_a_vite_app_has_no_server_functions(tmp_path: Path) -> None:
    inventory = read(write(tmp_path))
    assert inventory.server_functions == ()
    assert inventory.secrets == ()


def test_services_that_only_edge_functions_import_are_named_with_the_function(tmp_path: Path) -> None:
    entry = "supabase/functions/process-email-queue/index.ts"
    inventory = read(write(tmp_path, {entry: 'import { send } from "npm:@lovable.dev/email-js@0.0.4";\n'}))
    (mail,) = (item for item in inventory.builder_services if item.service == "e-mail")
    assert mail.places == (Place(path=entry, line=1),)
    assert "e-mail" in {item.what for item in inventory.breaks}
    assert "the mail queue's job" in {item.what for item in inventory.unknowns}
