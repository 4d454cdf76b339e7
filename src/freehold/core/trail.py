"""Who did what, when, by which plan and with which result: entries that each hold the hash of the one before.

The entry of a target is written by the target, with its own clock. To change or leave out a line, all that come after
have to be written anew; the hash of the newest line, kept elsewhere, shows even that.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

START = "0" * 64
"""What stands for the entry before the first."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """What somebody did. `what` is deploy, rollback, switch-back, lock-broken, pruned ...; never holds a secret."""

    who: str
    what: str
    release: int = 0
    plan: tuple[str, ...] = ()
    result: str
    """done or failed."""
    detail: str = ""
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a trail."""

    number: int
    at: str
    act: Act
    previous: str
    hash: str


def following(last: str, act: Act, at: str) -> str:
    """Give the line that comes after the line `last` ("" for none), without its line feed."""
    before = read(last) if last else None
    body = {"number": before.number + 1 if before else 1, "at": at, **asdict(act)}
    body["previous"] = before.hash if before else START
    return json.dumps(body | {"hash": _hash(body)}, ensure_ascii=False, sort_keys=True)


def read(line: str) -> Entry:
    """Read a line; raises ValueError when it is none."""
    try:
        values = json.loads(line)
        number, at, previous, digest = (values.pop(name) for name in ("number", "at", "previous", "hash"))
        act = Act(**(values | {"plan": tuple(values["plan"])}))
    except (KeyError, TypeError, AttributeError) as error:
        message = f"no entry of a trail: {line[:80]!r}"
        raise ValueError(message) from error
    return Entry(number=number, at=at, act=act, previous=previous, hash=digest)


def fault(lines: Iterable[str]) -> str:
    """Say what is wrong with a trail, from its first line to its last; "" when nothing is."""
    previous, expected = START, 1
    for position, line in enumerate(lines, start=1):
        try:
            entry = read(line)
        except ValueError as error:
            return f"line {position} cannot be read: {error}"
        if entry.number != expected or entry.previous != previous:
            return f"line {position} does not follow the line before it: lines were taken out, added or moved"
        body = json.loads(line)
        body.pop("hash")
        if _hash(body) != entry.hash:
            return f"line {position} was changed after it was written"
        previous, expected = entry.hash, expected + 1
    return ""


def _hash(body: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
