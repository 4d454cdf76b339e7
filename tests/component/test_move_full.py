"""A target whose disk is full says so, keeps what is there, and goes on when there is room."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from move_world import Target, live, project, write_files
from supabase_project import Scale

from freehold.core.errors import MoveFailed
from freehold.data.move.verify import verify
from freehold.testing import database as databases

SMALL_MIB = 40
ROOMY_MIB = 400


@dataclass(frozen=True)
class Disk:
    """A file system of its own, of a size that can be changed."""

    folder: Path

    def resize(self, mib: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={mib}m", str(self.folder)], check=True, timeout=30)


@pytest.fixture
def disk() -> Iterator[Disk]:
    folder = Path(tempfile.mkdtemp(prefix="freehold-disk-", dir="/tmp"))
    argv = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_MIB}m", "tmpfs", str(folder)]
    made = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    try:
        if made.returncode:
            pytest.skip(f"no small file system can be mounted here: {made.stderr.strip()}")
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, timeout=30, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def database_on(disk: Disk, database: databases.FreshDatabase) -> Iterator[None]:
    """Let the app's tables lie on it."""
    with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
        row = admin.execute("show data_directory").fetchone()
        owner = Path(str(row[0] if row else "")).stat()
        (disk.folder / "space").mkdir()
        for folder in (disk.folder, disk.folder / "space"):
            os.chown(folder, owner.st_uid, owner.st_gid)
        admin.execute(f"create tablespace {database.name} location '{disk.folder}/space'".encode())
        admin.execute(f"grant create on tablespace {database.name} to public".encode())
        admin.execute(f"alter database {database.name} set default_tablespace = {database.name}".encode())
    try:
        yield
    finally:
        with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
            admin.execute("drop owned by postgres cascade")
            admin.execute(f"alter database {database.name} reset default_tablespace".encode())
        with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
            admin.execute(f"drop tablespace {database.name}".encode())


def test_a_full_disk_of_the_database_is_told_and_gone_on_from(
    postgres_server: databases.Server, target: Target, disk: Disk
) -> None:
    with project(postgres_server, Scale(filler=8, filler_rows=20_000)) as source, database_on(disk, target.database):
        with live(source) as opened, pytest.raises(MoveFailed, match="PostgreSQL is full") as full:
            target.take(opened)
        assert ("No space left on device" in full.value.detail, "goes on where it stopped" in full.value.hint) == (
            True,
            True,
        )
        assert target.ask("select status from freehold.moves") == [("copying",)]
        disk.resize(ROOMY_MIB)
        with live(source) as opened:
            assert target.take(opened).resumed
            assert verify(opened, target.destination, target.events.append).faults == ()


def test_a_full_disk_of_the_files_is_told_and_gone_on_from(
    source: databases.FreshDatabase, target: Target, disk: Disk, tmp_path: Path
) -> None:
    files = write_files(tmp_path / "files", 6)
    (files / "papers/folder/file 3.txt").write_bytes(b"content of 3" + bytes((SMALL_MIB + 8) * 1024 * 1024))
    target.objects = disk.folder / "objects"
    with live(source) as opened:
        with pytest.raises(MoveFailed, match="the disk is full"):
            target.take(opened, files)
        assert not list((disk.folder / "objects/unfinished").iterdir())
        disk.resize(ROOMY_MIB)
        target.take(opened, files)
        found = verify(opened, target.destination, target.events.append)
    assert (found.faults, found.files.fetched) == ((), 6)
