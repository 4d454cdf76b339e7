"""The releases of one place: one JSON file each, written once and never changed."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from freehold.core.release import Release
from freehold.kit import private


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A release before it has a number."""

    artifact: str
    config: dict[str, object]
    secrets: dict[str, str]
    schema_revision: str
    runtime: str


def record(directory: Path, draft: Draft) -> Release:
    """Give the newest release when it equals `draft`, else write the next one."""
    newest = read_all(directory)
    if newest and _same(newest[-1], draft):
        return newest[-1]
    number = newest[-1].number + 1 if newest else 1
    now = datetime.now(UTC)
    release = Release(
        id=f"{now:%Y%m%d-%H%M}-{draft.artifact[:7]}",
        number=number,
        created_at=now.isoformat(timespec="seconds"),
        **asdict(draft),
    )
    private.create(directory / f"{number:06}.json", json.dumps(asdict(release), indent=1).encode())
    return release


def newest(directory: Path) -> Release | None:
    """Give the release with the highest number."""
    every = read_all(directory)
    return every[-1] if every else None


def read_all(directory: Path) -> tuple[Release, ...]:
    """Every release, oldest first."""
    return tuple(Release(**json.loads(file.read_text())) for file in sorted(directory.glob("*.json")))


def _same(release: Release, draft: Draft) -> bool:
    return replace(release, **asdict(draft)) == release
