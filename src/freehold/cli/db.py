"""`freehold db`: the app's database, directly."""

from pathlib import Path

import click

from freehold.cli.options import data_option
from freehold.flows import database_shell
from freehold.targets.local.place import find_place


@click.group("db")
def command() -> None:
    """Work with the app's database."""


@command.command("shell", context_settings={"ignore_unknown_options": True})
@click.argument("psql_arguments", nargs=-1, type=click.UNPROCESSED)
@data_option
@click.option("--path", help="The app, where the current folder is not it.")
@click.option("--admin", is_flag=True, help="Log in as the administrator instead of the app's owner.")
def shell(psql_arguments: tuple[str, ...], data: Path | None, path: str | None, admin: bool) -> None:
    """Open psql on the app's database, as the role that owns the app's tables.

    What follows goes to psql: freehold db shell -- -c 'select count(*) from profiles'
    """
    place = find_place(path, data)
    database_shell.open_shell(place, psql_arguments, admin=admin)
