"""Read orders, carry them out, answer each with one line: {"result": ...} or {"error": ...}.

An order that takes its time may say lines of {"event": ...} first. Modules are imported when an order wants them.
"""

import errno
import json
import os
import sys
from typing import Any

from freehold.core.errors import FreeholdError, TargetUnfit
from freehold.targets.server.remote import luggage

VERBS = {
    "facts": "machine.facts",
    "prepared": "preparation.look",
    "prepare": "preparation.run",
    "app": "state.describe",
    "logged": "state.logged",
    "database": "database.address",
    "keys": "keys.logins",
    "keep-keys": "keys.keep",
    "secret-versions": "keys.versions",
    "put-secret": "keys.put",
    "missing": "blobs.missing",
    "receive": "blobs.receive",
    "keep-objects": "objects.keep",
    "object-digests": "objects.digests",
    "drop-objects": "objects.drop",
    "rows-digest": "rows.digest",
    "part": "blobs.make_part",
    "wheels": "runtimes.unpack_wheels",
    "runtime": "runtimes.make",
    "runtimes": "runtimes.names",
    "releases": "releases.standings",
    "manifest": "releases.manifest",
    "add": "releases.add",
    "mark": "releases.mark",
    "pin": "releases.pin",
    "remove": "releases.remove",
    "healthy": "serving.healthy",
    "switch": "serving.switch",
    "rollback": "here.rollback",
    "arrive": "here.arrive",
    "traffic": "serving.traffic",
    "take-lock": "releases.take_lock",
    "drop-lock": "releases.drop_lock",
    "break-lock": "releases.break_lock",
    "renew-lock": "releases.renew_lock",
    "lock": "releases.lock",
    "record": "releases.record",
    "trail": "releases.trail",
    "boot": "boot.start_everything",
    "keep": "boot.keep",
    "backup": "backup.take",
}
"""What can be ordered, and the function that does it."""
WITH_BODY = "receive"
FULL = (errno.ENOSPC, errno.EDQUOT)
MAKE_ROOM = "make room there, then the same command again"
_HERE = "freehold.targets.server.remote"


def main(**parts: str) -> None:
    """Carry out the orders on standard input until it ends, or the one that a unit of ours names."""
    luggage.use(parts)
    if len(sys.argv) > 1:
        sys.exit("error" in _carried_out({"verb": sys.argv[1], "values": {}}))
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        answer = _carried_out(asked)
        if "error" in answer and asked["verb"] == WITH_BODY:
            return  # what was not read of its body is no order


def _carried_out(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = {"result": luggage.find(f"{_HERE}.{VERBS[asked['verb']]}")(**asked["values"])}
    except OSError as error:
        if not _is_full(error):
            raise
        answer = {"error": TargetUnfit("the server's disk is full", detail=str(error), hint=MAKE_ROOM).document}
    except FreeholdError as error:
        answer = {"error": error.document}
    print(json.dumps(answer), flush=True)  # noqa: T201 - this is how it answers
    return answer


def _is_full(error: OSError) -> bool:
    """Whether there is no room; shutil keeps several errors as one text."""
    return error.errno in FULL or os.strerror(errno.ENOSPC) in str(error)
