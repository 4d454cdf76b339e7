"""TOML files that a person may have broken."""

import re
import tomllib
from pathlib import Path

from freehold.core.errors import BadUsage

_HEADER = re.compile(r"^[ \t]*\[(?P<name>[^\[\]\n]+)\][ \t]*(?:#.*)?$", re.MULTILINE)


def read(path: Path) -> dict[str, object]:
    """Read a file; one that is not there is an empty table. What is no TOML raises BadUsage with the place."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise BadUsage(f"{path.name} is not UTF-8 text", detail=str(error)) from error
    return parse(text, path.name)


def parse(text: str, origin: str) -> dict[str, object]:
    """Read TOML that came from `origin`; what is no TOML raises BadUsage with the line and column."""
    try:
        return _loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadUsage(
            f"{origin} is not valid TOML", detail=str(error), hint=f"correct {origin}, then try again"
        ) from error


def parse_blocks(text: str) -> tuple[dict[str, list[dict[str, object]]], tuple[str, ...]]:
    """Read each table of a file that is no TOML as a whole, by header, and say what could not be read.

    For files that more lenient programs accept: a table that stands twice is given twice.
    """
    found: dict[str, list[dict[str, object]]] = {}
    problems = []
    headers = list(_HEADER.finditer(text))
    starts = [0, *(match.start() for match in headers), len(text)]
    names = ["", *(match["name"].strip() for match in headers)]
    for name, start, end in zip(names, starts, starts[1:], strict=False):
        body = text[start:end].partition("\n")[2] if name else text[start:end]
        try:
            found.setdefault(name, []).append(_loads(body))
        except tomllib.TOMLDecodeError as error:
            problems.append(f"[{name}]: {error}" if name else str(error))
    return found, tuple(problems)


def table(values: dict[str, object], *names: str) -> dict[str, object]:
    """Give the table at a path of names, empty when there is none."""
    for name in names:
        inner = values.get(name)
        values = inner if isinstance(inner, dict) else {}
    return values


def _loads(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("it is nested too deeply") from error
