"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def place_options(command: Command) -> Command:
    """Add PATH and --data: which app a command is about; see targets/local/place.py."""
    command = click.argument("path", required=False)(command)
    return data_option(command)


def data_option(command: Command) -> Command:
    """Add --data."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        help="The app's data folder, where it is not the usual one.",
    )(command)


def json_option(command: Command) -> Command:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output, for machines.")(command)


def target_options(command: Command) -> Command:
    """Add PATH, --data and --to: which app a command is about, and where it lives."""
    command = click.option("--to", metavar="NAME", help="The target; without it, this machine. See `freehold server`.")(
        command
    )
    return place_options(command)
