"""Every migration file that an app ever had: those of the checkout and those that only its git history still has."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from freehold.core.inventory import Inventory, MigrationFile, Unknown
from freehold.data.migrations import ledger
from freehold.kit import git

FOLDER = "supabase/migrations"
DISCARDED = ".bolt/supabase_discarded_migrations"
"""Where Bolt puts migrations that its user refused: they never ran."""
_STAMP = re.compile(r"^(\d+)[_.-]")


@dataclass(frozen=True, kw_only=True)
class Union:
    """`files` are in the order in which they run; `repeated` are equal to an earlier one and do not run again."""

    files: tuple[MigrationFile, ...]
    repeated: tuple[MigrationFile, ...] = ()
    deleted: tuple[str, ...] = ()
    """Those of `files` that the checkout no longer has."""
    unknowns: tuple[Unknown, ...] = ()


def union(root: Path, inventory: Inventory) -> Union:
    """Put the inventory's migrations and all former ones together.

    The checkout's text wins over history's, so that the ledger knows a file by what `up` will compare it with. Order
    is by file name; names without a stamp come last. Byte order marks go.
    """
    present = {file.path: file for file in (*inventory.migrations, *_unstamped(root, inventory))}
    former, unknowns = _former(root)
    discarded = _discarded(root)
    wanted = {file.path: file for file in former if Path(file.path).name not in discarded} | present
    ordered = sorted(wanted.values(), key=lambda file: file.order)
    files, repeated = _once(ordered)
    return Union(
        files=files,
        repeated=repeated,
        deleted=tuple(file.path for file in files if file.path not in present),
        unknowns=unknowns,
    )


def _unstamped(root: Path, inventory: Inventory) -> Iterable[MigrationFile]:
    """Find the files of the folder that have no number and therefore are not in the inventory."""
    known = {file.path for file in inventory.migrations}
    folder = root / FOLDER
    for file in sorted(folder.rglob("*.sql")) if folder.is_dir() and not folder.is_symlink() else ():
        path = file.relative_to(root).as_posix()
        if path not in known and file.is_file() and file.resolve().is_relative_to(root.resolve()):
            yield _file(path, file.read_bytes())


def _former(root: Path) -> tuple[tuple[MigrationFile, ...], tuple[Unknown, ...]]:
    if not git.is_repository(root):
        return (), (_unknown("the app came without its git history", "give the git address instead"),)
    found = [item for item in git.history(root, FOLDER) if item.path.endswith(".sql")]
    files = tuple(_file(item.path, item.content) for item in found if item.content is not None)
    unknowns = []
    if git.is_shallow(root):
        unknowns.append(_unknown("the clone lacks older history", "run: git fetch --unshallow"))
    absent = [item.path for item in found if item.content is None]
    if absent:
        why = f"the clone lacks the bytes of {len(absent)} former files, such as {absent[0]}"
        unknowns.append(_unknown(why, "clone it again without --filter"))
    return files, tuple(unknowns)


def _unknown(why: str, hint: str) -> Unknown:
    return Unknown(what="deleted migrations", why=f"{why}, so migrations that were deleted cannot be seen", hint=hint)


def _file(path: str, content: bytes) -> MigrationFile:
    stamp = _STAMP.match(Path(path).name)
    text = content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\0", "")
    return MigrationFile(path=path, version=stamp[1] if stamp else "", sql=text)


def _discarded(root: Path) -> frozenset[str]:
    present = (root / DISCARDED).glob("*.sql") if (root / DISCARDED).is_dir() else ()
    return frozenset(file.name for file in present)


def _once(ordered: list[MigrationFile]) -> tuple[tuple[MigrationFile, ...], tuple[MigrationFile, ...]]:
    seen: set[str] = set()
    files: list[MigrationFile] = []
    repeated: list[MigrationFile] = []
    for file in ordered:
        digest = ledger.content_hash(file)
        (repeated if digest in seen else files).append(file)
        seen.add(digest)
    return tuple(files), tuple(repeated)
