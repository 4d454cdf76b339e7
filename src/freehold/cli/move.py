"""`freehold move`: a database with its users and files, from where it is to a place of one's own."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from freehold.cli import output
from freehold.cli.options import data_option, json_option
from freehold.core.errors import BadUsage
from freehold.core.secret import Secret
from freehold.flows import move, move_records, targets
from freehold.flows.move_work import Request
from freehold.targets.local.place import find_place

Command = TypeVar("Command", bound=Callable[..., Any])
FROM = "FREEHOLD_MOVE_FROM"
FILES_KEY = "FREEHOLD_MOVE_FILES_KEY"
BASE44_KEY = "FREEHOLD_BASE44_KEY"


def _source_options(command: Command) -> Command:
    command = click.option(
        "--from",
        "source",
        help="A dump (.zip, .dump, .backup, .sql, .gz) or a database's address. One with a password belongs into "
        f"{FROM}, or on standard input with --from -: command lines can be read by others.",
    )(command)
    command = click.option("--app", default=".", show_default=True, help="The app's folder.")(command)
    command = click.option(
        "--database-url", envvar="FREEHOLD_DATABASE_URL", help="Your own PostgreSQL instead of the embedded one."
    )(command)
    return data_option(command)


@click.group("move", invoke_without_command=True)
@_source_options
@click.option(
    "--to",
    default="local",
    show_default=True,
    help="The place to move to: this machine, or a target of `freehold server`.",
)
@click.option(
    "--files",
    default="",
    help="Where uploaded files are: a folder with one folder a bucket, or the old project's address "
    f"(https://REF.supabase.co), whose service key then stands in {FILES_KEY}.",
)
@click.option(
    "--rewrite-addresses",
    "rewrite_to",
    default="",
    metavar="URL",
    help="Put this address in the place of the old one in rows, functions and jobs, after everything was compared.",
)
@json_option
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: click.Context,
    source: str | None,
    app: str,
    database_url: str | None,
    data: Path | None,
    to: str,
    files: str,
    rewrite_to: str,
    as_json: bool,
) -> None:
    """Bring a database with its users and files here, and compare every row.

    Nothing at the source is changed. The place must not be up and must be new, or hold an earlier run of the same
    move: running again goes on where that stopped. Exit 0 when everything is equal, 1 when anything is not.
    """
    if context.invoked_subcommand is not None:
        return
    key = os.environ.get(FILES_KEY)
    request = Request(
        source=_source(source),
        app=app,
        data=data,
        database_url=Secret(database_url) if database_url else None,
        files=files,
        files_key=Secret(key) if key else None,
        rewrite_to=rewrite_to,
    )
    report = output.reporter(as_json=as_json)
    if to == "local":
        found = move.run(request, report)
    else:
        found = move.run_to(targets.open_target(to, app, data), request, report)
    _show(found, as_json=as_json)
    if not as_json:
        click.echo(f"next: freehold {'up ' + app if to == 'local' else 'deploy --to ' + to}", err=True)


@command.command("base44")
@click.option("--app", default=".", show_default=True, help="The app's folder.")
@click.option(
    "--exports",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"A folder with <Entity>.json or <Entity>.csv instead of the API, whose key stands in {BASE44_KEY}.",
)
@click.option("--api", "address", default=move_records.ADDRESS, show_default=True, help="Where the API is.")
@click.option("--database-url", envvar="FREEHOLD_DATABASE_URL", help="Your own PostgreSQL instead of the embedded one.")
@data_option
@json_option
def base44(  # noqa: PLR0913, PLR0917 - one parameter an option
    app: str, exports: Path | None, address: str, database_url: str | None, data: Path | None, as_json: bool
) -> None:
    """Bring a Base44 app's users and records here, and compare every id. Nothing at Base44 is changed.

    The place must not be up. Running again goes on where an earlier run stopped. Exit 0 when both sides have the same
    ids, 1 when they have not.
    """
    key = os.environ.get(BASE44_KEY)
    request = move_records.Request(
        app=app,
        data=data,
        database_url=Secret(database_url) if database_url else None,
        address=address,
        key=Secret(key) if key else None,
        exports=exports,
    )
    found = move_records.run(request, output.reporter(as_json=as_json))
    if as_json:
        click.echo(json.dumps({"event": "moved"} | found))
        return
    moved = found["entities"]
    items = moved if isinstance(moved, list) else []
    output.rows({str(item["entity"]): f"{item['here']} of {item['there']} records" for item in items})
    click.echo(f"{found['users']} users came along; each first signs in by the link for a new password", err=True)
    click.echo(f"next: freehold up {app}", err=True)


@command.command("verify")
@_source_options
@json_option
def verify(source: str | None, app: str, database_url: str | None, data: Path | None, as_json: bool) -> None:
    """Compare the place with the source again. Nothing is changed; the app may be up."""
    request = Request(
        source=_source(source), app=app, data=data, database_url=Secret(database_url) if database_url else None
    )
    _show(move.compare(request, output.reporter(as_json=as_json)), as_json=as_json)


@command.command("status")
@click.option("--app", help="The app's folder, where the current one is not it.")
@data_option
@json_option
def status(app: str | None, data: Path | None, as_json: bool) -> None:
    """Say how the last move ended. Exit 1 when anything was not as at the source."""
    found = move.last_report(find_place(app, data))
    _show(found, as_json=as_json)
    sys.exit(0 if found["equal"] else 1)


@command.command("report")
@click.option("--app", help="The app's folder, where the current one is not it.")
@data_option
@json_option
def report(app: str | None, data: Path | None, as_json: bool) -> None:
    """Print where the page for people lies; with --json print the whole report."""
    place = find_place(app, data)
    found = move.last_report(place)
    click.echo(json.dumps(found) if as_json else str(place.root / move.PAGE))


def _source(given: str | None) -> Secret:
    text = os.environ.get(FROM, "") if given is None else given
    if text == "-":
        text = sys.stdin.readline().strip()
    if not text:
        raise BadUsage("say what is to be moved", hint="freehold move --from ./database_export.zip")
    return Secret(text)


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"event": "moved"} | found))
        return
    tables, left = found["tables"], found["ledger"]["left"]
    differing = sum(not table["equal"] for table in tables)
    output.rows(
        {
            "From": str(found["source"]),
            "Objects": ", ".join(f"{count} {name}" for name, count in sorted(found["ledger"]["outcomes"].items())),
            "Accounted for": f"{found['ledger']['percent']:g} %",
            "Rows": f"{sum(table['rows_target'] for table in tables):,} in {len(tables)} tables, {differing} differ",
            "Users": ", ".join(f"{count} {kind}" for kind, count in sorted(found["users"].items())) or "none",
            "Files": f"{found['files']['fetched']}",
            "Old addresses": f"in {len(found.get('old_addresses') or [])} columns, functions and jobs",
            "Secrets to set": ", ".join(i["name"] for i in found.get("secrets") or [] if not i["set"]) or "none",
            "Report": str(found.get("page") or move.PAGE),
        }
    )
    for item in left:
        click.echo(f"{output.paint('left:', 'yellow')} {item['what']}: {item['why']}", err=True)
