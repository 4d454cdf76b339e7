"""`freehold server`: machines that their owner reaches by SSH."""

from pathlib import Path

import click

from freehold.cli import output
from freehold.cli.options import json_option
from freehold.core.errors import BadUsage
from freehold.core.event import Event
from freehold.core.plan import Plan
from freehold.engine.apply import apply
from freehold.engine.journal import Journal
from freehold.flows import server_add, server_target, server_upgrade
from freehold.flows.server_add import Offer, Request


@click.group("server")
def command() -> None:
    """Make a machine of your own the server of an app, and keep it up to date."""


@command.command("add")
@click.argument("address")
@click.option("--app", help="The app's name there; the current folder's name if it is left out.")
@click.option(
    "--name", default=server_add.NAME, show_default=True, help="What this target is called: deploy --to NAME."
)
@click.option("--domain", "domains", multiple=True, help="A host name of the app; its DNS points to the server.")
@click.option(
    "--tls",
    type=click.Choice(server_add.TLS),
    default="acme",
    show_default=True,
    help="acme: a public certificate; internal: one of the server's own authority; off: plain HTTP.",
)
@click.option("--database-url", is_flag=False, flag_value="", hidden=True)
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be done, and do nothing.")
@json_option
def add(  # noqa: PLR0913 - one parameter an option
    address: str,
    app: str | None,
    name: str,
    domains: tuple[str, ...],
    tls: str,
    *,
    database_url: str | None,
    only_plan: bool,
    as_json: bool,
) -> None:
    """Make the machine at ADDRESS (user@host[:port]) a server: a bare Debian 12 or newer with SSH is enough.

    Packages, a user, PostgreSQL, Caddy and the runtime. Run again, it changes nothing.
    """
    if database_url is not None:
        raise BadUsage(
            "a server's database is a PostgreSQL on the server itself",
            detail="one that lies elsewhere cannot be used by a server yet",
            hint="leave --database-url out; with a database of your own, serve from this machine: freehold up",
        )
    report = output.reporter(as_json=as_json)
    request = Request(
        address=address,
        app=app or server_add.name_of(Path.cwd()),
        name=name,
        domains=domains,
        tls=tls,
        cache=server_target.cache(),
    )
    with server_add.offered(request, report) as offer:
        _show(offer, report)
        if only_plan:
            report(Event(name="said", text="nothing of it was done; the same without --plan does it"))
            return
        server_add.add(offer, report, Journal(server_target.cache() / "server-add.jsonl"))
        server_add.record(request, offer)
    values: dict[str, object] = {"target": name, "app": request.app, "url": offer.url}
    report(Event(name="server-ready", text=f"{address} is the server of {request.app}, at {offer.url}", values=values))
    if not as_json:
        if domains:
            click.echo(
                f"let the name lead there: an A record of {', '.join(domains)} with the machine's address", err=True
            )
        click.echo(f"{request.app} will be at {offer.url}. Next: freehold deploy --to {name}", err=True)


@command.command("upgrade")
@click.option("--to", default="production", show_default=True, metavar="NAME", help="The target.")
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be done, and do nothing.")
@json_option
def upgrade(to: str, *, only_plan: bool, as_json: bool) -> None:
    """Bring a server up to this version of Freehold: units, proxy, runtime, platform schema.

    What runs there goes on running: the schema is only added to, and a release gets the new runtime with the next
    deploy.
    """
    report = output.reporter(as_json=as_json)
    wanted = server_upgrade.plan(to)
    _show_plan(wanted, report)
    if not only_plan:
        apply(wanted, report, Journal(server_target.cache() / "server-add.jsonl"))
        report(Event(name="server-ready", text=f"{to} is up to date", values={"target": to}))
        if not as_json:
            click.echo(f"{to} is up to date; a release gets this runtime with: freehold deploy --to {to}", err=True)


def _show(offer: Offer, report: output.Report) -> None:
    for what, value in offer.condition.facts.items():
        report(Event(name="said", text=f"  {what}: {value}"))
    _show_plan(offer.plan, report)


def _show_plan(plan: Plan, report: output.Report) -> None:
    report(Event(name="said", text=f"{plan.purpose}:"))
    for number, step in enumerate(plan.steps, start=1):
        mark = "done already" if step.done() else "to do"
        report(Event(name="said", text=f"  {number}. {step.title} ({mark})"))
