"""Builds that fail, are killed, or find lock files that do not fit. The apps need no package but their own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from build_world import install_script_package, npm_reaches_its_registry, status
from lovable_app import FILES, commit, write

from freehold.builders.lovable.read import read
from freehold.core.app import App
from freehold.core.errors import BuildFailed
from freehold.core.event import Event
from freehold.releases.site import build_site
from freehold.releases.site_artifact import SiteArtifact

PAGE = "import fs from 'fs'; fs.mkdirSync('dist', {recursive: true}); fs.writeFileSync('dist/index.html', 'a page');\n"
TRUSTED = {"dependencies": {"scripted": "file:./scripted.tgz"}, "trustedDependencies": ["scripted"]}
LOCK = {"name": "pots", "lockfileVersion": 3, "requires": True, "packages": {"": {"name": "pots"}}}


def _app(root: Path, build: str = PAGE, *, changes: dict[str, str | None] | None = None) -> App:
    """An app whose build is one script and needs no network."""
    package = {"name": "pots", "type": "module", "scripts": {"build": "node build.mjs"}}
    files = {
        **dict.fromkeys(FILES),
        "package.json": json.dumps(package),
        "package-lock.json": json.dumps(LOCK),
        "build.mjs": build,
        ".gitignore": "node_modules\ndist\n",
    }
    app = write(root / "pots", files | (changes or {}))
    commit(app.root)
    return app


def _build(app: App, folder: Path, events: list[Event] | None = None) -> SiteArtifact:
    report = [].append if events is None else events.append
    return build_site(app, read(app), folder / "artifacts", report=report, cache=folder / "cache")


def test_an_app_that_does_not_build_says_why_and_where_the_log_is(tmp_path: Path) -> None:
    app = _app(tmp_path, "console.log('\\u001b[31mwarming up'); throw new Error('the oven is cold');\n")
    with pytest.raises(BuildFailed, match="pots does not build") as caught:
        _build(app, tmp_path)
    assert "the oven is cold" in caught.value.detail
    assert "\x1b" not in caught.value.detail
    log = Path(caught.value.detail.rsplit("the whole log: ", 1)[1])
    assert "warming up" in log.read_text()
    assert caught.value.hint
    assert not (tmp_path / "cache/scratch").exists()
    assert list((tmp_path / "artifacts").glob("*")) == []
    (app.root / "build.mjs").write_text(PAGE)
    assert (_build(app, tmp_path).site / "index.html").read_text() == "a page"


def test_a_front_end_in_a_folder_of_its_own_is_built_there(tmp_path: Path) -> None:
    package = {"name": "pots", "type": "module", "scripts": {"build": "node build.mjs"}}
    changes: dict[str, str | None] = {"package.json": None, "package-lock.json": None, "build.mjs": None}
    changes |= {
        "frontend/package.json": json.dumps(package),
        "frontend/package-lock.json": json.dumps(LOCK),
        "frontend/build.mjs": PAGE,
    }
    artifact = _build(_app(tmp_path, changes=changes), tmp_path)
    assert (artifact.site / "index.html").read_text() == "a page"
    assert artifact.notes == ()


def test_a_build_that_writes_no_page_has_failed(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="wrote no page"):
        _build(_app(tmp_path, "console.log('done');\n"), tmp_path)


def test_a_build_that_is_killed_leaves_nothing_that_counts(tmp_path: Path) -> None:
    app = _app(
        tmp_path,
        "import fs from 'fs'; fs.writeFileSync(process.env.HOME + '/started', ''); setTimeout(() => 0, 60000);\n",
    )
    program = (
        "import sys; from pathlib import Path\n"
        "from freehold.core.app import App\nfrom freehold.builders.lovable.read import read\n"
        "from freehold.releases.site import build_site\n"
        "folder = Path(sys.argv[1]); app = App(root=folder / 'pots', origin='x', name='pots')\n"
        "build_site(app, read(app), folder / 'artifacts', report=lambda event: None, cache=folder / 'cache')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    while not list(tmp_path.glob("cache/home/started")):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(tmp_path.glob("artifacts/*"))
    assert status(app.root) == ""
    (app.root / "build.mjs").write_text(PAGE)
    assert (_build(app, tmp_path).site / "index.html").read_text() == "a page"
    assert sorted(path.name for path in (tmp_path / "cache").iterdir() if path.name == "scratch") == []


def test_a_stale_lock_file_is_said_and_gives_way(tmp_path: Path) -> None:
    package = {"name": "pots", "type": "module", "scripts": {"build": "node build.mjs"}}
    changes: dict[str, str | None] = {
        "package.json": json.dumps(package | TRUSTED),
        "build.mjs": PAGE.replace("'a page'", "fs.readFileSync('node_modules/scripted/index.js')"),
    }
    app = _app(tmp_path, changes=changes)
    install_script_package(app.root / "scripted.tgz")
    events: list[Event] = []
    artifact = _build(app, tmp_path, events)
    assert "written at install" in (artifact.site / "index.html").read_text()
    assert any(event.name == "warning" and "lock file does not fit" in event.text for event in events)
    assert len(artifact.notes) == 1


def test_an_app_without_a_lock_file_is_built_with_a_note(tmp_path: Path) -> None:
    artifact = _build(_app(tmp_path, changes={"package-lock.json": None}), tmp_path)
    assert "no lock file" in artifact.notes[0]


@pytest.mark.parametrize(
    ("trusted", "script", "note"),
    [
        (["scripted"], "process.exit(3)", "an install script of scripted failed"),
        ([], "require('fs').writeFileSync(process.env.HOME + '/ran', '')", "scripts that were not run: scripted"),
    ],
    ids=["fails", "is not allowed"],
)
def test_an_install_script_that_does_not_run_is_said_and_does_not_stop_a_build_that_can_do_without(
    tmp_path: Path, trusted: list[str], script: str, note: str
) -> None:
    package = {"name": "pots", "type": "module", "scripts": {"build": "node build.mjs"}}
    changes: dict[str, str | None] = {
        "package.json": json.dumps(package | TRUSTED | {"trustedDependencies": trusted}),
        "package-lock.json": None,
    }
    app = _app(tmp_path, changes=changes)
    install_script_package(app.root / "scripted.tgz", script=script)
    artifact = _build(app, tmp_path)
    assert any(note in said for said in artifact.notes), artifact.notes
    assert not list((tmp_path / "cache").rglob("ran"))


def test_the_apps_own_script_after_installing_is_run(tmp_path: Path) -> None:
    scripts = {"build": "node build.mjs", "postinstall": "node patch.mjs"}
    changes: dict[str, str | None] = {
        "package.json": json.dumps({"name": "pots", "type": "module", "scripts": scripts}),
        "patch.mjs": "import fs from 'fs'; fs.writeFileSync('patched.txt', 'patched');\n",
        "build.mjs": PAGE.replace("'a page'", "fs.readFileSync('patched.txt')"),
    }
    assert (_build(_app(tmp_path, changes=changes), tmp_path).site / "index.html").read_text() == "patched"


BUN_LOCK = """{
  "lockfileVersion": 1,
  "workspaces": { "": { "name": "pots", "dependencies": { "is-number": "7.0.0", }, }, },
  "packages": {
    "is-number": ["is-number@7.0.0", "", {}, "sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng=="],
  }
}
"""  # noqa: E501 - a digest cannot be broken
PNPM_LOCK = "lockfileVersion: '9.0'\nimporters:\n  .: {}\n"


@pytest.mark.parametrize(
    ("manager", "lock", "text", "dependencies"),
    [
        ("bun", "bun.lock", BUN_LOCK, {"is-number": "7.0.0"}),
        ("pnpm", "pnpm-lock.yaml", PNPM_LOCK, {}),
        ("yarn", "yarn.lock", "# yarn lockfile v1\n", {}),
    ],
    ids=["bun", "pnpm", "yarn"],
)
def test_the_lock_files_own_program_installs(
    tmp_path: Path, manager: str, lock: str, text: str, dependencies: dict[str, str]
) -> None:
    if not npm_reaches_its_registry():
        pytest.skip("npm does not reach its registry")
    package = {"name": "pots", "type": "module", "scripts": {"build": "node build.mjs"}, "dependencies": dependencies}
    changes: dict[str, str | None] = {"package-lock.json": None, "package.json": json.dumps(package), lock: text}
    events: list[Event] = []
    artifact = _build(_app(tmp_path, changes=changes), tmp_path, events)
    assert (artifact.site / "index.html").read_text() == "a page"
    assert any(event.text == f"Install packages with {manager}" for event in events)
    assert artifact.notes == ()


def test_packages_from_the_builders_cache_come_from_the_registry(tmp_path: Path) -> None:
    address = "https://europe-west4-npm.pkg.dev/lovable-core-prod/npm-cache/x/-/x-1.0.0.tgz"
    entry = {"version": "1.0.0", "resolved": address, "integrity": "sha512-AA==", "optional": True, "os": ["none"]}
    lock = LOCK | {"packages": {"": {"name": "pots", "optionalDependencies": {"x": "1.0.0"}}, "node_modules/x": entry}}
    package = {
        "name": "pots",
        "type": "module",
        "scripts": {"build": "node build.mjs"},
        "optionalDependencies": {"x": "1.0.0"},
    }
    copy = PAGE.replace("'a page'", "fs.readFileSync('package-lock.json')")
    changes: dict[str, str | None] = {
        "package.json": json.dumps(package),
        "package-lock.json": json.dumps(lock, indent=2),
        "build.mjs": copy,
    }
    artifact = _build(_app(tmp_path, changes=changes), tmp_path)
    seen = json.loads((artifact.site / "index.html").read_text())
    assert "resolved" not in seen["packages"]["node_modules/x"]
    assert seen["packages"]["node_modules/x"]["integrity"] == "sha512-AA=="


def test_the_build_sees_nothing_of_the_owners_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWNERS_TOKEN", "s3cr3t")
    dump = PAGE.replace("'a page'", "JSON.stringify({env: process.env, dot: fs.readFileSync('.env', 'utf8')})")
    changes: dict[str, str | None] = {
        "build.mjs": dump,
        ".env": 'VITE_A="1"\nPASSWORD="s3cr3t"\n',
        ".env.local": "B=s3cr3t\n",
    }
    artifact = _build(_app(tmp_path, changes=changes), tmp_path)
    text = (artifact.site / "index.html").read_text()
    assert "s3cr3t" not in text
    assert json.loads(text)["env"]["VITE_A"] == "1"
    assert json.loads(text)["dot"] == "VITE_A='1'\n"


def test_temporary_files_of_a_build_are_seen_by_no_other(tmp_path: Path) -> None:
    note = "import os from 'os'; fs.writeFileSync(os.tmpdir() + '/cache', 'x'); "
    app = _app(tmp_path, PAGE.replace("fs.mkdirSync", note + "fs.mkdirSync").replace("'a page'", "os.tmpdir()"))
    folder = Path((_build(app, tmp_path).site / "index.html").read_text())
    assert folder != Path(tempfile.gettempdir())
    assert not folder.exists()


def test_links_that_lead_out_of_the_folder_are_not_copied(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("s3cr3t")
    app = _app(tmp_path, PAGE.replace("'a page'", "String(fs.existsSync('public/link.txt'))"))
    (app.root / "public").mkdir()
    (app.root / "public/link.txt").symlink_to(tmp_path / "secret.txt")
    artifact = _build(app, tmp_path)
    assert (artifact.site / "index.html").read_text() == "false"
    assert "public/link.txt" in artifact.notes[0]
