"""A folder of a process is there until the process ends, and then for nobody."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from freehold.kit.own_folder import own_folder

OWNER = """
import sys, pathlib
from freehold.kit.own_folder import own_folder
with own_folder(pathlib.Path(sys.argv[1]), "pots") as folder:
    (folder / "package.json").write_text("{}")
print(folder, flush=True)
sys.stdin.read()
"""


def _owner(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    argv = [sys.executable, "-c", OWNER, str(parent)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def _folders(parent: Path) -> set[Path]:
    return {path for path in parent.iterdir() if path.is_dir()}


def test_two_processes_have_folders_of_their_own_until_they_end(tmp_path: Path) -> None:
    first, one = _owner(tmp_path)
    second, two = _owner(tmp_path)
    assert one != two
    assert _folders(tmp_path) == {one, two}
    assert (one / "package.json").exists()
    first.communicate()
    second.send_signal(signal.SIGKILL)
    second.communicate()
    third, three = _owner(tmp_path)
    assert _folders(tmp_path) == {three}
    third.communicate()


def test_many_at_once_lose_none(tmp_path: Path) -> None:
    owners = [_owner(tmp_path) for _ in range(6)]
    assert _folders(tmp_path) == {folder for _, folder in owners}
    assert all((folder / "package.json").exists() for _, folder in owners)
    for process, _ in owners:
        process.communicate()


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with own_folder(tmp_path, "pots") as folder:
            (folder / "half").touch()
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()
    assert _folders(tmp_path) == set()
