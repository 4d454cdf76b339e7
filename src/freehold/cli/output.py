"""What people and machines see: stdout is data, stderr is talk."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping

import click

from freehold.core.errors import FreeholdError
from freehold.core.event import Event

Report = Callable[[Event], None]
USUAL_COLUMNS = 80


def reporter(*, as_json: bool) -> Report:
    """Give the function that shows events: JSON lines on stdout, or sentences on stderr."""
    return _json_line if as_json else _Talk()


def show_error(error: FreeholdError, *, as_json: bool) -> None:
    """Show what happened, the evidence and what to type next."""
    if as_json:
        _json_line(Event(name="error", values={**error.document}))
        return
    click.echo(f"{paint('error:', 'red')} {error.message}", err=True)
    for line in error.detail.splitlines():
        click.echo(f"  {line}", err=True)
    if error.hint:
        click.echo(f"{paint('hint:', 'cyan')} {error.hint}", err=True)


def rows(pairs: Mapping[str, str]) -> None:
    """Print names and values in two columns on stdout."""
    width = max((len(name) for name in pairs), default=0)
    for name, value in pairs.items():
        click.echo(f"{name.ljust(width)}  {value}")


def paint(text: str, colour: str) -> str:
    """Colour a word where a person reads it; NO_COLOR and pipes stay plain."""
    if os.environ.get("NO_COLOR") or not sys.stderr.isatty():
        return text
    return click.style(text, fg=colour, bold=True)


def _json_line(event: Event) -> None:
    line: dict[str, object] = {"event": event.name}
    if event.text:
        line["text"] = event.text
    click.echo(json.dumps(line | event.values, ensure_ascii=False))


class _Talk:
    """Sentences with how long each step took; on a terminal the running step's last line is shown and wiped."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._step = ""
        self._live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def __call__(self, event: Event) -> None:
        if event.name == "step-started":
            self._finish()
            self._step, self._since = event.text, time.monotonic()
            click.echo(f"  {event.text} ...", err=True, nl=not self._live)
        elif event.name == "progress":
            self._progress(event.text)
        elif event.name == "step-finished":
            self._finish()
        elif event.name == "step-undone":
            click.echo(f"  undone: {event.text}", err=True)
        elif event.name in ("note", "warning"):
            self._finish()
            word = paint("note:", "yellow") if event.name == "note" else paint("warning:", "yellow")
            click.echo(f"  {word} {event.text}", err=True)
        elif event.name == "said":
            self._finish()
            click.echo(event.text, err=True)

    def _progress(self, text: str) -> None:
        if self._live and self._step:
            shown = f"  {self._step} ... {text}"[: _columns() - 1]
            click.echo(f"\r\033[K{shown}", err=True, nl=False)

    def _finish(self) -> None:
        if not self._step:
            return
        seconds = time.monotonic() - self._since
        if self._live:
            click.echo(f"\r\033[K  {paint('✓', 'green')} {self._step} ({seconds:.1f} s)", err=True)
        self._step = ""


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or USUAL_COLUMNS
    except OSError:
        return USUAL_COLUMNS
