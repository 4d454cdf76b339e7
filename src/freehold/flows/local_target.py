"""Open this machine's place as a target."""

from pathlib import Path

import freehold
from freehold.secrets.age import AgeStore
from freehold.targets.local import database_access, keys
from freehold.targets.local.control import Far, Hands
from freehold.targets.local.place import Place, find_place, identity_file
from freehold.targets.local.target import LocalTarget


def open_at(path: str | None, data: Path | None) -> LocalTarget:
    """Find the place that a command is about; raises NotRunning."""
    return local(find_place(path, data))


def local(place: Place, hands: Hands | None = None) -> LocalTarget:
    """This machine's place as a target; `hands` are the running `freehold up`'s own, else a way to it."""
    own = AgeStore(place.keys, identity_file())
    return LocalTarget(
        place=place,
        hands=hands or Far(place.control),
        secrets=AgeStore(place.secrets, identity_file()),
        access=lambda: database_access.read(own),
        publishable_key=keys.load_or_make(own).publishable_key,
        runtime=freehold.__version__,
    )
