"""One run of a move as a process of its own, to be killed: OBJECTS FILES (or -), as `child` of move_world.py starts it.

The connection strings stand in its environment: they have passwords, and everybody sees a command line.
"""

import os
import sys
from pathlib import Path

from freehold.core.event import Event
from freehold.core.secret import Secret
from freehold.data.move import decisions
from freehold.data.move.destination import Destination, StoredFiles
from freehold.data.move.refresh import refresh
from freehold.data.move.run import move
from freehold.data.sources.files import Folder
from freehold.data.sources.live import open_live
from freehold.kit.objects.folder import FolderStore


def run(objects: str, files: str) -> None:
    destination = Destination(
        admin_dsn=Secret(os.environ["MOVE_ADMIN_DSN"]),
        owner_dsn=Secret(os.environ["MOVE_OWNER_DSN"]),
        owner="postgres",
        described="target",
        files=StoredFiles(FolderStore(Path(objects))),
    )
    with open_live(Secret(os.environ["MOVE_SOURCE_DSN"]), decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS) as live:
        found = Folder(Path(files)) if files != "-" else None
        moved = move(live, destination, (), _say, files=found)
        if moved.resumed:
            refresh(live, destination, lambda _event: None, found)


def _say(event: Event) -> None:
    sys.stdout.write(f"{event.name} {event.text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run(*sys.argv[1:])
