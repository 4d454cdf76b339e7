"""`freehold releases`: what is there to go back to."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from freehold.cli.options import json_option, target_options
from freehold.core.release import Standing
from freehold.flows import marks
from freehold.flows.targets import open_target


@click.command("releases")
@target_options
@click.option("--bad", type=int, metavar="N", help="Never go back to release N by itself; --why says why.")
@click.option("--why", default="marked by hand", help="Why it is bad.")
@click.option("--good", type=int, metavar="N", help="Take the mark from release N.")
@click.option("--pin", type=int, metavar="N", help="Keep release N, however many come after it.")
@click.option("--unpin", type=int, metavar="N", help="Do not keep it any more.")
@click.option("--prune", type=click.IntRange(1, 1000), metavar="KEEP", help="Remove all but the newest KEEP.")
@json_option
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    path: str | None,
    data: Path | None,
    to: str | None,
    bad: int | None,
    why: str,
    good: int | None,
    pin: int | None,
    unpin: int | None,
    prune: int | None,
    as_json: bool,
) -> None:
    """List the releases of an app, newest first. What is live, warm or pinned is never pruned."""
    target = open_target(to, path, data)
    change = marks.Change(bad=bad, why=why, good=good, pin=pin, unpin=unpin, prune=prune)
    removed = marks.change(target, change) if change.wanted else ()
    standings = target.releases()
    if as_json:
        click.echo(json.dumps({"target": target.name, "releases": [asdict(item) for item in standings]}))
        return
    for number in removed:
        click.echo(f"release {number} is removed", err=True)
    click.echo(_table(standings) if standings else "no release was made yet")


def _table(standings: Sequence[Standing]) -> str:
    rows = [("", "state", "made", "by", "code", "schema", "")]
    for item in reversed(standings):
        release = item.release
        commit = release.source.get("commit", "")[:7] + ("+" if release.source.get("changed") == "yes" else "")
        made = release.created_at[:16].replace("T", " ")
        notes = [f"bad: {item.bad}" if item.bad else "", "pinned" if item.pinned else "", release.message]
        note = "; ".join(text for text in notes if text)
        schema = release.schema_revision[:7]
        rows.append((str(release.number), item.state, made, release.created_by, commit, schema, note))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
