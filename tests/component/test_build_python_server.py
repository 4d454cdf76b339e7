"""A Python server put together for a release: real packages from the package index, as wheels."""

import json
import sys
from pathlib import Path

import pytest
from build_world import pip_reaches_its_index

from freehold.core.errors import BuildFailed
from freehold.core.event import Event
from freehold.core.inventory import AppServer
from freehold.core.release import Interpreter
from freehold.kit import pip
from freehold.releases import artifact, python_server

SERVER = AppServer(
    framework="django",
    root="backend",
    entry="backend/manage.py",
    runtime="python",
    requirements="backend/requirements.txt",
    settings="config.settings",
    application="config.wsgi:application",
    paths=("/api/",),
)
FILES = {
    "backend/requirements.txt": "sqlparse==0.5.3\n",
    "backend/manage.py": "import os\n",
    "backend/config/settings.py": "import os\nKEY = os.environ['PAY_KEY']\nDEBUG = os.getenv('DEBUG')\n",
    "backend/config/broken.py.tpl": "{{ not python",
    "backend/half.py": "def (:\n",
    "backend/templates/page.html": "<p>hello</p>",
    "backend/db.sqlite3": "data",
    "backend/.env": "PAY_KEY=secret",
    "backend/config/__pycache__/settings.cpython-311.pyc": "old",
    "backend/mine/pyvenv.cfg": "home = /usr/bin",
    "backend/mine/lib/x.py": "",
    "src/main.tsx": "",
}
pytestmark = pytest.mark.skipif(not pip_reaches_its_index(), reason="pip reaches no package index")


def _write(root: Path, changes: dict[str, str]) -> Path:
    for name, text in (FILES | changes).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def _store(folder: Path, changes: dict[str, str], events: list[Event], wanted: Interpreter | None = None) -> Path:
    folder.mkdir()
    root = _write(folder / "app", changes)
    staged = python_server.stage(
        SERVER,
        wanted or pip.own(),
        root,
        folder / "staged",
        cache=folder.parent / "cache",
        log=folder / "log",
        report=events.append,
    )
    (folder / "parcel").mkdir()
    python_server.store(staged, folder / "parcel")
    return folder / "parcel"


def test_a_server_is_put_together_of_code_and_wheels_and_starts_quickly(tmp_path: Path) -> None:
    parcel = _store(tmp_path / "one", {}, [])
    server = parcel / "server"
    code = {path.relative_to(server / "app").as_posix() for path in (server / "app").rglob("*") if path.is_file()}
    tag = sys.implementation.cache_tag
    assert code == {
        "requirements.txt",
        "manage.py",
        "half.py",
        "config/settings.py",
        "config/broken.py.tpl",
        "templates/page.html",
        f"__pycache__/manage.{tag}.pyc",
        f"config/__pycache__/settings.{tag}.pyc",
    }
    assert (server / "packages/sqlparse/__init__.py").is_file()
    assert (server / f"packages/sqlparse/__pycache__/__init__.{tag}.pyc").is_file()
    assert not (server / "packages/bin").exists()
    assert {path.name for path in (server / "serving").iterdir()} >= {"waitress", "psycopg2"}
    manifest = json.loads((server / "server.json").read_text())
    assert (manifest["runtime"], manifest["application"]) == ("python", "config.wsgi:application")
    assert (manifest["settings_module"], manifest["paths"]) == ("config.settings", ["/api/"])
    assert manifest["before"] == [["manage.py", "migrate", "--noinput", "--fake-initial"]]
    assert manifest["reads"] == ["DATABASE_URL", "DEBUG", "PAY_KEY"]
    again = _store(tmp_path / "two", {}, [])
    assert artifact.digest_of(again) == artifact.digest_of(parcel)
    assert (tmp_path / "one" / "log").exists()
    assert not (tmp_path / "two" / "log").exists()  # nothing was fetched a second time


def test_a_driver_that_the_app_brings_is_the_only_one(tmp_path: Path) -> None:
    events: list[Event] = []
    parcel = _store(tmp_path / "one", {"backend/requirements.txt": "psycopg2\n"}, events)
    assert (parcel / "server/packages/psycopg2").is_dir()
    assert [path.name for path in (parcel / "server/serving").glob("psycopg2*")] == []
    assert any("psycopg2-binary is taken for psycopg2" in event.text for event in events)


def test_a_package_without_a_wheel_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed) as refused:
        _store(tmp_path / "one", {"backend/requirements.txt": "sqlparse==0.5.3\nsqlparse-gone==9.9\n"}, [])
    assert "the package sqlparse-gone that backend/requirements.txt asks for" in refused.value.message
    assert str(tmp_path / "one" / "log") in refused.value.detail


def test_wheels_are_those_of_the_place_that_the_server_will_run_in(tmp_path: Path) -> None:
    elsewhere = Interpreter(version="3.13", machine="aarch64", glibc="2.36")
    assert elsewhere != pip.own()
    parcel = _store(tmp_path / "one", {"backend/requirements.txt": "markupsafe\n"}, [], elsewhere)
    (native,) = (parcel / "server/packages/markupsafe").glob("*.so")
    assert native.name == "_speedups.cpython-313-aarch64-linux-gnu.so"
    assert list(parcel.rglob("*.pyi")) == []  # nothing that runs reads those
    assert [
        path
        for path in parcel.rglob("*.pyc")
        if f"cpython-{sys.version_info.major}{sys.version_info.minor}" in path.name
    ] == []


def test_an_index_that_does_not_answer_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(BuildFailed, match="the package index does not answer") as refused:
        _store(tmp_path / "one", {"backend/requirements.txt": "sqlparse==0.5.2\n"}, [])
    assert "sqlparse==0.5.2" in refused.value.detail
