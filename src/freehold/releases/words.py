"""What a build prints, for a person: without colours, without noise, and the lines that say why it failed."""

import re

from freehold.core.event import Event
from freehold.core.plan import Report

LINES_SHOWN = 15
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|[\x00-\x08\x0b-\x1f\x7f]")
_COMPLAINT = re.compile(r"^npm (?:error|ERR!|warn|WARN|notice)\b")
_NOISE = re.compile(
    r"^\s*(?:at .+\(?.*:\d+:\d+\)?|npm (?:notice|error A complete log|ERR! A complete log).*|npm error\s*|)$"
)
_ERROR = re.compile(
    r"error|failed|cannot|could not|not found|unexpected|missing|heap out of memory|ENO|E[A-Z]{4,}", re.IGNORECASE
)


def plain(line: str) -> str:
    """Take colours and other control characters out of a line."""
    return _COLOUR.sub("", line).rstrip()


def pass_on(line: str, report: Report) -> None:
    """Report a line of a program's output, if it says anything; npm's complaints are kept for the log."""
    text = plain(line)
    if text.strip() and not _COMPLAINT.match(text):
        report(Event(name="progress", text=text))


def relevant(lines: tuple[str, ...]) -> str:
    """Give the lines that most likely say why a program failed: from the first error among the last ones on."""
    spoken = [text for text in map(plain, lines) if not _NOISE.match(text)]
    tail = spoken[-3 * LINES_SHOWN :]
    first = next((number for number, text in enumerate(tail) if _ERROR.search(text)), max(0, len(tail) - LINES_SHOWN))
    return "\n".join(tail[first:][:LINES_SHOWN])
