"""What units of ours ask for: bring everything back after a reboot, and stop what is warm no longer."""

from freehold.targets.server.remote import disk, places, preparation, releases, serving, units
from freehold.targets.server.remote.places import HOSTS, RUN, SRV, App


def apps() -> tuple[App, ...]:
    """Every app that was ever added."""
    names = sorted(item.name for item in SRV.iterdir() if (item / "releases").is_dir()) if SRV.is_dir() else []
    return tuple(App(name) for name in names)


def start_everything() -> list[str]:
    """Start what is live by the links on disk, and make the links below /run anew."""
    started = []
    for place in apps():
        preparation.make_run(place)
        number = units.live(place)
        if number:
            started.append(f"{place.name} {number}")
            if number not in units.running(place):
                serving.start(place, releases.records(place).release(number))
            disk.link(place.switch, f"{number}.sock")
    for link in HOSTS.iterdir() if HOSTS.is_dir() else ():
        disk.link(RUN / "hosts" / f"{link.name}.sock", f"../{places.app_of(link.readlink().name).name}/current.sock")
    return started


def keep() -> list[str]:
    """Stop warm releases whose time is over."""
    stopped = []
    for place in apps():
        with releases.records(place).locked():
            stopped += [f"{place.name} {number}" for number in units.retire(place)]
    return stopped
