"""`freehold check`, as an owner types it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import flaws
import jsonschema
import lovable_app
import pytest
from owner import Owner

from freehold.core.errors import ProgramMissing
from freehold.kit import programs

pytestmark = pytest.mark.e2e
SCHEMA = json.loads((Path(__file__).parents[2] / "docs/reference/check.schema.json").read_text())


@pytest.fixture(scope="module", autouse=True)
def _postgres() -> None:
    try:
        programs.postgres()
    except ProgramMissing as missing:
        pytest.skip(f"no PostgreSQL here: {missing.message}")


@pytest.fixture(scope="module")
def flawed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("flawed")
    lovable_app.write(root, flaws.FLAWED)
    lovable_app.commit(root)
    return root


def test_the_sample_has_nothing_severe(owner: Owner, sample: Path) -> None:
    result = owner.run("check", str(sample))
    assert result.returncode == 0, result.stdout
    assert "lovable" in result.stdout
    assert "HIGH" not in result.stdout
    assert "CRITICAL" not in result.stdout
    assert "6 of the 6 in the builder's types" in result.stdout
    assert "Next: freehold up" in result.stdout
    to_copy = ("Next", "      ")
    assert [line for line in result.stdout.splitlines() if len(line) > 102 and not line.startswith(to_copy)] == []


def test_no_secret_is_printed_anywhere(owner: Owner, flawed: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    text = owner.run("check", str(flawed), "--report", str(page))
    machine = owner.run("check", str(flawed), "--json")
    assert text.returncode == machine.returncode == 1
    shown = text.stdout + text.stderr + machine.stdout + machine.stderr + page.read_text()
    for line in (*flaws.CANARIES, *flaws.PRIVATE.splitlines()[1:-1]):
        assert line not in shown


def test_nothing_of_the_app_runs_and_nothing_needs_a_network(owner: Owner, tmp_path: Path) -> None:
    root, traces = tmp_path / "app", tmp_path / "traces"
    traces.mkdir()
    leave = f"touch {traces}"
    package = json.loads(lovable_app.FILES["package.json"])
    package["scripts"] = {name: f"{leave}/{name}" for name in ("preinstall", "postinstall", "build", "prepare", "test")}
    sql = f"create table public.open (id int);\ncopy public.open to program '{leave}/sql';\n"
    changes: dict[str, str | None] = {
        "package.json": json.dumps(package),
        "vite.config.ts": f'import {{ execSync }} from "child_process"; execSync("{leave}/vite");\n',
        "supabase/migrations/20260103000000_2f0e0d0c-0b0a-4908-8706-050403020100.sql": sql,
        ".gitattributes": "* filter=own diff=own\n",
    }
    lovable_app.write(root, changes)
    lovable_app.commit(root)
    for setting in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "filter.own.clean",
        "filter.own.smudge",
        "diff.own.textconv",
    ):
        subprocess.run(["git", "config", setting, f"{leave}/{setting}"], cwd=root, check=True)
    hook = root / ".git/hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\n{leave}/hook\n")
    hook.chmod(0o755)
    alone = shutil.which("unshare")
    if alone is None or subprocess.run([alone, "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here")
    result = owner.run("check", str(root), "--json", "--no-database", before=(alone, "-rn"))
    assert json.loads(result.stdout)["inventory"]["builder"] == "lovable", result.stderr
    assert json.loads(owner.run("check", str(root), "--json").stdout)["schema"]["applied"] > 0
    assert [*traces.iterdir()] == []


def test_errors_hold_no_secret(owner: Owner, tmp_path: Path) -> None:
    address = f"https://somebody:{flaws.DATABASE_PASSWORD}@127.0.0.1:9/pots.git"
    for given in ((), ("--json",)):
        result = owner.run("check", address, *given)
        assert result.returncode == 2
        assert flaws.DATABASE_PASSWORD not in result.stdout + result.stderr
    lovable_app.write(
        tmp_path,
        {"package.json": f'{{"token": "{flaws.STRIPE}", broken', "supabase/config.toml": f'a = "{flaws.STRIPE}\n'},
    )
    broken = owner.run("check", str(tmp_path), "--no-database")
    assert flaws.STRIPE not in broken.stdout + broken.stderr


def test_the_document_is_as_the_schema_says(owner: Owner, flawed: Path, sample: Path) -> None:
    for app in (flawed, sample):
        document = json.loads(owner.run("check", str(app), "--json").stdout)
        jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert document["inventory"]["builder"] == "lovable"


def test_the_page_loads_nothing_and_runs_nothing(owner: Owner, flawed: Path, tmp_path: Path) -> None:
    (flawed / "x<img src=q onerror=alert(1)>.env").write_text("")
    page = tmp_path / "report.html"
    owner.run("check", str(flawed), "--report", str(page), "--no-database")
    html = page.read_text()
    assert "default-src &#x27;none&#x27;" in html
    assert not re.search(r"<script|<img|<link|@import|url\(|\son\w+=|https?://[^<]*\.(?:css|js)", html)
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_findings_decide_the_exit_status_only_where_they_are_severe_enough(owner: Owner, tmp_path: Path) -> None:
    lovable_app.write(tmp_path, flaws.RIGHT | {"src/keep.ts": 'localStorage.setItem("auth_token", token);\n'})
    lovable_app.commit(tmp_path)
    assert owner.run("check", str(tmp_path)).returncode == 0
    lovable_app.write(tmp_path, flaws.RIGHT | {"server/key.ts": f'const key = "{flaws.STRIPE}";\n'})
    lovable_app.commit(tmp_path)
    assert owner.run("check", str(tmp_path), "--no-database").returncode == 1
    assert owner.run("check", str(tmp_path), "--fail-on", "never", "--no-database").returncode == 0


def test_what_cannot_be_read_ends_with_two_and_says_why(owner: Owner, tmp_path: Path) -> None:
    result = owner.run("check", str(tmp_path / "nothing"))
    assert result.returncode == 2
    assert "does not exist" in result.stderr
    (tmp_path / "package.json").write_text('{"name": "own-thing"}')
    unknown = owner.run("check", str(tmp_path))
    assert unknown.returncode == 2
    assert "none that Freehold knows" in unknown.stdout
    assert "no builder that Freehold knows is sure" in unknown.stdout


def test_without_the_database_the_rules_about_files_still_run(owner: Owner, flawed: Path) -> None:
    document = json.loads(owner.run("check", str(flawed), "--json", "--no-database").stdout)
    assert document["schema"] is None
    assert any("--no-database" in item["why"] for item in document["unknowns"])
    assert "service-key-published" in {item["rule"] for item in document["findings"]}
