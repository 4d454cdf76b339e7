"""Texts that git history still has and the working tree has not, as far as they may hold credentials."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from freehold.audit.credentials import credentials
from freehold.core.finding import FormerText
from freehold.kit import git_objects

LARGEST_BYTES = 300 * 1024 * 1024
_SKIPPED = (
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".avif", ".mp4", ".webm", ".mp3", ".wav", ".pdf", ".zip", ".gz",
    ".woff", ".woff2", ".ttf", ".otf", ".lockb", ".wasm", ".svg", ".map", "package-lock.json", "yarn.lock",
    "pnpm-lock.yaml", "bun.lock",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class History:
    """`whole` is False when there was more than could be read."""

    texts: tuple[FormerText, ...]
    whole: bool = True


def read(root: Path) -> History:
    """Read every former version that may hold a credential, each content once; no network, no hooks."""
    blobs = [blob for blob in git_objects.former_blobs(root) if not blob.path.lower().endswith(_SKIPPED)]
    kept, total = [], 0
    for blob in blobs:
        total += blob.size
        if total > LARGEST_BYTES:
            break
        kept.append(blob)
    paths = {blob.id: blob.path for blob in kept}
    texts = tuple(_with_credentials(root, paths))
    return History(texts=texts, whole=len(kept) == len(blobs))


def _with_credentials(root: Path, paths: dict[str, str]) -> Iterator[FormerText]:
    for name, content in git_objects.contents(root, tuple(paths)):
        if b"\0" not in content[:8192]:
            text = content.decode("utf-8", errors="replace")
            if any(True for _ in credentials(text)):
                yield FormerText(path=paths[name], blob=name, text=text)
