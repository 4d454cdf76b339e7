"""Bring files to a server by content: what is there already, whole or in part, does not travel again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.kit import files
from freehold.targets.server.agent import Agent

BLOCK = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file of a folder: its relative path, 755 or 644, its content."""

    name: str
    mode: str
    digest: str
    path: Path


def entries(folder: Path) -> tuple[Entry, ...]:
    """Every file of a folder, as the digest of a part counts them."""
    found = []
    for name in files.list_files(folder):
        path = folder / name
        mode = "755" if path.stat().st_mode & 0o100 else "644"
        found.append(Entry(name=name, mode=mode, digest=files.sha256(path), path=path))
    return tuple(found)


def listing(found: tuple[Entry, ...]) -> list[list[str]]:
    """What the server makes a folder of."""
    return [[entry.name, entry.mode, entry.digest] for entry in found]


def send(agent: Agent, content: Mapping[str, Path], report: Report) -> int:
    """Send files by digest; gives how many bytes travelled. Cut anywhere, the next call goes on from there."""
    sizes = {digest: path.stat().st_size for digest, path in content.items()}
    missing: dict[str, int] = agent.ask("missing", blobs=[[digest, size] for digest, size in sizes.items()])
    if not missing:
        return 0
    plan = [(digest, offset, sizes[digest] - offset) for digest, offset in missing.items()]
    total = sum(count for _, _, count in plan)
    report(Event(name="note", text=f"{len(plan)} of {len(sizes)} files travel, {total / 1e6:.1f} MB"))
    agent.ask("receive", _blocks(plan, content, total, report), blobs=[list(item) for item in plan])
    return total


def _blocks(
    plan: list[tuple[str, int, int]], content: Mapping[str, Path], total: int, report: Report
) -> Iterator[bytes]:
    sent = 0
    for digest, offset, count in plan:
        with content[digest].open("rb") as file:
            file.seek(offset)
            left = count
            while left:
                block = file.read(min(BLOCK, left))
                left -= len(block)
                sent += len(block)
                yield block
                report(Event(name="progress", text=f"{sent / 1e6:.1f} of {total / 1e6:.1f} MB"))
