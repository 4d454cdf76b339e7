"""`freehold logs`: what an app logs."""

import contextlib
from pathlib import Path

import click

from freehold.cli.options import target_options
from freehold.flows.targets import open_target


@click.command("logs")
@target_options
@click.option("--follow", "-f", is_flag=True, help="Go on as lines come, until Ctrl-C.")
@click.option(
    "--lines", "-n", type=click.IntRange(0, 1_000_000), default=100, show_default=True, help="How many at first."
)
def command(path: str | None, data: Path | None, to: str | None, follow: bool, lines: int) -> None:
    """Show what the releases of an app have logged, oldest first."""
    target = open_target(to, path, data)
    with contextlib.suppress(KeyboardInterrupt):
        for line in target.logs(lines=lines, follow=follow):
            click.echo(line)
