"""`freehold secrets`: what an app's functions read from their environment."""

import json
import sys
from pathlib import Path

import click

from freehold.cli.options import json_option, same_app, target_options
from freehold.core.errors import SecretRefused
from freehold.core.secret import Secret
from freehold.core.target_name import LOCAL
from freehold.flows import keep_secret, targets
from freehold.secrets.age import AgeStore, check_name
from freehold.targets.local import state
from freehold.targets.local.place import find_place, identity_file


@click.group("secrets")
def command() -> None:
    """Set and list the secrets that an app's functions read. Values are encrypted and never shown."""


@command.command("set")
@click.argument("name")
@target_options
def set_secret(name: str, path: str | None, data: Path | None, to: str | None) -> None:
    """Ask for the value of NAME, or read it from standard input (`< FILE`), and keep it encrypted.

    An app that runs on this machine takes it over at once; on a server the next deploy does.
    """
    if to not in (None, LOCAL):
        check_name(name)
        target = targets.open_target(to, path, data)
        version = keep_secret.keep(target, name, Secret(_read_value(name)))
        click.echo(f"{name} is set on {to} (version {version})\nnext: freehold deploy --to {to}", err=True)
        return
    place = find_place(path, data)
    check_name(name)
    value = _read_value(name)
    version = AgeStore(place.secrets, identity_file()).put(name, Secret(value))
    running = state.read(place.state)
    taken = "the running app takes it over now" if running else "it takes effect at the next `freehold up`"
    click.echo(f"{name} is set (version {version}); {taken}", err=True)


@command.command("list")
@target_options
@json_option
def list_secrets(path: str | None, data: Path | None, to: str | None, as_json: bool) -> None:
    """List names and versions; never values."""
    if to not in (None, LOCAL):
        versions = targets.open_target(to, path, data).secret_versions()
    else:
        store = AgeStore(find_place(path, data).secrets, identity_file())
        versions = {name: store.version(name) for name in store.names()}
    if as_json:
        click.echo(json.dumps(versions))
        return
    for name, version in versions.items():
        click.echo(f"{name}  version {version}")
    if not versions:
        click.echo(f"no secret is set\nnext: freehold secrets set NAME{same_app(to, path, data)}", err=True)


def _read_value(name: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of {name} (not shown)", hide_input=True, err=True))
    value = sys.stdin.read().removesuffix("\n")
    if "\0" in value:
        raise SecretRefused(f"the value of {name} holds a NUL byte")
    return value
