"""Which files are replayed: every one that any branch ever had."""

from pathlib import Path

import pytest
from replay_world import FOLDER, History, folder, inventory

from freehold.data.schema import files


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "app")


def paths(union: files.Union) -> list[str]:
    return [file.path.removeprefix(f"{FOLDER}/").removesuffix(".sql") for file in union.files]


def test_deleted_files_come_back_as_they_were_before_and_in_their_place(history: History) -> None:
    history.commit(_20260101000000_a="create table a ();", _20260102000000_b="create table b ();")
    history.commit(_20260101000000_a="create table a (changed int);")
    history.commit(_20260101000000_a=None, _20260103000000_c="create table c ();")
    union = files.union(history.root, inventory(history.root))
    assert paths(union) == ["20260101000000_a", "20260102000000_b", "20260103000000_c"]
    assert union.files[0].sql == "create table a (changed int);"
    assert union.deleted == (f"{FOLDER}/20260101000000_a.sql",)
    assert union.unknowns == ()


def test_files_of_other_branches_and_of_reverted_merges_are_found(history: History) -> None:
    history.commit(_20260101000000_a="create table a ();")
    history.git("switch", "--quiet", "--create", "side")
    history.commit(_20260102000000_side="create table side ();")
    history.git("switch", "--quiet", "main")
    history.commit(_20260103000000_main="create table main ();")
    history.git("merge", "--quiet", "--strategy=ours", "--message", "merge", "side")
    history.git("branch", "--quiet", "--delete", "--force", "side")
    assert "20260102000000_side" in paths(files.union(history.root, inventory(history.root)))


def test_the_checkout_wins_over_history_even_when_it_is_not_committed(history: History) -> None:
    history.commit(_20260101000000_a="create table a ();")
    history.write(f"{FOLDER}/20260101000000_a.sql", "create table a (mine int);")
    assert files.union(history.root, inventory(history.root)).files[0].sql == "create table a (mine int);"


def test_renamed_copies_run_once_and_files_without_a_stamp_run_last(history: History) -> None:
    history.commit(_20260101000000_a="create table a ();", _20260105000000_z="create table z ();")
    history.commit(_20260101000000_a=None, _20260104000000_a="\ufeffcreate table a ();\r\n".replace("\r\n", ""))
    history.commit(debug="select 1;")
    union = files.union(history.root, inventory(history.root))
    assert paths(union) == ["20260101000000_a", "20260105000000_z", "debug"]
    assert [file.path for file in union.repeated] == [f"{FOLDER}/20260104000000_a.sql"]


def test_what_bolt_discarded_never_ran(history: History) -> None:
    history.commit(_20260101000000_a="create table a ();", _20260102000000_no="create table no ();")
    history.write(".bolt/supabase_discarded_migrations/20260102000000_no.sql", "create table no ();")
    history.commit(_20260102000000_no=None)
    assert paths(files.union(history.root, inventory(history.root))) == ["20260101000000_a"]


def test_without_history_only_the_checkout_is_known_and_that_is_said(tmp_path: Path) -> None:
    root = folder(tmp_path / "zip", _20260101000000_a="create table a ();")
    union = files.union(root, inventory(root))
    assert paths(union) == ["20260101000000_a"]
    assert [item.what for item in union.unknowns] == ["deleted migrations"]


def test_a_shallow_clone_says_so(history: History, tmp_path: Path) -> None:
    history.commit(_20260101000000_a="create table a ();")
    history.commit(_20260102000000_b="create table b ();")
    history.git("clone", "--quiet", "--depth=1", f"file://{history.root}", str(tmp_path / "shallow"))
    union = files.union(tmp_path / "shallow", inventory(tmp_path / "shallow"))
    assert "older history" in union.unknowns[0].why


def test_a_link_out_of_the_checkout_is_not_followed(history: History, tmp_path: Path) -> None:
    history.commit(_20260101000000_a="create table a ();")
    (tmp_path / "outside.sql").write_text("select 'outside'")
    (history.root / FOLDER / "link.sql").symlink_to(tmp_path / "outside.sql")
    assert paths(files.union(history.root, inventory(history.root))) == ["20260101000000_a"]
