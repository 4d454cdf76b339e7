"""The nearest name to a mistyped one, scored by shared letter groups, as PostgREST's hints are."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

GRAM_SIZES = (3, 2)
LONGEST_WANTED = 200
"""The work grows with the length, and a name of a database has at most 63 bytes."""
DEFAULT_SCORE = 0.33


def best(names: Iterable[str], wanted: str, at_least: float = DEFAULT_SCORE) -> str | None:
    """Give the name most like `wanted`, None if none scores `at_least`."""
    found = ranked(names, wanted, at_least)
    return found[0][1] if found else None


def ranked(names: Iterable[str], wanted: str, at_least: float = DEFAULT_SCORE) -> list[tuple[float, str]]:
    """Give (score, name) of the names like `wanted`, best first."""
    return _ranked(tuple(names), wanted, at_least) if len(wanted) <= LONGEST_WANTED else []


@lru_cache(maxsize=200)
def _ranked(names: tuple[str, ...], wanted: str, at_least: float) -> list[tuple[float, str]]:
    by_folded = {name.lower(): name for name in reversed(names)}
    exact = by_folded.get(wanted.lower())
    if exact is not None:
        return [(1.0, exact)]
    for size in GRAM_SIZES:
        scores = _by_grams(by_folded, wanted.lower(), size)
        if scores:
            nearest = sorted(((_distance_score(wanted.lower(), name), name) for _, name in scores[:50]), reverse=True)
            return [(score, by_folded[name]) for score, name in nearest if score >= at_least]
    return []


def _by_grams(names: Iterable[str], wanted: str, size: int) -> list[tuple[float, str]]:
    grams = _grams(wanted, size)
    norm = _norm(grams)
    scored = []
    for name in names:
        others = _grams(name, size)
        shared = sum(count * others[gram] for gram, count in grams.items())
        if shared:
            scored.append((shared / (norm * _norm(others)), name))
    return sorted(scored, reverse=True)


def _grams(text: str, size: int) -> Counter[str]:
    padded = "-" + re.sub(r"[^\w ,]+", "", text) + "-"
    padded += "-" * max(0, size - len(padded))
    return Counter(padded[place : place + size] for place in range(len(padded) - size + 1))


def _norm(grams: Counter[str]) -> float:
    return math.sqrt(sum(count * count for count in grams.values()))


def _distance_score(one: str, other: str) -> float:
    longest = max(len(one), len(other))
    return 1.0 - _distance(one, other) / longest if longest else 1.0


def _distance(one: str, other: str) -> int:
    """Levenshtein's edit distance."""
    previous = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        current = [row]
        for column, candidate in enumerate(other, start=1):
            change = previous[column - 1] + (letter != candidate)
            current.append(min(previous[column] + 1, current[-1] + 1, change))
        previous = current
    return previous[-1]
