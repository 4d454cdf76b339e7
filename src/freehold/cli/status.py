"""`freehold status`: what runs, where, and how it is."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import click

from freehold.cli import output
from freehold.cli.options import json_option, target_options
from freehold.core.target_name import LOCAL
from freehold.flows.status import Elsewhere, Status, of_target, status
from freehold.flows.targets import open_target
from freehold.targets.local.place import find_place


@click.command("status")
@target_options
@json_option
def command(path: str | None, data: Path | None, to: str | None, as_json: bool) -> None:
    """Say what runs, where, and how it is. Exit 0 when it is well, 1 when it is not or nothing runs."""
    if to is not None and to != LOCAL:
        _elsewhere(of_target(open_target(to, path, data)), as_json=as_json)
    place = find_place(path, data)
    found = status(place)
    if as_json:
        click.echo(json.dumps(asdict(found) | {"data": str(place.root)}))
    else:
        _table(found, str(place.root))
    sys.exit(0 if found.health == "ok" else 1)


def _elsewhere(found: Elsewhere, *, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps(asdict(found)))
    else:
        held = f"{found.lock.holder}: {found.lock.purpose}" if found.lock else "nobody"
        state = f"{found.health} from here: {found.trouble}" if found.trouble else found.health
        rows = {"State": state, "Target": found.target, "Address": found.address, "Release": str(found.release)}
        output.rows(rows | {"Warm": ", ".join(map(str, found.warm)) or "none", "At work": held})
    sys.exit(0 if found.health == "ok" else 1)


def _table(found: Status, data: str) -> None:
    running = found.running
    if running is None:
        output.rows({"State": "stopped", "Release": str(found.release), "Data": data})
        click.echo("next: freehold up PATH", err=True)
        return
    output.rows(
        {
            "State": "running" if found.health == "ok" else "running, but not answering",
            "App": f"{running.app} from {running.origin}",
            "Address": running.url,
            "Release": str(found.release),
            "Database": running.database + ("" if running.embedded else " (your own)"),
            "Data": data,
            "Process": str(running.pid),
        }
    )
