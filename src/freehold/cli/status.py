"""`freehold status`: what runs, where, and how it is."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from freehold.cli import output
from freehold.cli.options import json_option, place_options
from freehold.flows.status import Status, status
from freehold.targets.local.place import find_place


@click.command("status")
@place_options
@json_option
def command(path: str | None, data: Path | None, as_json: bool) -> None:
    """Say what runs, where, and how it is. Exit 0 when it is well, 1 when it is not or nothing runs."""
    place = find_place(path, data)
    found = status(place)
    if as_json:
        click.echo(json.dumps(asdict(found) | {"data": str(place.root)}))
    else:
        _table(found, str(place.root))
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
