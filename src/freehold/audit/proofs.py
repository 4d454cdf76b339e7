"""Proofs of places in the sources: lines from offsets and nodes, and searches that give both."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from freehold.core.finding import Proof
from freehold.core.ports import Facts


def at(path: str, text: str, offset: int, said: str = "") -> Proof:
    """The place of an offset."""
    return Proof(path=path, line=text.count("\n", 0, offset) + 1, text=said)


def at_node(path: str, node: Any, said: str = "") -> Proof:  # noqa: ANN401 - a node of ast-grep
    """The place of a syntax node; what is said is its own text, cut to one short line, unless given."""
    return Proof(path=path, line=node.range().start.line + 1, text=said or short(node.text()))


def short(text: str, length: int = 90) -> str:
    """One line of a text."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def search(facts: Facts, paths: Iterable[str], pattern: re.Pattern[str]) -> Iterator[tuple[str, str, re.Match[str]]]:
    """Every match of a pattern in some files, with path and text; comment lines do not count."""
    for path in paths:
        text = facts.text(path)
        for match in pattern.finditer(text):
            if not is_comment(text, match.start()):
                yield path, text, match


def is_comment(text: str, offset: int) -> bool:
    """Whether the line of an offset is a comment up to there."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    return bool(re.match(r"\s*(//|/?\*|#|--)", line)) or bool(re.search(r"(?<![:\"'`])//", line))


def listed(names: Iterable[str], count: int = 6) -> str:
    """A few names, and how many more."""
    every = list(dict.fromkeys(names))
    return ", ".join(every[:count]) + (f" and {len(every) - count} more" if len(every) > count else "")
