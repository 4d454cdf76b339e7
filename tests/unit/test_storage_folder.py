"""The local object store: whole or not at all, private, and never where a name says."""

import asyncio
import hashlib
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from freehold.kit.objects.folder import FolderStore, _copy
from freehold.kit.objects.store import BadObjectKey, ObjectMissing, object_key

KEY = object_key("bucket", "folder/cat.png", "1")


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def content(store: FolderStore, key: str, start: int = 0, length: int | None = None) -> bytes:
    opened = await store.open(key)
    try:
        return b"".join([chunk async for chunk in opened.read(start, opened.size if length is None else length)])
    finally:
        await opened.close()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_what_is_put_can_be_read_whole_and_in_part(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    big = b"x" * 3_000_000
    stored = await store.put(KEY, chunks(b"head", big, b"tail"))
    assert stored.size == len(big) + 8
    assert stored.md5 == hashlib.md5(b"head" + big + b"tail").hexdigest()
    assert await content(store, KEY) == b"head" + big + b"tail"
    assert await content(store, KEY, 2, 4) == b"adxx"


async def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    await FolderStore(tmp_path / "storage").put(KEY, chunks(b"x"))
    for path in (tmp_path / "storage").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


async def test_an_upload_that_fails_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 2_000_000
        raise ConnectionResetError

    store = FolderStore(tmp_path)
    with pytest.raises(ConnectionResetError):
        await store.put(KEY, broken())
    assert files(tmp_path) == []


async def test_an_upload_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    began = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 2_000_000
            began.set()

    store = FolderStore(tmp_path)
    task = asyncio.create_task(store.put(KEY, endless()))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert files(tmp_path) == []


async def test_a_copy_outlives_its_source(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await store.put(KEY, chunks(b"x"))
    await store.copy(KEY, object_key("copy"))
    await store.delete(KEY)
    assert await content(store, object_key("copy")) == b"x"
    assert not await store.exists(KEY)


async def test_an_opened_object_stays_readable_when_it_is_deleted(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await store.put(KEY, chunks(b"still here"))
    opened = await store.open(KEY)
    await store.delete(KEY)
    assert b"".join([chunk async for chunk in opened.read(0, opened.size)]) == b"still here"
    await opened.close()


async def test_what_is_not_there_is_missing_and_deleting_it_is_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await store.delete(KEY)
    with pytest.raises(ObjectMissing):
        await store.open(KEY)
    with pytest.raises(ObjectMissing):
        await store.copy(KEY, object_key("copy"))


@pytest.mark.parametrize("key", ["../../etc/passwd", "", "A" * 64, "a" * 63, KEY + "\n", "/etc/passwd"])
async def test_a_key_that_is_no_hash_never_reaches_the_disk(tmp_path: Path, key: str) -> None:
    with pytest.raises(BadObjectKey):
        await FolderStore(tmp_path).put(key, chunks(b"x"))
    assert files(tmp_path) == []


def test_keys_tell_apart_what_only_looks_the_same() -> None:
    assert object_key("a", "bc") != object_key("ab", "c")
    assert object_key("a", "b", "") != object_key("a", "b")


async def test_a_fresh_copy_of_an_old_object_counts_as_changed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await store.put(KEY, chunks(b"x"))
    await asyncio.sleep(0.05)
    between = time.time()
    await asyncio.sleep(0.05)
    await store.put(object_key("other"), chunks(b"x"))
    assert [item.key for item in store.list_unchanged_since(between)] == [KEY]
    await store.copy(KEY, object_key("copy"))
    assert list(store.list_unchanged_since(between)) == []


async def test_what_dead_uploads_left_is_discarded(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await store.put(KEY, chunks(b"x"))
    (tmp_path / "unfinished" / "left").write_bytes(b"half")
    assert store.discard_unfinished(time.time() - 60) == 0
    assert store.discard_unfinished(time.time() + 60) == 1
    assert await store.exists(KEY)


async def test_where_files_cannot_be_linked_they_are_copied(tmp_path: Path) -> None:
    origin, path = tmp_path / "origin", tmp_path / "copy"
    origin.write_bytes(b"x" * 100_000)
    _copy(origin, tmp_path / "part", path)
    assert path.read_bytes() == origin.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(files(tmp_path)) == [path, origin]


ENDLESS = """
import asyncio, pathlib, sys
from freehold.kit.objects.folder import FolderStore

async def endless():
    while True:
        yield b"x" * 2_000_000
        print("written", flush=True)
        await asyncio.sleep(0.01)

asyncio.run(FolderStore(pathlib.Path(sys.argv[1])).put(sys.argv[2], endless()))
"""


def test_a_process_that_is_killed_while_writing_leaves_no_object(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ENDLESS, str(tmp_path), KEY], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    store = FolderStore(tmp_path)
    assert list(store.list_unchanged_since(time.time() + 60)) == []
    assert store.discard_unfinished(time.time() + 60) == 1
    assert files(tmp_path) == []
