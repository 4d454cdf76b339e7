"""When jobs are due, and where requests from SQL may go."""

from datetime import UTC, datetime, timedelta

import pytest

from freehold.runtime.jobs import schedule
from freehold.runtime.jobs.addresses import Addresses, Unreachable
from freehold.runtime.jobs.schedule import Every, Times


def due(text: str, moment: str) -> bool:
    plan = schedule.read(text)
    assert isinstance(plan, Times)
    return plan.matches(datetime.fromisoformat(moment).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("* * * * *", "2026-11-20T20:00", True),
        ("*/15 * * * *", "2026-11-20T20:45", True),
        ("*/15 * * * *", "2026-11-20T20:46", False),
        ("5/20 * * * *", "2026-11-20T20:25", True),
        ("0 9-17/2 * * mon-fri", "2026-11-20T13:00", True),
        ("0 9-17/2 * * mon-fri", "2026-11-21T13:00", False),
        ("0 0 1,15 jan *", "2026-01-15T00:00", True),
        ("0 0 13 * 5", "2026-11-20T00:00", True),  # a Friday: either day is enough
        ("0 0 13 * 5", "2026-11-13T00:00", True),
        ("0 0 13 * 5", "2026-11-14T00:00", False),
        ("0 0 * * 7", "2026-11-22T00:00", True),
        ("0 0 $ * *", "2028-02-29T00:00", True),
        ("0 0 $ * *", "2028-02-28T00:00", False),
        ("@daily", "2026-11-20T00:00", True),
        ("@weekly", "2026-11-22T00:00", True),
    ],
)
def test_a_schedule_means_what_cron_means(text: str, moment: str, *, expected: bool) -> None:
    assert due(text, moment) is expected


def test_seconds_are_an_interval() -> None:
    assert schedule.read("5 seconds") == Every(timedelta(seconds=5))
    assert schedule.read(" 1 Second ") == Every(timedelta(seconds=1))


def test_the_apps_own_address_and_its_old_one_lead_to_the_api() -> None:
    addresses = Addresses("http://127.0.0.1:8000", {"abc.supabase.co": ""}, ())
    route = addresses.route("https://abc.supabase.co/functions/v1/x?a=%20b")
    assert (str(route.url), route.is_own) == ("http://127.0.0.1:8000/functions/v1/x?a=%20b", True)
    assert addresses.route("http://127.0.0.1:8000/rest/v1/t").is_own
    assert not addresses.route("http://127.0.0.1:8001/").is_own
    assert not addresses.route("http://127.0.0.1:8000@example.com/").is_own
    for closed in (
        "http://127.0.0.1:8000/_freehold/mail",
        "http://127.0.0.1:8000/x/../_freehold/mail",
        "ftp://x/",
        "x",
    ):
        with pytest.raises(Unreachable):
            addresses.route(closed)
