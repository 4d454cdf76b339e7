"""`freehold deploy`: a release of an app, served without dropping a request."""

import json
from collections.abc import Mapping
from pathlib import Path

import click

from freehold.cli import output
from freehold.cli.options import data_option, json_option, same_app
from freehold.core.event import Event
from freehold.core.target_name import LOCAL
from freehold.flows import deploy
from freehold.flows.source_of import place_and_origin
from freehold.flows.targets import open_target
from freehold.flows.traffic_steps import WATCH_SECONDS
from freehold.releases import history

NO_MAIL = (
    "mail: who signs up waits for one, and it has no way out: nobody new gets in there until you set SMTP_HOST,"
    " SMTP_ADMIN_EMAIL, SMTP_USER and SMTP_PASS"
)


@click.command("deploy")
@click.argument("path", required=False)
@data_option
@click.option("--to", metavar="NAME", help="The target; without it, this machine. See `freehold server`.")
@click.option("--message", "-m", default="", help="What is new; kept with the release.")
@click.option(
    "--accept",
    multiple=True,
    metavar="NAME",
    help="A migration that may take away what older releases need; the refusal says its name.",
)
@click.option(
    "--watch",
    type=click.FloatRange(0, 3600),
    default=WATCH_SECONDS,
    show_default=True,
    help="Seconds to watch its answers after the switch, and to go back by itself when they are errors.",
)
@click.option(
    "--keep", type=click.IntRange(1, 1000), default=history.KEEP, show_default=True, help="Releases that stay there."
)
@click.option("--plan", "only_plan", is_flag=True, help="Say what would happen, and change nothing.")
@json_option
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    path: str | None,
    data: Path | None,
    to: str | None,
    message: str,
    accept: tuple[str, ...],
    watch: float,
    keep: int,
    only_plan: bool,
    as_json: bool,
) -> None:
    """Build the app at PATH and serve it where it lives, beside the release before, then instead of it.

    PATH is a folder, a git address or a .zip; without it, what `freehold up` serves. The release before goes on serving
    until the new one is healthy. Run it again after anything went wrong: it carries on.
    """
    place, origin = place_and_origin(path, data)
    target = open_target(to, path, data)
    request = deploy.Request(
        origin=origin, place=place, accept=frozenset(accept), message=message, keep=keep, watch_seconds=watch
    )
    say = output.reporter(as_json=as_json)
    if only_plan:
        found = deploy.preview(request, target, say)
        click.echo(json.dumps(found) if as_json else _plan(found))
        return

    def report(event: Event) -> None:
        say(event)
        if event.name == "deployed" and not as_json:
            here, by_option = same_app(to, path, data), same_app(to, path, data, path_option="--path")
            click.echo(_summary(event.values, here, by_option))

    deploy.deploy(request, target, report)


def _plan(found: Mapping[str, object]) -> str:
    steps, migrations = found["steps"], found["migrations"]
    lines = [str(found["purpose"])]
    if isinstance(steps, list):
        lines += [f"  {number}. {step}" for number, step in enumerate(steps, start=1)]
    for item in migrations if isinstance(migrations, list) else []:
        lines.append(f"migration {item['path']}")
        lines += [f"  takes away: {text}" for text in item["closes"]]
        if item["accept"]:
            lines.append(f"  wants: --accept {item['accept']}   (no way back to older releases after it)")
    lines += _entities(found["entities"])
    return "\n".join([*lines, *_unset(found), "nothing was changed"])


def _entities(changes: object) -> list[str]:
    """What changes about records, then what has to be accepted by name, with what that means."""
    items = changes if isinstance(changes, list) else []
    lines = [f"entity {item['title']}" for item in items if not item["asks"]]
    for name in dict.fromkeys(item["entity"] for item in items if item["asks"]):
        mine = [item for item in items if item["entity"] == name and item["asks"]]
        lines += [f"entity {name}", *(f"  {item['asks']}" for item in mine)]
        after = "   (no way back to older releases after it)" if any(item["takes"] for item in mine) else ""
        lines.append(f"  wants: --accept {name}{after}")
    return lines


def _summary(values: Mapping[str, object], here: str, here_by_option: str) -> str:
    where = values["url"] or values["target"]
    if not values["changed"]:
        return f"release {values['release']} is live already, and holds the same: {where}"
    lines = [f"release {values['release']} is live at {where}", *_unset(values)]
    if values["unset_secrets"] or values["unset_mail"] or values["waits_for_mail"]:
        then = "" if values["target"] == LOCAL else ", then deploy again"
        lines.append(f"set one: freehold secrets set NAME{here}{then}")
    broken = values["functions_not_startable"]
    lines += [f"{name} cannot start: {why}" for name, why in broken.items()] if isinstance(broken, dict) else []
    if values["before"]:
        lines.append(f"the way back: freehold rollback{here_by_option}   (to release {values['before']})")
    return "\n".join(lines)


def _unset(values: Mapping[str, object]) -> list[str]:
    unset = values["unset_secrets"]
    secrets = unset.items() if isinstance(unset, dict) else ()
    missing = values["unset_mail"]
    mail = [NO_MAIL] if values["waits_for_mail"] else []
    if isinstance(missing, list) and missing:
        mail = [f"mail: the mail server is named in part, so none leaves; unset: {', '.join(missing)}"]
    return [*mail, *(f"unset: {name}, read by {', '.join(users)}" for name, users in secrets)]
