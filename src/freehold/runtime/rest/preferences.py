"""The Prefer header (RFC 7240), and what Preference-Applied says of it."""

from collections.abc import Iterable
from dataclasses import dataclass

CHOICES = {
    "resolution": ("merge-duplicates", "ignore-duplicates"),
    "return": ("representation", "minimal", "headers-only"),
    "count": ("exact", "planned", "estimated"),
    "tx": ("commit", "rollback"),
    "missing": ("default", "null"),
    "handling": ("strict", "lenient"),
}
LARGEST_COUNT = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What the client prefers; "" where it said nothing."""

    resolution: str = ""
    representation: str = ""
    count: str = ""
    transaction: str = ""
    missing: str = ""
    handling: str = ""
    timezone: str = ""
    max_affected: int | None = None
    invalid: tuple[str, ...] = ()

    @property
    def is_strict(self) -> bool:
        """Whether unknown preferences are refused."""
        return self.handling == "strict"

    @property
    def limit_affected(self) -> int | None:
        """How many rows may be affected; only strict handling limits them."""
        return self.max_affected if self.is_strict else None


def parse(header: str | None, *, allow_transaction: bool, timezones: frozenset[str]) -> Preferences:
    """Read a Prefer header, several joined by commas; the first of a kind wins."""
    if not header:
        return Preferences()
    given = [item.strip() for item in header.split(",")]
    timezone = _first_after(given, "timezone=")
    known_timezone = timezone is not None and timezone in timezones
    return Preferences(
        resolution=_choose(given, "resolution"),
        representation=_choose(given, "return"),
        count=_choose(given, "count"),
        transaction=_choose(given, "tx") if allow_transaction else "",
        missing=_choose(given, "missing"),
        handling=_choose(given, "handling"),
        timezone=timezone if timezone is not None and known_timezone else "",
        max_affected=_number(_first_after(given, "max-affected=")),
        invalid=tuple(item for item in given if not _is_known(item, known_timezone=known_timezone)),
    )


def applied(preferences: Preferences, *, kinds: Iterable[str]) -> bytes:
    """Write Preference-Applied; of `resolution`, `missing`, `return` and `max-affected` only the given kinds count."""
    counted = set(kinds) | {"count", "tx", "handling", "timezone"}
    limit = preferences.limit_affected
    values = (
        ("resolution", preferences.resolution),
        ("missing", preferences.missing),
        ("return", preferences.representation),
        ("count", preferences.count),
        ("tx", preferences.transaction),
        ("handling", preferences.handling),
        ("timezone", preferences.timezone),
        ("max-affected", "" if limit is None else str(limit)),
    )
    return ", ".join(f"{kind}={value}" for kind, value in values if value and kind in counted).encode()


def _choose(given: Iterable[str], kind: str) -> str:
    for item in given:
        name, _, value = item.partition("=")
        if name == kind and value in CHOICES[kind]:
            return value
    return ""


def _first_after(given: Iterable[str], prefix: str) -> str | None:
    return next((item[len(prefix) :] for item in given if item.startswith(prefix)), None)


def _number(text: str | None) -> int | None:
    digits = (text or "").strip()
    if not digits.removeprefix("-").isdecimal() or not digits.isascii():
        return None
    return max(-LARGEST_COUNT, min(int(digits[:20]), LARGEST_COUNT))


def _is_known(item: str, *, known_timezone: bool) -> bool:
    if item.startswith("max-affected=") or (item.startswith("timezone=") and known_timezone):
        return True
    name, _, value = item.partition("=")
    return value in CHOICES.get(name, ())
