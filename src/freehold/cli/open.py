"""`freehold open`: an app in the browser."""

from pathlib import Path

import click

from freehold.cli.options import target_options
from freehold.core.errors import NotRunning
from freehold.flows.targets import open_target


@click.command("open")
@target_options
@click.option("--print", "only_print", is_flag=True, help="Print the address, and open nothing.")
def command(path: str | None, data: Path | None, to: str | None, only_print: bool) -> None:
    """Open an app in the browser, and print its address."""
    address = open_target(to, path, data).address
    if not address:
        raise NotRunning("this app is not up", hint="freehold up PATH")
    click.echo(address)
    if not only_print and click.launch(address) != 0:
        click.echo("no browser could be started here", err=True)
