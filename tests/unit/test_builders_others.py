"""All six builders asked at once: whose app it is, what is mixed, and what is nobody's."""

import json
from pathlib import Path

import nested
import pytest
from small_apps import BOLT, commit, write

from freehold.builders import registry
from freehold.core.app import App, Match
from freehold.core.errors import NotServedYet
from freehold.flows.read import read_served_app

MARKS: dict[str, dict[str, str]] = {
    "lovable": {"package.json": '{"devDependencies": {"lovable-tagger": "1"}}'},
    "bolt": {".bolt/prompt": "be brief"},
    "base44": {"base44/config.jsonc": "{}"},
    "emergent": {".emergent/emergent.yml": "{}"},
    "replit": {".replit": 'run = "npm run dev"\n', "replit.md": "# App"},
    "v0": {"app/layout.tsx": "export const metadata = {\n  generator: 'v0.app',\n};\n"},
}


def _matches(root: Path, files: dict[str, str]) -> tuple[Match, ...]:
    return registry.recognise(write(root, files))


def _score(root: Path, files: dict[str, str], builder: str) -> int:
    return next((match.score for match in _matches(root, files) if match.builder == builder), 0)


@pytest.mark.parametrize("builder", sorted(MARKS))
def test_one_sure_mark_is_enough_and_names_its_file(tmp_path: Path, builder: str) -> None:
    (match,) = _matches(tmp_path, MARKS[builder])
    assert (match.builder, match.score >= 5) == (builder, True)
    assert match.evidence[0].path in MARKS[builder]


def test_every_builder_in_the_registry_is_tested_here() -> None:
    assert set(registry.names()) >= set(MARKS)


def test_a_layout_that_names_its_generator_is_evidence_with_its_line(tmp_path: Path) -> None:
    (match,) = _matches(tmp_path, MARKS["v0"])
    assert [(item.path, item.line) for item in match.evidence] == [("app/layout.tsx", 2)]


def test_an_app_that_moved_between_builders_matches_both_and_the_stronger_goes_first(tmp_path: Path) -> None:
    files = MARKS["lovable"] | MARKS["replit"] | {"server/replitAuth.ts": "export {};"}
    assert [match.builder for match in _matches(tmp_path, files)] == ["replit", "lovable"]


@pytest.mark.parametrize(
    "files",
    [
        {"package.json": '{"name": "@base44/sdk", "dependencies": {"axios": "1"}}', "src/client.ts": "export {};"},
        {"design_guidelines.json": "{}", "test_result.md": "", "server.py": "app = 1"},
        {"src/api/entities.js": "export const User = 1;", "package.json": "{}"},
        {"supabase/migrations/20250101000000_a.sql": "/*\n# One\n*/", "package.json": "{}"},
        {"README.md": "Deploy with v0 of the API", "app/layout.tsx": "generator: 'Next.js'"},
        {"src/utils/index.ts": "export const pageUrl = 1;", "requirements.txt": "fastapi\nmotor\n"},
    ],
)
def test_what_only_looks_alike_is_nobodys(tmp_path: Path, files: dict[str, str]) -> None:
    assert _matches(tmp_path, files) == ()


def test_the_name_of_the_packages_own_project_is_no_dependency_on_it(tmp_path: Path) -> None:
    files = {"package.json": '{"name": "@base44/sdk", "devDependencies": {"@base44/sdk": "0.8.0"}}'}
    assert _matches(tmp_path, files) == ()


def test_reading_replits_environment_alone_is_not_sure(tmp_path: Path) -> None:
    assert _score(tmp_path, {"vite.config.ts": "if (process.env.REPL_ID) {}"}, "replit") == 2


def test_five_migrations_with_a_title_speak_for_bolt_and_four_do_not(tmp_path: Path) -> None:
    files = {f"supabase/migrations/2025010100000{n}_a.sql": "/*\n  # Title\n*/\nselect 1;" for n in range(4)}
    assert _score(tmp_path / "four", files, "bolt") == 0
    files |= {"supabase/migrations/20250101000009_a.sql": "/*\n# Title\n*/"}
    assert _score(tmp_path / "five", files, "bolt") == 4


@pytest.mark.parametrize(
    ("builder", "message", "author", "email", "score"),
    [
        ("bolt", "Fix it [BoltSync]", "Somebody", "a@b.c", 3),
        ("base44", "Initial commit for 0123456789abcdef01234567", "Somebody", "a@b.c", 6),
        ("base44", "File changes", "base44-builder[bot]", "a@b.c", 3),
        ("emergent", "auto-commit for 01234567-89ab", "Somebody", "a@b.c", 3),
        ("emergent", "Changes", "emergent-agent-e1", "github@emergent.sh", 3),
        ("replit", "Add\n\nReplit-Commit-Author: Agent\n", "Somebody", "a@b.c", 3),
        ("replit", "Add", "Somebody", "123-x@users.noreply.replit.com", 3),
        ("v0", "v0 code export - 2026", "Somebody", "a@b.c", 3),
        ("v0", "Changes", "v0[bot]", "a@b.c", 3),
    ],
)
def test_commits_speak_for_the_builder_that_wrote_them(  # noqa: PLR0917 - a row of the table
    tmp_path: Path, builder: str, message: str, author: str, email: str, score: int
) -> None:
    write(tmp_path, {"index.html": "<p>"})
    commit(tmp_path, message, author, email)
    assert [(match.builder, match.score) for match in registry.recognise(_app(tmp_path))] == [(builder, score)]


def test_a_service_named_in_python_counts_with_and_without_git(tmp_path: Path) -> None:
    files = {"backend/x.py": "\nurl = 'https://demobackend.emergentagent.com/auth'\n"}
    for _ in range(2):
        (match,) = _matches(tmp_path, files)
        assert [(item.weight, item.path, item.line) for item in match.evidence] == [(4, "backend/x.py", 2)]
        commit(tmp_path)


@pytest.mark.parametrize("builder", sorted(set(MARKS) - {"lovable"}))
def test_an_app_with_nothing_to_build_or_run_is_said_to_be_none(tmp_path: Path, builder: str) -> None:
    app = write(tmp_path, {"notes.txt": "nothing"})
    with pytest.raises(Exception, match=r"package\.json"):
        registry.builder(builder).read(app)


@pytest.mark.parametrize("builder", sorted(MARKS))
def test_reading_twice_gives_the_same_and_never_a_secrets_value(tmp_path: Path, builder: str) -> None:
    canary = "canary-secret-77aa01"
    files = BOLT | {
        "package.json": json.dumps(
            {
                "scripts": {"start": f"JWT_SECRET={canary} node server/index.js", "build": "vite build"},
                "dependencies": {"express": "5", "vite": "6"},
            }
        ),
        "server/index.js": f'app.get("/api/x", f); app.listen(1); const k = process.env.API_KEY || "{canary}";',
        "backend/server.py": f'import motor\nJWT = os.environ.get("JWT_SECRET", "{canary}")\ndb.pots.find_one()\n',
        ".replit": f'run = ["sh", "-c", "TOKEN={canary} npm start"]\n[userenv.shared]\nAPI_KEY = "{canary}"\n',
        ".env": f"API_KEY={canary}\nVITE_TITLE=x\n",
        "vercel.json": json.dumps({"crons": [{"path": f"/api/run?key={canary}", "schedule": "0 0 * * *"}]}),
        "base44/functions/run/entry.ts": f'Deno.serve(() => "{canary}" + Deno.env.get("API_KEY"));',
    }
    app = write(tmp_path, files)
    reader = registry.builder(builder)
    assert reader.read(app) == reader.read(app)
    assert canary not in repr(reader.read(app))


REPLIT = {
    ".replit": '[agent]\nintegrations = ["javascript_log_in_with_replit==1.0.0"]\n',
    "replit.md": "",
    "server/replitAuth.ts": 'new URL(process.env.ISSUER_URL ?? "https://replit.com/oidc");\n',
}


def test_an_app_that_cannot_be_served_says_so_by_its_builders_name(tmp_path: Path) -> None:
    with pytest.raises(NotServedYet) as caught:
        read_served_app(write(tmp_path, {"package.json": '{"name": "pots"}', **REPLIT}))
    assert "recognised as Replit" in caught.value.message
    assert caught.value.hint.startswith("freehold check ")


def test_hosts_of_an_earlier_builder_are_among_what_breaks(tmp_path: Path) -> None:
    files = BOLT | {"src/old.ts": '\nfetch("https://ai.gateway.lovable.dev/v1/chat");\n// see media.base44.com\n'}
    found = {item.what: item.places for item in registry.builder("bolt").read(write(tmp_path, files)).breaks}
    assert [(place.path, place.line) for place in found["hosts of lovable, from before"]] == [("src/old.ts", 2)]
    assert "hosts of base44, from before" in found


@pytest.mark.parametrize("builder", sorted(MARKS))
def test_files_that_are_nested_or_open_without_end_are_survived(tmp_path: Path, builder: str) -> None:
    deep, many, key = "[" * 100_000, 'pgTable("a", {' * 20_000, nested.tokens()[1] + "A" * 20
    broken = (".bolt/config.json", "base44/config.jsonc", ".lovable/project.json", "vercel.json", "app.json")
    files = BOLT | dict.fromkeys((*broken, "package-lock.json", "bun.lock", "src/a.asset.json"), deep)
    files |= {"base44/entities/a.json": '{"a":' * 100_000, "shared/schema.ts": many, ".replit": deep}
    files |= {"supabase/config.toml": f"[auth]\na = {deep}\n", "pyproject.toml": f"a = {deep}"}
    files |= {"src/client.ts": f'createClient("https://x.supabase.co", "{key}");'}
    assert registry.builder(builder).read(write(tmp_path, files)).builder == builder


def test_what_breaks_off_lovable_has_an_answer_and_its_places(tmp_path: Path) -> None:
    files = MARKS["lovable"] | {
        "src/ai.ts": 'fetch("https://ai.gateway.lovable.dev/v1/chat/completions");',
        "capacitor.config.ts": "export default { appId: 'com.pots.app' };",
    }
    inventory = registry.builder("lovable").read(write(tmp_path, files))
    assert [(item.what, item.places[0].path) for item in inventory.breaks] == [("AI gateway", "src/ai.ts")]
    assert [shell.identifier for shell in inventory.native_shells] == ["com.pots.app"]


def _app(root: Path) -> App:
    return App(root=root, origin=str(root), name="pots")
