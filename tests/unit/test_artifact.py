"""Folders that are kept by the digest of what they hold."""

import threading
from pathlib import Path

from freehold.releases import artifact

FILES = 40
TURNS = 25


def test_equal_folders_that_are_stored_at_once_become_one(tmp_path: Path) -> None:
    """Two deploys of one app build at the same time: nothing is locked until the traffic is to move."""
    failed: list[BaseException] = []

    def store(turn: int, number: int) -> None:
        folder = tmp_path / f"parcel-{turn}-{number}"
        folder.mkdir()
        for name in range(FILES):
            (folder / f"{name}.js").write_text(f"{turn} {name}")
        together.wait()
        try:
            artifact.store(folder, tmp_path / "artifacts")
        except OSError as error:
            failed.append(error)

    for turn in range(TURNS):
        together = threading.Barrier(3)
        threads = [threading.Thread(target=store, args=(turn, number)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    kept = [path for path in (tmp_path / "artifacts").iterdir() if not path.name.startswith(".")]
    assert len(kept) == TURNS
    assert all(artifact.digest_of(path) == path.name for path in kept)
    assert list(tmp_path.glob("parcel-*")) == []
