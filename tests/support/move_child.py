"""One run of a move as a process of its own, to be killed: SOURCE_DSN SUPERUSER_DSN OWNER_DSN OBJECTS FILES (or -)."""

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


def run(source: str, superuser: str, owner: str, objects: str, files: str) -> None:
    destination = Destination(
        admin_dsn=Secret(superuser),
        owner_dsn=Secret(owner),
        owner="postgres",
        described="target",
        files=StoredFiles(FolderStore(Path(objects))),
    )
    with open_live(Secret(source), decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS) as live:
        found = Folder(Path(files)) if files != "-" else None
        moved = move(live, destination, (), _say, files=found)
        if moved.resumed:
            refresh(live, destination, lambda _event: None, found)


def _say(event: Event) -> None:
    sys.stdout.write(f"{event.name} {event.text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run(*sys.argv[1:])
