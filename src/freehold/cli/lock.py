"""`freehold lock`: who changes an app just now."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from freehold.cli import output
from freehold.cli.options import json_option, target_options
from freehold.flows import holding
from freehold.flows.targets import open_target


@click.command("lock")
@target_options
@click.option(
    "--break", "is_broken", is_flag=True, help="End the lock, whoever holds it. What they do is refused from then on."
)
@json_option
def command(path: str | None, data: Path | None, to: str | None, is_broken: bool, as_json: bool) -> None:
    """Say who holds the lock, since when and until when at the latest. Exit 0 when it is free, 1 when it is held."""
    target = open_target(to, path, data)
    lease = holding.break_lock(target) if is_broken else target.lock()
    if as_json:
        shown = {name: value for name, value in asdict(lease).items() if name != "token"} if lease else None
        click.echo(json.dumps({"target": target.name, "lock": shown, "broken": is_broken and lease is not None}))
    elif lease is None:
        click.echo("nobody holds the lock")
    else:
        output.rows({"Holder": lease.holder, "Does": lease.purpose, "Since": lease.since, "Until": lease.until})
        if is_broken:
            click.echo("the lock is broken; what they still try is refused", err=True)
    sys.exit(1 if lease is not None and not is_broken else 0)
