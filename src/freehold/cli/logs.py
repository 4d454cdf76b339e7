"""`freehold logs`: what an app logs."""

import contextlib
import json
from pathlib import Path

import click

from freehold.cli.options import same_app, target_options
from freehold.core.errors import BadUsage
from freehold.core.target import OWN_SERVER, Target
from freehold.flows.targets import open_target
from freehold.kit import json_text


@click.command("logs")
@target_options
@click.option("--function", metavar="NAME", help="What this function has printed, each line with its request.")
@click.option("--server", "own_server", is_flag=True, help="What the app's own server has printed.")
@click.option("--follow", "-f", is_flag=True, help="Go on as lines come, until Ctrl-C.")
@click.option(
    "--lines", "-n", type=click.IntRange(0, 1_000_000), default=100, show_default=True, help="How many at first."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line, for machines.")
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    path: str | None,
    data: Path | None,
    to: str | None,
    function: str | None,
    own_server: bool,
    follow: bool,
    lines: int,
    as_json: bool,
) -> None:
    """Show what the releases of an app have logged, oldest first."""
    if function is not None and own_server:
        raise BadUsage("--function and --server ask for two logs", hint="ask for one at a time")
    target = open_target(to, path, data)
    of = OWN_SERVER if own_server else function or ""
    if of:
        _refuse_unknown(target, of, same_app(to, path, data))
    with contextlib.suppress(KeyboardInterrupt):
        for line in target.logs(lines=lines, follow=follow, of=of):
            click.echo(line if of and as_json else json.dumps({"text": line}) if as_json else _shown(line, of))


def _refuse_unknown(target: Target, of: str, here: str) -> None:
    """A program that never printed anything has no log; those that have are named, `here` being the same app."""
    found = target.logged()
    if of in found:
        return
    names = [name for name in found if name != OWN_SERVER]
    raise BadUsage(
        "the app's own server has printed nothing" if of == OWN_SERVER else f"the function {of} has printed nothing",
        detail=f"functions that have: {', '.join(names) or 'none'}",
        hint=f"freehold logs --function {names[0]}{here}" if names else f"freehold logs{here}",
    )


def _shown(line: str, of: str) -> str:
    """A line of a program for people: when, how bad, which request, what."""
    if not of:
        return line
    try:
        said = json_text.read(line)
        shown = f"{said['time']}  {said['level']:<6}  {said['request'] or '-'}  {said['text']}"
    except (ValueError, KeyError, TypeError):
        shown = line
    # What an app prints may hold orders to the terminal.
    return "".join(
        letter if letter.isprintable() or letter == "\t" else "\N{REPLACEMENT CHARACTER}" for letter in shown
    )
