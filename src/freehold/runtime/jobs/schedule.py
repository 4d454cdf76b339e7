"""When a job is due: cron's five fields in UTC, `N seconds`, and the @words; as pg_cron reads them. Pure."""

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
DAYS = {name: (number + 1) % 7 for number, name in enumerate(calendar.day_abbr)}
_NAMES = {name.lower(): number for name, number in (MONTHS | DAYS).items()}
_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_SECONDS = re.compile(r"([1-5]?\d) seconds?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Every:
    """An interval between starts."""

    interval: timedelta


@dataclass(frozen=True, slots=True)
class Times:
    """Minutes of the calendar. Where both days are restricted, either is enough, as cron has it."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool
    last_day: bool = False

    def matches(self, moment: datetime) -> bool:
        """Whether the job starts in this minute."""
        if not (moment.minute in self.minutes and moment.hour in self.hours and moment.month in self.months):
            return False
        day = moment.day in self.days
        if self.last_day:
            day = moment.day == calendar.monthrange(moment.year, moment.month)[1]
        weekday = moment.isoweekday() % 7 in self.weekdays
        return day and weekday if self.any_day or self.any_weekday else day or weekday


class AtStart:
    """@reboot: once after PostgreSQL has started."""


Schedule = Every | Times | AtStart


def read(text: str) -> Schedule:
    """Read a schedule that the database has accepted; anything else raises ValueError."""
    words = text.strip().lower()
    if words == "@reboot":
        return AtStart()
    found = _SECONDS.fullmatch(words)
    if found:
        return Every(timedelta(seconds=int(found[1])))
    fields = _WORDS.get(words, words).split()
    if len(fields) != len(_RANGES):
        raise ValueError(f"not a schedule: {text}")
    last_day = fields[2] == "$"
    if last_day:
        fields[2] = "*"
    minutes, hours, days, months, weekdays = (_field(*pair) for pair in zip(fields, _RANGES, strict=True))
    any_day, any_weekday = fields[2].startswith("*") and not last_day, fields[4].startswith("*")
    weekdays = frozenset(day % 7 for day in weekdays)
    return Times(minutes, hours, days, months, weekdays, any_day, any_weekday, last_day)


def _field(text: str, limits: tuple[int, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        low = limits[0] if first == "*" else _number(first)
        high = _number(last) if dash else limits[1] if first == "*" or step else low
        found.update(range(low, high + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str) -> int:
    return _NAMES[text] if text in _NAMES else int(text)
