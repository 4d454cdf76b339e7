"""A built site as it is kept: by its digest, with what its build had to say, found again by what it was built of."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from freehold.kit import files
from freehold.releases import artifact, output, server


@dataclass(frozen=True, kw_only=True)
class SiteArtifact:
    """A built site whose address and key are placeholders; `placeholders.render` makes the served one of `site`."""

    digest: str
    directory: Path
    """<destination>/<digest>; holds `site`, and `server` when the app renders its pages itself."""
    build_key: str
    """Hash of sources, values, tools and Freehold's way of building: an equal one gives an equal site."""
    warm: bool
    """True when nothing had to be built."""
    removed_scripts: tuple[str, ...] = ()
    """The builder's scripts that pages loaded, and do not load any more."""
    leftovers: tuple[output.Leftover, ...] = ()
    """Places in the built files that still name the old back end or the builder."""
    notes: tuple[str, ...] = ()

    @property
    def site(self) -> Path:
        """The files of the site."""
        return self.directory / "site"

    @property
    def server(self) -> Path | None:
        """The app's own server, None when its pages are files alone."""
        folder = self.directory / server.FOLDER
        return folder if folder.is_dir() else None


@dataclass(frozen=True)
class Told:
    """What a build has to say besides its files."""

    build_key: str
    removed_scripts: tuple[str, ...]
    leftovers: tuple[output.Leftover, ...]
    notes: tuple[str, ...]


def store(parcel: Path, destination: Path, told: Told) -> SiteArtifact:
    """Move a finished parcel to where artifacts are kept, and write down by which build it came."""
    stored = artifact.store(parcel, destination)
    _records(destination).mkdir(exist_ok=True)
    record = {**asdict(told), "digest": stored.digest}
    files.write_text(_records(destination) / f"{told.build_key}.json", json.dumps(record, indent=1))
    return _artifact(stored, told, warm=False)


def recall(destination: Path, key: str) -> SiteArtifact | None:
    """Give what an equal build made, if it is still whole."""
    try:
        record = json.loads((_records(destination) / f"{key}.json").read_text())
    except (OSError, ValueError):
        return None
    directory = destination / record["digest"]
    if not directory.is_dir() or artifact.digest_of(directory) != record["digest"]:
        return None
    leftovers = tuple(output.Leftover(**item) for item in record["leftovers"])
    told = Told(key, tuple(record["removed_scripts"]), leftovers, tuple(record["notes"]))
    return _artifact(artifact.Artifact(digest=record["digest"], directory=directory), told, warm=True)


def _artifact(stored: artifact.Artifact, told: Told, *, warm: bool) -> SiteArtifact:
    return SiteArtifact(
        digest=stored.digest,
        directory=stored.directory,
        build_key=told.build_key,
        warm=warm,
        removed_scripts=told.removed_scripts,
        leftovers=told.leftovers,
        notes=told.notes,
    )


def _records(destination: Path) -> Path:
    return destination / "builds"
