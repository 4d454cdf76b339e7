"""A release with a server of the app's own in Python: what its unit may do that others may not, and its login."""

import json
from pathlib import Path

from freehold.core import configuration
from freehold.core.release import Release
from freehold.kit import files
from freehold.targets.server.remote import disk, programs
from freehold.targets.server.remote.disk import Wanted
from freehold.targets.server.remote.places import App

UNITS = Path("/etc/systemd/system")


def is_python(place: App, release: Release) -> bool:
    """Whether the release brings one."""
    mark = release.config.get("server")
    if not isinstance(mark, dict) or configuration.PART not in mark:
        return False
    folder = place.release(release.number) / str(mark[configuration.PART]) / str(mark.get("path", ""))
    manifest = folder / "server.json"
    return manifest.is_file() and json.loads(manifest.read_text()).get("runtime") == "python"


def let_confine(place: App, number: int) -> None:
    """Let this one release's unit make the namespaces that such a server is confined in."""
    if _exception(place, number).write():
        programs.run(["systemctl", "daemon-reload"])


def forget(place: App, number: int) -> None:
    """Take the exception of a release that is gone away; systemd reads no more of it than of the release."""
    files.remove_tree(_exception(place, number).path.parent)


def _exception(place: App, number: int) -> Wanted:
    return Wanted(path=UNITS / f"{place.unit(number)}.d/python.conf", content=disk.text("python.conf"))
