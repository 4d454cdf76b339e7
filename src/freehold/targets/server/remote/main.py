"""Read orders, carry them out, answer each with one line: {"result": ...} or {"error": ...}."""

import json
import sys
from collections.abc import Callable
from typing import Any

from freehold.core.errors import FreeholdError
from freehold.targets.server.remote import (
    backup,
    blobs,
    boot,
    database,
    keys,
    machine,
    objects,
    preparation,
    releases,
    rendering,
    rows,
    runtimes,
    serving,
    state,
)
from freehold.targets.server.remote.rendering import Render

VERBS: dict[str, Callable[..., Any]] = {
    "facts": machine.facts,
    "prepared": preparation.look,
    "prepare": preparation.run,
    "app": state.describe,
    "database": database.address,
    "keys": keys.logins,
    "keep-keys": keys.keep,
    "secret-versions": keys.versions,
    "put-secret": keys.put,
    "missing": blobs.missing,
    "receive": blobs.receive,
    "rows-digest": rows.digest,
    "keep-objects": objects.keep,
    "object-digests": objects.digests,
    "drop-objects": objects.drop,
    "part": blobs.make_part,
    "wheels": runtimes.unpack_wheels,
    "runtime": runtimes.make,
    "runtimes": runtimes.names,
    "releases": releases.standings,
    "manifest": releases.manifest,
    "add": releases.add,
    "mark": releases.mark,
    "pin": releases.pin,
    "remove": releases.remove,
    "healthy": serving.healthy,
    "switch": serving.switch,
    "traffic": serving.traffic,
    "take-lock": releases.take_lock,
    "drop-lock": releases.drop_lock,
    "break-lock": releases.break_lock,
    "renew-lock": releases.renew_lock,
    "lock": releases.lock,
    "record": releases.record,
    "trail": releases.trail,
    "boot": boot.start_everything,
    "keep": boot.keep,
    "backup": backup.take,
}


WITH_BODY = "receive"


def main(render: Render) -> None:
    """Carry out the orders on standard input until it ends, or the one that a unit of ours names."""
    rendering.use(render)
    if len(sys.argv) > 1:
        sys.exit("error" in _carried_out({"verb": sys.argv[1], "values": {}}))
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        answer = _carried_out(asked)
        if "error" in answer and asked["verb"] == WITH_BODY:
            return  # what was not read of its body is no order


def _carried_out(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = {"result": VERBS[asked["verb"]](**asked["values"])}
    except FreeholdError as error:
        answer = {"error": {"code": error.code, "message": error.message, "detail": error.detail, "hint": error.hint}}
    print(json.dumps(answer), flush=True)  # noqa: T201 - this is how it answers
    return answer
