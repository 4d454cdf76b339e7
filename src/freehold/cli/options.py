"""Options that several commands share."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from freehold.core.target_name import LOCAL

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


def same_app(to: str | None, path: str | None, data: Path | None, *, path_option: str = "") -> str:
    """What has to be added to another command so that it is about the same app; "" where nothing was said.

    A target that is elsewhere knows its app by itself. `path_option` is how that command takes the path, "" as an
    argument.
    """
    if to not in {None, LOCAL}:
        return f" --to {to}"
    words = [*([path_option] if path and path_option else []), *([path] if path else [])]
    words += ["--data", str(data)] if data else []
    return "".join(f" {shlex.quote(word)}" for word in words)


def json_option(command: Command) -> Command:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output, for machines.")(command)


def target_options(command: Command) -> Command:
    """Add PATH, --data and --to: which app a command is about, and where it lives."""
    command = click.option("--to", metavar="NAME", help="The target; without it, this machine. See `freehold server`.")(
        command
    )
    return place_options(command)
