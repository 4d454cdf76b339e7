"""`freehold where`: the folders and addresses of an app."""

import json
from pathlib import Path

import click

from freehold.cli import output
from freehold.cli.options import json_option, place_options
from freehold.targets.local import state
from freehold.targets.local.place import Place, find_place, identity_file


@click.command("where")
@place_options
@json_option
def command(path: str | None, data: Path | None, as_json: bool) -> None:
    """List the folders and addresses of an app. Nothing else on this machine belongs to it."""
    found = _lines(find_place(path, data))
    if as_json:
        click.echo(json.dumps({name.lower().replace(" ", "_"): value for name, value in found.items()}))
    else:
        output.rows(found)


def _lines(place: Place) -> dict[str, str]:
    running = state.read(place.state)
    addresses = {"App": running.url, "Mail page": f"{running.url}/_freehold/mail"} if running else {}
    return addresses | {
        "Data": str(place.root),
        "Database": running.database if running and not running.embedded else str(place.postgres),
        "Uploaded files": str(place.objects),
        "Mail": str(place.mail),
        "Releases": str(place.releases),
        "Artifacts": str(place.artifacts),
        "Logs": str(place.logs),
        "Function logs": str(place.functions),
        "Secrets": str(place.secrets),
        "Key of secrets": str(identity_file()),
    }
