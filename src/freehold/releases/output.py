"""What a build wrote, made ready to be served by its owner."""

import re
from dataclasses import dataclass
from pathlib import Path

from freehold.core.inventory import Inventory
from freehold.kit import files
from freehold.releases import digests, pages, placeholders

PACKED = (".gz", ".br", ".zst")


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A built file that still names the old back end or the builder."""

    path: str
    what: str
    """A host or a project ref."""
    count: int


@dataclass(frozen=True, kw_only=True)
class Tidy:
    """What was found and done."""

    removed_scripts: tuple[str, ...]
    leftovers: tuple[Leftover, ...]


def tidy(folder: Path, inventory: Inventory) -> Tidy:
    """Make the built files ready, in place.

    Packed copies of files go (their content differs once placeholders are filled in), pages load nothing from the
    builder, old addresses that only the build put together become placeholders, and what still names the old back
    end or the builder is listed.
    """
    _drop_packed(folder)
    old = placeholders.OldNames(inventory.backend) if inventory.backend else None
    removed: list[str] = []
    leftovers: list[Leftover] = []
    changed: dict[bytes, bytes] = {}
    wanted = _wanted(inventory)
    for name in files.list_files(folder):
        path = folder / name
        before = path.read_bytes()
        if not placeholders.is_text(before):
            continue
        text = before.decode()
        if name.endswith(".html"):
            text, scripts = pages.without_scripts_of(text, inventory.builder_hosts)
            removed += scripts
        if old and not name.endswith(".map"):
            text = old.replace(text)
        after = text.encode()
        if after != before:
            path.write_bytes(after)
            changed |= digests.replacements(before, after)
        if wanted and not name.endswith(".map"):
            leftovers += _count(name, text, wanted)
    digests.renew(folder, changed)
    return Tidy(removed_scripts=tuple(removed), leftovers=tuple(leftovers))


def _drop_packed(folder: Path) -> None:
    for path in [path for path in folder.rglob("*") if path.suffix in PACKED]:
        if path.is_file() and path.with_suffix("").is_file():
            path.unlink()


def _wanted(inventory: Inventory) -> re.Pattern[str] | None:
    names = [re.escape(host) for host in inventory.builder_hosts]
    if inventory.backend and inventory.backend.project_ref:
        names.append(re.escape(inventory.backend.project_ref))
    return re.compile(rf"(?<![\w-])(?:[\w-]+\.)*(?:{'|'.join(names)})(?![\w.-]*\w)") if names else None


def _count(name: str, text: str, wanted: re.Pattern[str]) -> list[Leftover]:
    counts: dict[str, int] = {}
    for match in wanted.finditer(text):
        counts[match[0]] = counts.get(match[0], 0) + 1
    return [Leftover(path=name, what=what, count=count) for what, count in sorted(counts.items())]
