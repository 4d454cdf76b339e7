"""`freehold down`: stop what `freehold up` serves."""

from pathlib import Path

import click

from freehold.cli import output
from freehold.cli.options import json_option, place_options
from freehold.core.event import Event
from freehold.flows import down
from freehold.targets.local.place import find_place


@click.command("down")
@place_options
@json_option
def command(path: str | None, data: Path | None, as_json: bool) -> None:
    """Stop what `freehold up` serves. Data stays where it is."""
    place = find_place(path, data)
    stopped = down.down(place)
    report = output.reporter(as_json=as_json)
    same = "" if data is None else f" --data {data}"
    text = f"{stopped.app} is stopped; its data stays in {place.root}"
    report(Event(name="stopped", values={"app": stopped.app, "data": str(place.root)}))
    report(Event(name="said", text=f"{text}\nnext: freehold up {stopped.origin}{same}"))
