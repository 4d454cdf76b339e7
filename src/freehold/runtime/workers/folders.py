"""Where the sockets of the app's programs lie: a short path, closed to other users, gone with this process."""

import asyncio
import os
import re
import shutil
import tempfile
from pathlib import Path

_RUN_FOLDER = re.compile(r"fh-(\d+)-\w+")


class RunFolders:
    """A folder for each process that is started."""

    def __init__(self) -> None:
        """Nothing is made until `open`."""
        self._folder = Path()
        self._count = 0

    def open(self) -> None:
        """Make the folder that holds all, and remove those of server processes that were killed."""
        _remove_leftovers()
        self._folder = Path(tempfile.mkdtemp(prefix=f"fh-{os.getpid()}-"))

    async def close(self) -> None:
        """Remove everything."""
        if self._folder != Path():
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def new(self) -> Path:
        """Make a folder with a place for temporary files in it."""
        self._count += 1
        folder = self._folder / str(self._count)
        (folder / "tmp").mkdir(parents=True, mode=0o700)
        return folder


def _remove_leftovers() -> None:
    for folder in Path(tempfile.gettempdir()).glob("fh-*-*"):
        match = _RUN_FOLDER.fullmatch(folder.name)
        if match and not Path(f"/proc/{match[1]}").exists() and _is_ours(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    try:
        return folder.stat().st_uid == os.getuid()
    except FileNotFoundError:  # another server that starts now was first
        return False
