"""Digests of files that stand inside other files: integrity attributes and service workers' lists of revisions.

A browser refuses a script whose integrity attribute does not match, and a service worker does not fetch a page again
whose revision is the same. So whoever changes a built file renews what was computed from it.
"""

import base64
import hashlib
from pathlib import Path

_CARRIERS = (".html", ".js", ".mjs")


def replacements(before: bytes, after: bytes) -> dict[bytes, bytes]:
    """Pair the digests that tools write of a file's old content with those of its new content."""
    if before == after:
        return {}
    pairs = {
        hashlib.md5(before, usedforsecurity=False).hexdigest(): hashlib.md5(after, usedforsecurity=False).hexdigest()
    }
    for name in ("sha256", "sha384", "sha512"):
        old, new = (base64.b64encode(hashlib.new(name, content).digest()).decode() for content in (before, after))
        pairs[f"{name}-{old}"] = f"{name}-{new}"
    return {old.encode(): new.encode() for old, new in pairs.items()}


def renew(folder: Path, changed: dict[bytes, bytes]) -> None:
    """Renew the digests in pages and scripts below a folder; files that change so renew those that name them."""
    rounds = 0
    while changed and rounds < 3:  # noqa: PLR2004 - page, service worker, page: a longer chain has not been seen
        rounds += 1
        changed = _renew_once(folder, changed)


def _renew_once(folder: Path, changed: dict[bytes, bytes]) -> dict[bytes, bytes]:
    further: dict[bytes, bytes] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _CARRIERS or not path.is_file():
            continue
        before = path.read_bytes()
        after = before
        if any(old in before for old in changed):
            for old, new in changed.items():
                after = after.replace(old, new)
            temporary = path.with_name(f".{path.name}.new")
            temporary.write_bytes(after)  # never through the hard link: the artifact's own file must not change
            temporary.replace(path)
            further |= replacements(before, after)
    return further
