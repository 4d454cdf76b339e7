"""The `freehold` program: finds the command, and turns errors into words."""

import importlib
import sys

import click

from freehold import __version__
from freehold.cli import output
from freehold.core.errors import BadUsage, FreeholdError

COMMANDS = {
    "check": "Say what an app is made of, what its database looks like, and what should be changed",
    "up": "Build an app and serve it from a PostgreSQL of your own, on this machine",
    "move": "Bring a database with its users and files from where it is, and compare every row",
    "down": "Stop what `freehold up` serves",
    "deploy": "Make a release of an app and serve it, without dropping a request",
    "releases": "List the releases of an app, and say which are kept or never gone back to",
    "compare": "Say what is different between two releases",
    "rollback": "Give the traffic back to an earlier release, as the whole that it was",
    "logs": "Show what an app logs",
    "open": "Open an app in the browser",
    "server": "Make a machine of your own the server of an app",
    "lock": "Say who changes an app just now, and break a lock that was left",
    "trail": "Say who did what and when, and verify that nothing of it was changed",
    "status": "Say what runs, where, and how it is",
    "where": "List the folders and addresses of an app",
    "secrets": "Set and list the secrets that an app's functions read",
    "db": "Work with the app's database",
    "serve": "Serve from a settings file: what `up` and servers start",
}
INTERRUPTED = 130


class _Commands(click.Group):
    """Imports a command when it is asked for, so that `freehold --help` is quick."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"freehold.cli.{name}").command
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="freehold")
def freehold() -> None:
    """Take an app made in an AI app builder to infrastructure you own, as it is."""


def main() -> None:
    """Run the program and end the process: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        freehold.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except FreeholdError as error:
        output.show_error(error, as_json="--json" in sys.argv)
        sys.exit(2 if isinstance(error, BadUsage) else 1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
