"""Files that travel to a server together: each arrives under its key, and nothing stays on the owner's machine."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, cast

from freehold.targets.server.agent import Agent
from freehold.targets.server.objects import ServerFiles


class Answers:
    """What a server would answer: it takes blobs, and makes objects of those that it has."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.objects: dict[str, bytes] = {}

    def ask(self, verb: str, body: Iterable[bytes] = (), **values: Any) -> Any:
        if verb == "missing":
            return {digest: 0 for digest, _ in values["blobs"] if digest not in self.blobs}
        if verb == "receive":
            content = b"".join(body)
            for digest, _, count in values["blobs"]:
                self.blobs[digest], content = content[:count], content[count:]
                assert hashlib.sha256(self.blobs[digest]).hexdigest() == digest
            return len(values["blobs"])
        assert verb == "keep-objects"
        self.objects |= {key: self.blobs[digest] for key, digest in values["objects"]}
        return len(values["objects"])


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 7):
        yield content[start : start + 7]


async def put_all(files: ServerFiles, wanted: dict[str, bytes]) -> None:
    await asyncio.gather(*(files.put(key, pieces(content)) for key, content in wanted.items()))
    await files.settle()


def test_many_files_at_once_arrive_under_their_keys_in_one_loop_after_another(tmp_path: Path) -> None:
    server = Answers()
    files = ServerFiles(cast("Agent", server), "shop", tmp_path)
    everything: dict[str, bytes] = {}
    for turn in range(2):
        wanted = {f"{turn}-{n}": b"" if n == 3 else f"the same {n % 50} of {turn}".encode() for n in range(450)}
        asyncio.run(put_all(files, wanted))
        everything |= wanted
    assert server.objects == everything
    assert list(tmp_path.iterdir()) == []
