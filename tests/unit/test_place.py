"""Where an app lives, and which one a command is about."""

import shutil
from pathlib import Path

import pytest

from freehold.core.errors import AlreadyRunning, BadUsage, NotRunning, PortInUse
from freehold.kit import files
from freehold.targets.local import listener, lock, state
from freehold.targets.local.place import find_place, place_of


@pytest.fixture(autouse=True)
def _data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def test_one_folder_a_source_whatever_way_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    assert place_of("app", None) == place_of(str(tmp_path / "app"), None) == place_of("./app/", None)
    assert place_of("app", None) != place_of("https://example.com/app.git", None)


@pytest.mark.parametrize("origin", ["../../etc", "a" * 300, "ünï cödé", "https://x/'; rm -rf /'.git", "."])
def test_a_hostile_name_stays_one_plain_folder(origin: str, tmp_path: Path) -> None:
    folder = place_of(origin, None).root
    assert folder.parent == tmp_path / "data/freehold"
    assert len(folder.name) <= 60


def test_a_command_finds_the_only_app_and_asks_when_there_are_two(tmp_path: Path) -> None:
    with pytest.raises(NotRunning):
        find_place(None, None)
    _brought_up("one")
    assert find_place(None, None) == place_of("one", None)
    _brought_up("two")
    with pytest.raises(BadUsage) as caught:
        find_place(None, None)
    assert caught.value.detail.count("--data") == 2
    assert find_place("two", None) == place_of("two", None)
    with pytest.raises(NotRunning):
        find_place("three", None)
    assert tmp_path.exists()


def test_two_cannot_hold_the_same_place(tmp_path: Path) -> None:
    with lock.held(tmp_path / "up.lock"), pytest.raises(AlreadyRunning), lock.held(tmp_path / "up.lock"):
        pass
    with lock.held(tmp_path / "up.lock"):
        pass


def test_a_taken_port_names_a_free_one() -> None:
    with listener.listen(0) as first, pytest.raises(PortInUse) as caught:
        listener.listen(first.getsockname()[1])
    assert "--port" in caught.value.hint


def test_a_state_of_a_process_that_is_gone_is_no_state(tmp_path: Path) -> None:
    pid, started = state.me()
    values = {"url": "u", "app": "a", "origin": "o", "release": 1, "database": "d", "embedded": True}
    state.write(tmp_path / "up.json", state.Running(pid=pid, started=started, **values))
    assert state.read(tmp_path / "up.json") is not None
    state.write(tmp_path / "up.json", state.Running(pid=pid, started="1", **values))
    assert state.read(tmp_path / "up.json") is None
    (tmp_path / "up.json").write_text("{half")
    assert state.read(tmp_path / "up.json") is None


def _brought_up(origin: str) -> None:
    place = place_of(origin, None)
    place.prepare()
    place.journal.write_text("")


def test_a_removal_that_is_cut_off_leaves_nothing_under_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "part"
    folder.mkdir()
    (folder / "a").write_text("a")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            files.remove_tree(folder)
    assert not folder.exists()
    assert [files.GONE in item.name for item in tmp_path.iterdir()] == [True]
    (tmp_path / "link").symlink_to(tmp_path)
    files.remove_tree(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    (tmp_path / "other").mkdir()
    files.remove_tree(tmp_path / "other")
    assert [item.name for item in tmp_path.iterdir()] == ["link"], "what was cut off goes with the next removal"
