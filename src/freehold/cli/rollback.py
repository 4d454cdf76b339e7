"""`freehold rollback`: an earlier release again, as the whole that it was."""

import json
from collections.abc import Mapping
from pathlib import Path

import click

from freehold.cli import output
from freehold.cli.options import data_option, json_option, same_app
from freehold.core.event import Event
from freehold.flows import rollback
from freehold.flows.targets import open_target
from freehold.flows.traffic_steps import WATCH_SECONDS
from freehold.flows.way_back import Wish


@click.command("rollback")
@click.argument("number", type=int, required=False)
@click.option("--path", help="Which app: its folder or address.")
@data_option
@click.option("--to", metavar="NAME", help="The target; without it, this machine. See `freehold server`.")
@click.option(
    "--watch",
    type=click.FloatRange(0, 3600),
    default=0.0,
    show_default=True,
    help=f"Seconds to watch its answers after the switch; a deploy watches for {WATCH_SECONDS:g}.",
)
@click.option("--bad", default="", metavar="WHY", help="Never go back by itself to the release that is left.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what would happen and be restored, and change nothing.")
@json_option
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    number: int | None,
    path: str | None,
    data: Path | None,
    to: str | None,
    watch: float,
    bad: str,
    only_plan: bool,
    as_json: bool,
) -> None:
    """Give the traffic to release NUMBER; without it, to the newest good one before the live one.

    Code, functions, configuration and secret versions are that release's own again. Data and schema stay as they are:
    where an older release cannot work with the schema of today, it is refused with the object and the migration.
    """
    target = open_target(to, path, data)
    if only_plan:
        found = rollback.preview(target, number)
        click.echo(json.dumps(found.document) if as_json else _plan(found))
        return
    say = output.reporter(as_json=as_json)

    def report(event: Event) -> None:
        say(event)
        if event.name == "rolled-back" and not as_json:
            here, by_option = same_app(to, path, data), same_app(to, path, data, path_option="--path")
            click.echo(_summary(event.values, here, by_option))

    rollback.rollback(target, Wish(number=number, watch_seconds=watch, bad=bad), report)


def _plan(found: rollback.Preview) -> str:
    lines = [found.purpose, *(f"  {number}. {step}" for number, step in enumerate(found.steps, start=1))]
    if found.restores is not None:
        from freehold.cli.compare import SHOWN, text  # noqa: PLC0415 - the way back itself is to start quickly

        lines += ["what changes for users and functions:", *text(found.restores, SHOWN)]
    return "\n".join([*lines, "data and schema stay as they are; nothing was changed"])


def _summary(values: Mapping[str, object], here: str, here_by_option: str) -> str:
    where = values["url"] or values["target"]
    if not values["changed"]:
        return f"release {values['release']} is live already: {where}"
    release, before = int(str(values["release"])), int(str(values["before"]))
    again, there = f"release {release} is live again at {where}", f"freehold rollback {before}{here_by_option}"
    if release > before:
        return f"{again}\nthe way back: {there}"
    return f"{again}\nthe way forward: {there}, or mend the code and freehold deploy{here}"
