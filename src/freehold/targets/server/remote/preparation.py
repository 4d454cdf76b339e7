"""What `server add` does here, part by part. Each part can look whether it is done, and be done again."""

import json
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freehold.core.errors import TargetUnfit
from freehold.targets.server.remote import database, disk, machine, places, programs, serving
from freehold.targets.server.remote.disk import Wanted
from freehold.targets.server.remote.places import HOSTS, RUN, SRV, STATE, App

PROXY_GROUP = "www-data"
"""Debian's user `caddy` is in it: it may reach the sockets, and nobody else may."""
PROGRAM = Path("/usr/local/lib/freehold")
PROXY_STAMP = STATE / "caddy.started"
UNITS = Path("/etc/systemd/system")
TIMERS = ("freehold-keep.timer", "freehold-backup.timer")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the owner asked for."""

    app: str
    hosts: list[str]
    address: str
    recipient: str
    tls: str
    program: str


def look(wish: dict[str, Any]) -> dict[str, bool]:
    """Which parts are done."""
    wanted = Wish(**wish)
    places.app_of(wanted.app)
    for host in wanted.hosts:
        _insist_free(places.host_of(host), wanted.app)
    return {name: part[0](wanted) for name, part in PARTS.items()}


def _insist_free(host: str, app: str) -> None:
    """Refuse a name that another app of this server has: it would lose its users, and say nowhere why."""
    link = HOSTS / host
    other = link.readlink().name if link.is_symlink() else app
    if other != app:
        raise TargetUnfit(
            f"{host} leads to the app {other} on this server",
            detail="each app has names of its own",
            hint=f"--domain another.example.org; to take the name away from {other}: rm {link} there, then this again",
        )


def run(wish: dict[str, Any], part: str) -> None:
    """Do one part."""
    PARTS[part][1](Wish(**wish))


def make_run(place: App) -> None:
    """The folders of sockets, as tmpfiles makes them at boot."""
    disk.folder(RUN, 0o755)
    disk.folder(RUN / "hosts", 0o755)
    disk.folder(place.run, 0o750, place.user, PROXY_GROUP)
    disk.folder(place.run / "bus", 0o700, place.user, place.user)


def _packages_there(_wish: Wish) -> bool:
    argv = ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *machine.PACKAGES]
    found = programs.attempt(argv).stdout.decode().split("\n")
    return {line.split()[0] for line in found if line.endswith(" installed")} >= set(_needed())


def _needed() -> list[str]:
    """Debian's contrib modules are in the server's package itself."""
    return [name for name in machine.PACKAGES if name != "postgresql-contrib"]


def _install_packages(_wish: Wish) -> None:
    # One cluster an app is made by us; the package would make one that listens on the network's loopback.
    Wanted(path=machine.FIRST_FILE, content=_NO_CLUSTER).write()
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "a"}
    programs.run(["apt-get", "update", "-q"], environment=quiet)
    options = ["-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    programs.run(["apt-get", "install", *options, *_needed()], environment=quiet)


_NO_CLUSTER = "# Written by Freehold: each app gets a cluster of its own.\ncreate_main_cluster = false\n"


def _home_there(wish: Wish) -> bool:
    place = places.app_of(wish.app)
    return _has_user(place.user) and place.data.is_dir() and place.run.is_dir() and _tmpfiles(place).is_there()


def _make_home(wish: Wish) -> None:
    place = places.app_of(wish.app)
    if not _has_user(place.user):
        options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        programs.run(["useradd", *options, "--home-dir", str(place.data), place.user])
    for path in (SRV, HOSTS, place.home, place.home / "assets"):
        disk.folder(path, 0o755)
    for name in ("parts", "releases"):
        disk.folder(place.home / name, 0o750, "root", place.user)
    disk.folder(STATE, 0o711)
    disk.folder(place.state, 0o711)
    disk.folder(place.data, 0o700, place.user, place.user)
    for name in ("storage", "functions", "mail"):
        disk.folder(place.data / name, 0o700, place.user, place.user)
    _tmpfiles(place).write()
    make_run(place)


def _tmpfiles(place: App) -> Wanted:
    lines = [
        f"d {RUN} 0755 root root -",
        f"d {RUN}/hosts 0755 root root -",
        f"d {place.run} 0750 {place.user} {PROXY_GROUP} -",
        f"d {place.run}/bus 0700 {place.user} {place.user} -",
    ]
    return Wanted(path=Path(f"/etc/tmpfiles.d/freehold-{place.name}.conf"), content="\n".join([*lines, ""]))


def _database_there(wish: Wish) -> bool:
    return database.is_ready(places.app_of(wish.app), machine.facts()["memory_bytes"])


def _make_database(wish: Wish) -> None:
    database.prepare(places.app_of(wish.app), machine.facts()["memory_bytes"])


def _units_there(wish: Wish) -> bool:
    enabled = all((UNITS / f"timers.target.wants/{timer}").is_symlink() for timer in TIMERS)
    return all(file.is_there() for file in _units(wish)) and enabled and _program_link(wish)


def _make_units(wish: Wish) -> None:
    disk.link(PROGRAM / "current", wish.program)
    for file in _units(wish):
        file.write()
    programs.run(["systemctl", "daemon-reload"])
    programs.run(["systemctl", "enable", "--quiet", "freehold-boot.service"])
    programs.run(["systemctl", "enable", "--quiet", "--now", *TIMERS])


def _units(wish: Wish) -> tuple[Wanted, ...]:
    place = places.app_of(wish.app)
    app = disk.text(
        "app.service",
        app=place.name,
        user=place.user,
        home=str(place.home),
        run=str(place.run),
        data=str(place.data),
        workers=str(serving.workers()),
    )
    names = ("freehold-boot.service", "freehold-keep.service", "freehold-backup.service", *TIMERS)
    own = tuple(Wanted(path=UNITS / name, content=disk.text(name)) for name in names)
    return (Wanted(path=UNITS / f"fh-{place.name}@.service", content=app), *own)


def _program_link(wish: Wish) -> bool:
    link = PROGRAM / "current"
    return link.is_symlink() and link.readlink().name == wish.program


def _proxy_there(wish: Wish) -> bool:
    links = all((HOSTS / host).is_symlink() and (RUN / "hosts" / f"{host}.sock").is_symlink() for host in wish.hosts)
    return disk.stamped(PROXY_STAMP, (_caddyfile(wish),)) and links and _notes(wish).is_there() and _plain(wish)


def _make_proxy(wish: Wish) -> None:
    place = places.app_of(wish.app)
    _notes(wish).write()
    (place.home / "served").touch()
    plain = place.home / "plain"
    plain.touch() if wish.address.startswith("http://") else plain.unlink(missing_ok=True)
    for host in wish.hosts:
        disk.link(HOSTS / host, f"../{place.name}")
        disk.link(RUN / "hosts" / f"{host}.sock", f"../{place.name}/current.sock")
    wanted = _caddyfile(wish)
    if not disk.stamped(PROXY_STAMP, (wanted,)):
        trial = Wanted(path=STATE / "Caddyfile.trial", content=wanted.content)
        trial.write()
        programs.run(["caddy", "validate", "--config", str(trial.path), "--adapter", "caddyfile"])
        wanted.write()
        programs.run(["systemctl", "enable", "--quiet", "caddy.service"])
        programs.run(["systemctl", "restart", "caddy.service"])
        disk.stamp(PROXY_STAMP, (wanted,))


def _plain(wish: Wish) -> bool:
    return (places.app_of(wish.app).home / "plain").exists() == wish.address.startswith("http://")


def _caddyfile(wish: Wish) -> Wanted:
    issuer = "issuer internal" if wish.tls == "internal" else ""
    return Wanted(path=Path("/etc/caddy/Caddyfile"), content=disk.text("Caddyfile", issuer=issuer))


def _notes(wish: Wish) -> Wanted:
    """What deploys read: where the app is found, and for whom dumps are encrypted."""
    values = {
        "app": wish.app,
        "address": wish.address,
        "hosts": wish.hosts,
        "recipient": wish.recipient,
        "tls": wish.tls,
    }
    return Wanted(
        path=places.app_of(wish.app).state / "app.json", content=json.dumps(values, indent=1) + "\n", mode=0o600
    )


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


PARTS: dict[str, tuple[Callable[[Wish], bool], Callable[[Wish], None]]] = {
    "packages": (_packages_there, _install_packages),
    "home": (_home_there, _make_home),
    "database": (_database_there, _make_database),
    "units": (_units_there, _make_units),
    "proxy": (_proxy_there, _make_proxy),
}
