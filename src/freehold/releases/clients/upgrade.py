"""Put a newer client in the place of the app's own, with the packages that it needs below it: no other one changes."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from freehold.core.errors import BuildFailed
from freehold.core.inventory import ClientUpgrade
from freehold.kit import files, process, programs

PARCELS = Path(__file__).parent
TIMEOUT_SECONDS = 600
WRAPPER = "index.js"
"""Beside the lock file: stands before the client's own module, and adds what callers of the older version expect."""


def upgrade(
    folder: Path, wanted: ClientUpgrade, cache: Path, environment: Mapping[str, str], log: Path
) -> tuple[str, ...]:
    """Replace the client in <folder>/node_modules; gives what is to be told. Raises BuildFailed."""
    installed = _installed(wanted, cache, environment, log)
    target = folder / "node_modules" / wanted.package
    files.remove_tree(target)
    shutil.copytree(installed / "node_modules" / wanted.package, target)
    shutil.copytree(installed / "node_modules", target / "node_modules", ignore=_not_itself(installed, wanted))
    own = target / "dist"
    (own / "index.js").rename(own / "freehold-original.js")
    shutil.copyfile(PARCELS / wanted.parcel / WRAPPER, own / "index.js")
    return (f"{wanted.package} was built in with a newer version: the app's own calls a fixed address",)


def _installed(wanted: ClientUpgrade, cache: Path, environment: Mapping[str, str], log: Path) -> Path:
    """Install the client as our lock file says, once."""
    lock = PARCELS / wanted.parcel / "package-lock.json"
    place = cache / "clients" / f"{wanted.parcel}-{files.sha256(lock)[:16]}"
    if place.is_dir():
        return place
    with files.whole_folder(place) as draft:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(PARCELS / wanted.parcel / name, draft / name)
        node = programs.node()
        ended = process.run(
            (*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"),
            environment={**environment, "PATH": node.search_path()},
            timeout_seconds=TIMEOUT_SECONDS,
            folder=draft,
            log=log,
        )
        if not ended.ok:
            raise BuildFailed(
                f"{wanted.package} cannot be fetched",
                detail="\n".join(ended.lines[-5:]) + f"\nthe whole log: {log}",
                hint="check that this machine reaches npm's registry, then run the same command again",
            )
    return place


def _not_itself(installed: Path, wanted: ClientUpgrade) -> Callable[[str, list[str]], list[str]]:
    scope, _, name = wanted.package.rpartition("/")
    around = str(installed / "node_modules" / scope)

    def ignored(at: str, names: list[str]) -> list[str]:
        return [item for item in names if item == ".bin" or (at == around and item == name)]

    return ignored
