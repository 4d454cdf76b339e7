"""`freehold check`: know an app before anything is done with it."""

import json
import sys
from pathlib import Path

import click

from freehold.cli import output
from freehold.cli.check_text import lines
from freehold.cli.options import json_option
from freehold.core.errors import BadUsage, FreeholdError
from freehold.core.event import Event
from freehold.core.finding import SEVERITIES
from freehold.flows.check import Checked, Request, check
from freehold.flows.check_document import document
from freehold.flows.check_report import report_page
from freehold.kit.files import write_text

CLEAN, FOUND, COULD_NOT_TELL = 0, 1, 2


@click.command("check")
@click.argument("path")
@json_option
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Write everything as one HTML page, to share."
)
@click.option(
    "--fail-on",
    type=click.Choice(("critical", "high", "medium", "low", "never")),
    default="high",
    show_default=True,
    help="End with 1 when there is a finding at least this severe.",
)
@click.option("--fill-from-types", is_flag=True, help="Reconstruct tables that only the builder's types know.")
@click.option("--no-database", is_flag=True, help="Do not replay the schema; rules about tables do not run then.")
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    path: str,
    as_json: bool,
    report: Path | None,
    fail_on: str,
    fill_from_types: bool,
    no_database: bool,
) -> None:
    """Say what the app at PATH is made of, what its database looks like, and what should be changed.

    PATH is a folder, a git address or a .zip. Nothing is written to it, none of its code is run, nothing is sent
    anywhere. Exit 0 when it is clean, 1 with findings at or above --fail-on, 2 when that could not be told.
    """
    request = Request(origin=path, database=not no_database, fill_from_types=fill_from_types)
    try:
        checked = check(request, _quiet if as_json else output.reporter(as_json=False))
        if report:
            _write(report, report_page(checked))
    except FreeholdError as error:
        output.show_error(error, as_json=as_json)
        sys.exit(COULD_NOT_TELL)
    if as_json:
        click.echo(json.dumps(document(checked), ensure_ascii=False, indent=1))
    else:
        for line in lines(checked, report):
            click.echo(line)
    sys.exit(exit_code(checked, fail_on))


def exit_code(checked: Checked, fail_on: str) -> int:
    """Findings decide; without any, silence counts only where everything could be looked at."""
    worst = checked.worst()
    if fail_on != "never" and worst is not None and SEVERITIES.index(worst) <= [*SEVERITIES].index(fail_on):  # type: ignore[arg-type]
        return FOUND
    return CLEAN if checked.whole else COULD_NOT_TELL


def _quiet(_event: Event) -> None:
    """JSON is one document: nothing goes before it."""


def _write(path: Path, page: str) -> None:
    try:
        write_text(path, page)
    except OSError as error:
        raise BadUsage(f"the report cannot be written to {path}", detail=str(error)) from error
