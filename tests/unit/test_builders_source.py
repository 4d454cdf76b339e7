"""Opening folders, git addresses and zips."""

import subprocess
import zipfile
from pathlib import Path

import pytest
from lovable_app import commit, write

from freehold.core.errors import NotAnApp, SourceUnreachable
from freehold.flows.source import name_of, open_source
from freehold.kit import git


def test_a_folder_is_used_where_it_is(tmp_path: Path) -> None:
    write(tmp_path / "My Pots")
    app = open_source(str(tmp_path / "My Pots"), tmp_path / "work")
    assert (app.root, app.name) == (tmp_path / "My Pots", "my-pots")
    assert not (tmp_path / "work").exists()


def test_a_git_address_is_cloned_with_its_whole_history(tmp_path: Path) -> None:
    write(tmp_path / "pots")
    commit(tmp_path / "pots", "one")
    commit(tmp_path / "pots", "two")
    address = f"file://{tmp_path}/pots"
    first, second = (open_source(address, tmp_path / "work") for _ in range(2))
    assert first.root != second.root
    for app in (first, second):
        assert app.root.parent == tmp_path / "work/source"
        assert app.name == "pots"
        assert [item.subject for item in git.commits(app.root)] == ["two", "one"]


def test_a_clone_runs_no_hook_and_no_program_of_a_config(tmp_path: Path) -> None:
    write(tmp_path / "pots")
    commit(tmp_path / "pots")
    mark = tmp_path / "ran"
    for name, value in (
        ("core.fsmonitor", f"touch {mark}"),
        ("core.hooksPath", "hooks"),
        ("gpg.program", f"touch {mark}"),
    ):
        subprocess.run(["git", "config", name, value], cwd=tmp_path / "pots", check=True)
    subprocess.run(["git", "config", "log.showSignature", "true"], cwd=tmp_path / "pots", check=True)
    assert git.files(tmp_path / "pots")
    assert git.commits(tmp_path / "pots")
    assert git.grep(tmp_path / "pots", ("createClient",))
    assert not mark.exists()


def test_a_password_in_an_address_reaches_neither_message_nor_process_list(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable) as caught:
        open_source("https://somebody:s3cr3t@127.0.0.1:9/pots.git", tmp_path)
    said = f"{caught.value.message} {caught.value.detail} {caught.value.hint}"
    assert "s3cr3t" not in said
    assert "somebody" not in said
    assert "https://127.0.0.1:9/pots.git" in said
    assert [path for path in (tmp_path / "source").iterdir() if path.is_dir()] == []


def test_an_address_that_would_run_a_program_is_no_address(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    with pytest.raises(NotAnApp):
        open_source(f"ext::sh -c 'touch {mark}'", tmp_path)
    assert not mark.exists()


def test_a_zip_is_unpacked_beside_the_work(tmp_path: Path) -> None:
    write(tmp_path / "pots-main")
    with zipfile.ZipFile(tmp_path / "Pots.zip", "w") as archive:
        for path in (tmp_path / "pots-main").rglob("*"):
            archive.write(path, path.relative_to(tmp_path))
    app = open_source(str(tmp_path / "Pots.zip"), tmp_path / "work")
    assert (app.root.name, app.name) == ("pots-main", "pots")
    assert app.root.parent.parent == tmp_path / "work/source"


def test_a_folder_that_is_no_app_says_what_was_looked_for_and_found(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(NotAnApp) as caught:
        open_source(str(tmp_path), tmp_path / "work")
    assert "package.json" in caught.value.detail
    assert "notes.txt" in caught.value.detail


def test_an_app_in_the_one_folder_of_a_repository_is_found(tmp_path: Path) -> None:
    write(tmp_path / "bolt-pots/project")
    write(tmp_path / "bolt-pots/node_modules/react")
    commit(tmp_path / "bolt-pots", "one")
    app = open_source(f"file://{tmp_path}/bolt-pots", tmp_path / "work")
    assert (app.root.name, app.name) == ("project", "bolt-pots")
    assert "package.json" in git.files(app.root)


def test_a_link_leads_to_no_app(tmp_path: Path) -> None:
    write(tmp_path / "pots")
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer/project").symlink_to(tmp_path / "pots")
    with pytest.raises(NotAnApp):
        open_source(str(tmp_path / "outer"), tmp_path / "work")


def test_the_folder_above_several_apps_is_answered_with_one_of_them(tmp_path: Path) -> None:
    write(tmp_path / "outer/pots")
    write(tmp_path / "outer/pans")
    with pytest.raises(NotAnApp) as caught:
        open_source(str(tmp_path / "outer"), tmp_path / "work")
    assert str(tmp_path / "outer/pans") in caught.value.hint


def test_a_path_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotAnApp, match="does not exist"):
        open_source(str(tmp_path / "nowhere"), tmp_path)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://u:p@github.com/Somebody/My_App.git", "my-app"),
        ("git@github.com:somebody/pots.git", "pots"),
        ("/home/me/Töpfe & Co/", "t-pfe-co"),
        ("..", "app"),
    ],
)
def test_names_are_short_and_plain(text: str, name: str) -> None:
    assert name_of(text) == name
