"""`freehold move`: a database with its users and files, from where it is to a place of one's own."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from freehold.cli import move_text, output
from freehold.cli.options import data_option, json_option, same_app
from freehold.core.errors import BadUsage, MoveRefused, NotRunning
from freehold.core.secret import Secret
from freehold.core.target_name import LOCAL
from freehold.flows import move, move_records, move_records_to, move_to
from freehold.flows.move_papers import papers_of
from freehold.flows.move_served import Login
from freehold.flows.move_work import Request
from freehold.targets.local.place import Place, find_place, place_of

Command = TypeVar("Command", bound=Callable[..., Any])
FROM = "FREEHOLD_MOVE_FROM"
FILES_KEY = "FREEHOLD_MOVE_FILES_KEY"
LOGIN_WORD = "FREEHOLD_MOVE_PASSWORD"
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


def _to_option(command: Command) -> Command:
    return click.option(
        "--to",
        default=LOCAL,
        show_default=True,
        metavar="NAME",
        help="The place: this machine, or a target of `freehold server`.",
    )(command)


@click.group("move", invoke_without_command=True)
@_source_options
@click.option(
    "--to",
    default=LOCAL,
    show_default=True,
    metavar="NAME",
    help="Where to: this machine, a target of `freehold server`, or USER@ADDRESS of a bare machine, which is made the "
    "server `production` first.",
)
@click.option(
    "--files",
    default="",
    help="Where uploaded files are: a folder with one folder a bucket, the old project's address "
    f"(https://REF.supabase.co), whose service key then stands in {FILES_KEY}, or an S3 endpoint "
    "(s3+https://REF.supabase.co/storage/v1/s3?region=REGION) with ACCESS_KEY_ID:SECRET_ACCESS_KEY there.",
)
@click.option(
    "--rewrite-addresses",
    "rewrite_to",
    default="",
    metavar="URL",
    help="Put this address in the place of the old one in rows, functions and jobs, after everything was compared.",
)
@click.option(
    "--start-over",
    is_flag=True,
    help="Empty the server's database and files first. Refused once a release was live there.",
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
    start_over: bool,
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
        starts_over=start_over,
    )
    if start_over and to == LOCAL:
        raise BadUsage("--start-over empties a server", hint="here, give another folder: --data NEW_FOLDER")
    report = output.reporter(as_json=as_json)
    found = move.run(request, report) if to == LOCAL else move_to.run(to, request, report)
    move_text.show(found, as_json=as_json)
    if not as_json:
        _say_next(to, app, data)


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
@click.option(
    "--to",
    default=LOCAL,
    show_default=True,
    metavar="NAME",
    help="Where to: this machine, a target of `freehold server`, or USER@ADDRESS of a bare machine.",
)
@click.option("--verify", "only_compare", is_flag=True, help="Compare again; nothing is changed, the app may be up.")
@click.option("--start-over", is_flag=True, help="Empty the server first. Refused once a release was live there.")
@json_option
def base44(  # noqa: PLR0913, PLR0917 - one parameter an option
    app: str,
    exports: Path | None,
    address: str,
    database_url: str | None,
    data: Path | None,
    to: str,
    only_compare: bool,
    start_over: bool,
    as_json: bool,
) -> None:
    """Bring a Base44 app's users, records and files here, and compare every record. Nothing at Base44 is changed.

    The place must not be up and must be new, or hold an earlier run of the same move: running again goes on where that
    stopped. Exit 0 when everything is equal, 1 when anything is not.
    """
    key = os.environ.get(BASE44_KEY)
    request = move_records.Request(
        app=app,
        data=data,
        database_url=Secret(database_url) if database_url else None,
        address=address,
        key=Secret(key) if key else None,
        exports=exports,
        starts_over=start_over,
    )
    if start_over and (to == LOCAL or only_compare):
        raise BadUsage("--start-over empties a server", hint="here, give another folder: --data NEW_FOLDER")
    report = output.reporter(as_json=as_json)
    if to == LOCAL:
        found = (move_records.compare if only_compare else move_records.run)(request, report)
    else:
        found = (move_records_to.compare if only_compare else move_records_to.run)(to, request, report)
    move_text.show(found, as_json=as_json)
    if not as_json and not only_compare:
        _say_next(to, app, data)


@command.command("verify")
@_source_options
@_to_option
@click.option(
    "--login",
    metavar="EMAIL",
    help=f"Sign this user in with the password of before, from {LOGIN_WORD} or typed when it is asked for.",
)
@json_option
def verify(  # noqa: PLR0913, PLR0917 - one parameter an option
    source: str | None,
    app: str,
    database_url: str | None,
    data: Path | None,
    to: str,
    login: str | None,
    as_json: bool,
) -> None:
    """Compare the place with the source again. Nothing is changed; the app may be up.

    Where it is, a file, every function and, with --login, a user's sign-in are tried at its address too. A sign-in
    leaves its mark on the user's row, as every sign-in does.
    """
    request = Request(
        source=_source(source),
        app=app,
        data=data,
        database_url=Secret(database_url) if database_url else None,
        login=Login(email=login, password=_password(login)) if login else None,
    )
    report = output.reporter(as_json=as_json)
    found = move.compare(request, report) if to == LOCAL else move_to.compare(to, request, report)
    move_text.show(found, as_json=as_json)


@command.command("status")
@click.option("--app", help="The app's folder, where the current one is not it.")
@data_option
@_to_option
@json_option
def status(app: str | None, data: Path | None, to: str, as_json: bool) -> None:
    """Say how the last move ended. Exit 1 when anything was not as at the source."""
    found, _ = _last_report(app, data, to)
    move_text.show(found, as_json=as_json)
    sys.exit(0 if found["equal"] else 1)


@command.command("report")
@click.option("--app", help="The app's folder, where the current one is not it.")
@data_option
@_to_option
@json_option
def report(app: str | None, data: Path | None, to: str, as_json: bool) -> None:
    """Print where the page for people lies; with --json print the whole report."""
    found, page = _last_report(app, data, to)
    click.echo(json.dumps(found) if as_json else str(page))


def _say_next(to: str, app: str, data: Path | None) -> None:
    """Name the command that serves what was moved."""
    same = same_app(None, app, data)
    following = f"up{same}" if to == LOCAL else f"deploy{same} --to {move_to.name_of(to)}"
    click.echo(f"next: freehold {following}", err=True)


def _last_report(app: str | None, data: Path | None, to: str) -> tuple[dict[str, object], Path]:
    if to != LOCAL:
        return move_to.last_report(to, app or ".", data)
    here = place_of(app or ".", data)
    papers = papers_of(here if app or data or here.root.exists() else _only_place())
    return papers.last(), papers.page


def _only_place() -> Place:
    try:
        return find_place(None, None)
    except NotRunning:
        raise MoveRefused(
            "nothing was moved on this machine yet", hint="freehold move --from SOURCE --app FOLDER"
        ) from None


def _source(given: str | None) -> Secret:
    text = os.environ.get(FROM, "") if given is None else given
    if text == "-":
        text = sys.stdin.readline().strip()
    if not text:
        raise BadUsage("say what is to be moved", hint="freehold move --from ./database_export.zip")
    return Secret(text)


def _password(email: str) -> Secret:
    given = os.environ.get(LOGIN_WORD)
    return Secret(given or click.prompt(f"Password of {email} (not shown)", hide_input=True, err=True))
