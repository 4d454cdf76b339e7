"""A dump of every app's database each night, encrypted for its owner before it touches the disk."""

import os
import subprocess
import time

from freehold.core.errors import DatabaseUnavailable
from freehold.targets.server.remote import boot, database, state
from freehold.targets.server.remote.places import App

KEPT = 7


def take() -> list[str]:
    """Dump each app; the newest KEPT stay."""
    return [_dump(place) for place in boot.apps() if state.settings(place).get("recipient")]


def _dump(place: App) -> str:
    folder = place.state / "backups"
    folder.mkdir(exist_ok=True, mode=0o700)
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.dump.age"
    temporary = path.with_suffix(".new")
    found = database.address(place.name)
    dump = ["pg_dump", "-Fc", "-h", found["folder"], "-p", str(found["port"]), "-U", found["superuser"], "postgres"]
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file, subprocess.Popen(dump, stdout=subprocess.PIPE) as source:
        recipient = str(state.settings(place)["recipient"])
        sealed = subprocess.run(["age", "-r", recipient], stdin=source.stdout, stdout=file, check=False)
        os.fsync(file.fileno())
    if source.returncode != 0 or sealed.returncode != 0:
        temporary.unlink(missing_ok=True)
        raise DatabaseUnavailable(
            f"the database of {place.name} could not be dumped", hint="journalctl -u freehold-backup"
        )
    temporary.rename(path)
    for old in sorted(folder.glob("*.dump.age"))[:-KEPT]:
        old.unlink()
    return str(path)
