"""An app's processes as systemd sees them: one unit a release."""

import contextlib
import json
import re
import time
from pathlib import Path

from freehold.kit import files
from freehold.targets.server.remote import programs
from freehold.targets.server.remote.places import App

WARM_SECONDS = 1800.0
"""How long a release stays running after it has lost the traffic: going back to it is one rename."""
PARTING_SECONDS = 20.0
ESTABLISHED = "03"


def live(place: App) -> int:
    """The release that has the traffic; 0 before there was one."""
    for link in (place.switch, place.current):
        with contextlib.suppress(OSError, ValueError):
            return int(link.readlink().name.removesuffix(".sock"))
    return 0


def running(place: App) -> frozenset[int]:
    """Releases whose unit is active."""
    argv = ["systemctl", "list-units", "--plain", "--no-legend", "--state=active", f"fh-{place.name}@*.service"]
    found = re.findall(rf"fh-{re.escape(place.name)}@(\d+)\.service", programs.run(argv).decode())
    return frozenset(int(number) for number in found)


def stop(place: App, number: int) -> None:
    """End a release; requests under way finish first."""
    programs.run(["systemctl", "stop", place.unit(number)])
    programs.attempt(["systemctl", "reset-failed", place.unit(number)])
    place.socket(number).unlink(missing_ok=True)
    files.remove_tree(place.run / f"{number}.traffic")


def note_left(place: App, number: int) -> None:
    """Write down that it counts from now on for how long a release is warm."""
    notes = _left(place)
    notes[str(number)] = time.time()
    files.write_text(place.run / "left.json", json.dumps(notes))


def retire(place: App) -> list[int]:
    """Begin to stop what was warm for long enough, and all but the newest of those that were left and have no one.

    Whoever calls this holds the lock of the records: nothing may be switched to what is stopped here. Nobody waits for
    the end, and the next start cleans up.
    """
    notes, at = _left(place), live(place)
    idle = sorted(running(place) - {at}, key=lambda number: notes.get(str(number), 0.0))
    stopped = []
    for position, number in enumerate(idle, start=1):
        left = time.time() - notes.get(str(number), time.time())
        calm = left > PARTING_SECONDS and connections(place, number) == 0
        if (position < len(idle) and calm) or left > WARM_SECONDS:
            programs.run(["systemctl", "stop", "--no-block", place.unit(number)])
            stopped.append(number)
    return stopped


def connections(place: App, number: int) -> int:
    """How many connections a release has."""
    path = str(place.socket(number))
    lines = (line.split() for line in Path("/proc/net/unix").read_text().splitlines())
    return sum(1 for line in lines if line[-1] == path and line[5] == ESTABLISHED)


def last_words(place: App, number: int, lines: int = 15) -> str:
    """What a release has logged last."""
    argv = ["journalctl", "-u", place.unit(number), "-n", str(lines), "-o", "cat", "--no-pager"]
    return programs.attempt(argv).stdout.decode(errors="replace").strip()


def _left(place: App) -> dict[str, float]:
    with contextlib.suppress(OSError, ValueError):
        found: dict[str, float] = json.loads((place.run / "left.json").read_text())
        return found
    return {}
