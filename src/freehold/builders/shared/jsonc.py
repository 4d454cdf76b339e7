"""JSON as people and builders write it: with comments and trailing commas."""

import re

from freehold.kit import json_text

_TOKEN = re.compile(r'(?P<keep>"(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA = re.compile(r'(?P<keep>"(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)


def read(text: str) -> dict[str, object] | None:
    """Read an object; None for what is broken, nested without end, or no object."""
    plain = _TRAILING_COMMA.sub(_keep, _TOKEN.sub(_keep, text))
    try:
        value = json_text.read(plain, strict=False)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def texts(value: object) -> tuple[str, ...]:
    """Give the texts of a list; () for anything else."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def tables(value: object) -> tuple[dict[str, object], ...]:
    """Give the objects of a list; () for anything else."""
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def table(value: object) -> dict[str, object]:
    """Give an object; {} for anything else."""
    return value if isinstance(value, dict) else {}


def _keep(match: re.Match[str]) -> str:
    return match["keep"] or " "
