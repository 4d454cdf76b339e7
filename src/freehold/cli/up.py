"""`freehold up`: an app, served from a PostgreSQL of one's own."""

from collections.abc import Mapping
from pathlib import Path

import click

from freehold.cli import output
from freehold.cli.options import data_option, json_option
from freehold.core.event import Event
from freehold.core.secret import Secret
from freehold.flows.up import Request, up

WIDTH = 11
FRAMEWORKS = {"django": "Django", "next": "Next.js", "tanstack-start": "TanStack Start"}


@click.command("up")
@click.argument("path")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes any free port.")
@data_option
@click.option(
    "--database-url",
    envvar="FREEHOLD_DATABASE_URL",
    help="Your own PostgreSQL instead of the embedded one. A password belongs into PGPASSWORD or ~/.pgpass, "
    "or the whole address into FREEHOLD_DATABASE_URL: command lines can be read by others.",
)
@click.option(
    "--replay",
    is_flag=True,
    help="Into an empty database: take every statement that the migrations ever had in git and that applies, "
    "instead of the files strictly in order. What does not apply is listed. A database that never served anybody "
    "is put aside first.",
)
@click.option(
    "--fill-from-types",
    is_flag=True,
    help="Make the tables that only the builder's generated types know: empty, and closed to everybody but the "
    "service role.",
)
@click.option(
    "--fill-from-code",
    is_flag=True,
    help="Likewise for tables and columns that nothing but the app's own queries names. Their types are guesses.",
)
@click.option(
    "--accept",
    multiple=True,
    metavar="NAME",
    help="A migration that may take away what older releases need; the refusal says its name.",
)
@json_option
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    path: str,
    port: int,
    data: Path | None,
    database_url: str | None,
    replay: bool,
    fill_from_types: bool,
    fill_from_code: bool,
    accept: tuple[str, ...],
    as_json: bool,
) -> None:
    """Build the app at PATH and serve it until Ctrl-C.

    PATH is a folder, a git address or a .zip. Nothing is written to it. Running again carries on where it was.
    """
    say = output.reporter(as_json=as_json)

    served: dict[str, object] = {}

    def report(event: Event) -> None:
        say(event)
        if event.name == "ready":
            served.update(event.values)
            if not as_json:
                click.echo(_summary(event.values))

    request = Request(
        origin=path,
        data=data,
        port=port,
        database_url=Secret(database_url) if database_url else None,
        replay=replay,
        fill_from_types=fill_from_types,
        fill_from_code=fill_from_code,
        accept=frozenset(accept),
    )
    up(request, report)
    same = "" if data is None else f" --data {data}"
    say(Event(name="stopped", values={"app": served["app"], "data": served["data"]}))
    say(
        Event(
            name="said",
            text=f"{served['app']} is stopped; its data stays in {served['data']}\nnext: freehold up {path}{same}",
        )
    )


def _summary(values: Mapping[str, object]) -> str:
    """The first screen of a served app: where everything is, what is unset, and what to type next."""
    lines = [
        "",
        _line("App", values["url"]),
        _line("API", f"{values['api_url']}  key {values['publishable_key']}"),
        *_mail(values),
        _line("Database", f"{values['database']}  open it: freehold db shell --data {values['data']}"),
        _line("Data", values["data"]),
        *_server(values),
        *_functions(values),
        *_unset(values),
        *_sign_in(values),
        *_unknowns(values),
        "",
        "Ctrl-C stops it; the data stays. Next: open the app and sign up.",
    ]
    return "\n".join(lines)


def _mail(values: Mapping[str, object]) -> list[str]:
    if values["mail_leaves"]:
        return [_line("Mail", "leaves through your mail server (SMTP_HOST)")]
    missing = values["unset_mail"]
    part = f"your mail server is named in part; unset: {', '.join(missing)}" if isinstance(missing, list) else ""
    lines = [_line("Mail", f"{values['mail_url']}  (every mail the app sends)")]
    return [*lines, *([_line("", part)] if missing else [])]


def _line(name: str, text: object) -> str:
    return f"{name.ljust(WIDTH)}{text}"


def _server(values: Mapping[str, object]) -> list[str]:
    server = values["server"]
    if not isinstance(server, dict):
        return []
    answers = f"answers {' '.join(server['answers'])}" if server["answers"] else "renders the pages"
    name = FRAMEWORKS.get(server["framework"], server["framework"])
    return [_line("Server", f"{name}, {answers}  its log: freehold logs --server --data {values['data']}")]


def _functions(values: Mapping[str, object]) -> list[str]:
    functions, broken = values["functions"], values["functions_not_startable"]
    if not isinstance(functions, list) or not isinstance(broken, dict) or not functions:
        return []
    lines = [_line("Functions", ", ".join(name for name in functions if name not in broken) or "none starts")]
    return lines + [_line("", f"{name} cannot start: {reason}") for name, reason in broken.items()]


def _unset(values: Mapping[str, object]) -> list[str]:
    unset = values["unset_secrets"]
    if not isinstance(unset, dict) or not unset:
        return []
    lines = [_line("Unset", f"{name}, read by {', '.join(functions)}") for name, functions in unset.items()]
    first = next(iter(unset))
    return [*lines, _line("", f"set one: freehold secrets set {first} --data {values['data']}")]


def _sign_in(values: Mapping[str, object]) -> list[str]:
    unset = values["unset_sign_in"]
    if not isinstance(unset, dict) or not unset:
        return []
    lines: list[str] = []
    for name, secrets in unset.items():
        what = "is not set up: set " + ", ".join(secrets) if secrets else "is not available here"
        lines.append(_line("" if lines else "Sign-in", f"{name} {what}"))
    if any(unset.values()):
        lines.append(_line("", f"tell the provider to come back to {values['api_url']}/auth/v1/callback"))
    return lines


def _unknowns(values: Mapping[str, object]) -> list[str]:
    unknowns = values["unknowns"]
    return [_line("Unknown", text) for text in unknowns] if isinstance(unknowns, list) else []
