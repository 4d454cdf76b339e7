"""Where the sources of an app are, when its owner does not say: where `freehold up` took them from."""

from pathlib import Path

from freehold.core.errors import BadUsage, NotAnApp
from freehold.kit import git
from freehold.targets.local import state
from freehold.targets.local.place import Place, find_place, place_of


def place_and_origin(path: str | None, data: Path | None) -> tuple[Place, str]:
    """Give an app's folder on this machine and its sources; raises BadUsage or, with nothing at `path`, NotAnApp."""
    if path is not None:
        if not git.is_address(path) and not Path(path).expanduser().exists():
            raise NotAnApp(f"{path} does not exist", hint="give a folder, a git address or a zip")
        return place_of(path, data), path
    if data is None and Path("package.json").is_file():
        return place_of(".", None), "."
    place = find_place(None, data)
    running = state.read(place.state)
    if running is None:
        raise BadUsage("it is not clear which app is meant", hint="freehold deploy PATH")
    return place, running.origin
