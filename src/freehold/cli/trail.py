"""`freehold trail`: who did what, when, by which plan, with which result."""

import json
from pathlib import Path

import click

from freehold.cli.options import json_option, target_options
from freehold.core.trail import Entry, read
from freehold.flows.targets import open_target
from freehold.trail import verify


@click.command("trail")
@target_options
@click.option("--verify", "is_verified", is_flag=True, help="Follow the chain from the first line to the last.")
@click.option(
    "--lines", "-n", type=click.IntRange(1, 1_000_000), default=20, show_default=True, help="How many to show."
)
@json_option
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    path: str | None, data: Path | None, to: str | None, is_verified: bool, lines: int, as_json: bool
) -> None:
    """Show the newest acts, oldest first. With --verify, say whether any line was changed, moved or taken out.

    The hash that --verify prints stands for all lines up to the last: keep it elsewhere, and lines that are taken off
    the end show as well.
    """
    target = open_target(to, path, data)
    written = target.trail()
    if is_verified:
        seal = verify.verify(written)
        values = {"target": target.name, "entries": len(written), "hash": seal}
        click.echo(json.dumps(values) if as_json else f"{len(written)} entries, none changed; the last hash is\n{seal}")
        return
    for line in written[-lines:]:
        click.echo(line if as_json else _told(read(line)))


def _told(entry: Entry) -> str:
    act = entry.act
    about = f" release {act.release}" if act.release else ""
    values = ", ".join(f"{name} {value}" for name, value in act.values.items() if value)
    ended = f" ({act.result}: {act.detail})" if act.result != "done" else ""
    return f"{entry.at[:19].replace('T', ' ')}  {act.who}  {act.what}{about}{f'  {values}' if values else ''}{ended}"
