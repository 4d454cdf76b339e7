"""Releases on this server: records, folders, assets. Records are kept as on every other target."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from freehold.core.errors import ReleaseUnknown
from freehold.core.release import SITE, Lease, Manifest, Release, Standing
from freehold.core.trail import Act
from freehold.kit import files
from freehold.targets.records import Records
from freehold.targets.server.remote import blobs, disk, keys, luggage, own_server, places, runtimes, state, units
from freehold.targets.server.remote.places import HASHED, RUNTIMES, App


def records(place: App) -> Records:
    """What is kept about an app's releases."""
    return Records(place.state)


def standings(app: str) -> list[dict[str, Any]]:
    """Every release and how it stands."""
    return [asdict(item) for item in stand(places.app_of(app))]


def stand(place: App) -> tuple[Standing, ...]:
    """The same, with types."""
    state.settings(place)
    return records(place).standings(units.live(place), units.running(place))


def manifest(app: str, number: int) -> dict[str, Any]:
    """What a release is compared by."""
    return asdict(records(places.app_of(app)).manifest(number))


def add(app: str, lease: dict[str, str], release: dict[str, Any], manifest: dict[str, Any], runtime: str) -> None:
    """Make a release of parts that were pushed; its record is written last."""
    place, made = places.app_of(app), Release(**release)
    with records(place).leased(Lease(**lease)):
        missing = [name for name, digest in made.parts.items() if not place.part(digest).is_dir()]
        if missing or not (RUNTIMES / runtime).is_dir():
            raise ReleaseUnknown(f"release {made.number} lacks its {', '.join(missing) or 'runtime'}", hint="push it")
        if not (place.state / "releases" / f"{made.number:06}.json").exists():
            _make_folder(place, made, runtime)
    records(place).add(Lease(**lease), made, Manifest(**manifest))


def remove(app: str, lease: dict[str, str], number: int) -> None:
    """Stop and delete a release; parts, files and runtimes that nobody else has go too."""
    take_away(places.app_of(app), Lease(**lease), number)


def take_away(place: App, lease: Lease, number: int) -> None:
    """The same, with types."""
    held = records(place)
    if number == units.live(place):
        raise ReleaseUnknown(f"release {number} is live and cannot be removed", hint="freehold releases")
    with held.leased(lease):
        units.stop(place, number)
    held.forget(lease, number)
    own_server.forget(place, number)
    with held.leased(lease):
        files.remove_tree(place.release(number))
        _forget_unused(place, held.releases())


def mark(app: str, lease: dict[str, str], number: int, bad: str) -> None:
    """Say why a release is bad."""
    records(places.app_of(app)).mark(Lease(**lease), number, bad=bad)


def pin(app: str, lease: dict[str, str], number: int, *, pinned: bool) -> None:
    """Keep a release from being pruned."""
    records(places.app_of(app)).pin(Lease(**lease), number, pinned=pinned)


def take_lock(app: str, holder: str, purpose: str, process: str, seconds: int) -> dict[str, str]:
    """Take the lock."""
    place = places.app_of(app)
    state.settings(place)
    return asdict(records(place).take_lock(holder, purpose, process=process, seconds=seconds))


def drop_lock(app: str, lease: dict[str, str]) -> None:
    """Give it back."""
    records(places.app_of(app)).drop_lock(Lease(**lease))


def renew_lock(app: str, lease: dict[str, str]) -> None:
    """Go on holding it; raises LockLost."""
    records(places.app_of(app)).renew_lock(Lease(**lease))


def break_lock(app: str, token: str) -> None:
    """End a lease."""
    records(places.app_of(app)).break_lock(token)


def lock(app: str) -> dict[str, str] | None:
    """Who holds the lock."""
    lease = records(places.app_of(app)).lock()
    return asdict(lease) if lease is not None else None


def record(app: str, act: dict[str, Any]) -> None:
    """Append to the trail."""
    records(places.app_of(app)).record(Act(**(act | {"plan": tuple(act.get("plan", ()))})))


def trail(app: str) -> list[str]:
    """The trail's lines."""
    return list(records(places.app_of(app)).trail())


def site_folder(place: App, release: Release) -> Path:
    """The release's site as it is served at the app's address today; rendered when that has changed."""
    folder = place.release(release.number) / "site"
    address, key = state.settings(place)["address"], keys.publishable_key(place)
    note = folder.with_name("site.for")
    if not folder.is_dir() or not note.exists() or note.read_text() != f"{address} {key}":
        luggage.part("render")(place.part(release.parts[SITE]), folder, origin=address, publishable_key=key)
        _open_to_all(folder)
        files.write_text(note, f"{address} {key}")
    _union(place, site_root(place, release))
    return folder


def site_root(place: App, release: Release) -> Path:
    """What is served of the rendered part: the folder that the release's settings name."""
    mark = release.config.get("site_directory")
    path = str(mark.get("path", "")) if isinstance(mark, dict) else ""
    return place.release(release.number) / "site" / path


def _make_folder(place: App, release: Release, runtime: str) -> None:
    folder = place.release(release.number)
    disk.folder(folder, 0o755)
    disk.link(folder / "runtime", str(RUNTIMES / runtime))
    for name, digest in release.parts.items():
        if name == SITE:
            site_folder(place, release)
        else:
            disk.link(folder / places.part_of(name), str(place.part(digest)))


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
        elif not path.stat().st_mode & 0o004:
            path.chmod(0o444)


def _union(place: App, site: Path) -> None:
    """Keep hashed assets for those who have an older page open."""
    for name in HASHED:
        for relative in files.list_files(site / name) if (site / name).is_dir() else ():
            target = place.home / "assets" / name / relative
            if not target.exists():
                files.link_or_copy(site / name / relative, target)
    for path in (place.home / "assets").rglob("*"):
        if path.is_dir():
            path.chmod(0o755)


def _forget_unused(place: App, kept: tuple[Release, ...]) -> None:
    digests = {digest for release in kept for digest in release.parts.values()}
    for path in (place.home / "releases").iterdir():
        if files.GONE in path.name:
            files.remove_tree(path)
    for path in (place.home / "parts").iterdir() if (place.home / "parts").is_dir() else ():
        if path.name not in digests:
            files.remove_tree(path)
    sites = [site_root(place, release) for release in kept]
    _each_file(place.home / "assets", lambda name: any((site / name).exists() for site in sites))
    runtimes.forget_unused()
    blobs.forget_unused(runtimes.wheel_blobs())


def _each_file(folder: Path, is_kept: Callable[[str], bool]) -> None:
    for name in files.list_files(folder) if folder.is_dir() else ():
        if not is_kept(name):
            (folder / name).unlink(missing_ok=True)
