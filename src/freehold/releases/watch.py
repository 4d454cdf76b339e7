"""When a release that has just got the traffic is sick: it fails far more often than the one before did."""

from freehold.core.release import Traffic

FEWEST_FAILURES = 5
"""Fewer may be anything."""
HIGHEST_SHARE = 0.05
TIMES_BEFORE = 3.0


def since(start: Traffic, now: Traffic) -> Traffic:
    """What was counted between two looks; counters that began anew count from nothing."""
    if now.requests < start.requests:
        return now
    return Traffic(requests=now.requests - start.requests, failed=now.failed - start.failed)


def is_sick(seen: Traffic, before: Traffic) -> bool:
    """Whether what was seen since the switch is more than chance, held against the release before."""
    usual = before.failed / before.requests if before.requests else 0.0
    limit = max(HIGHEST_SHARE, TIMES_BEFORE * usual)
    return seen.failed >= FEWEST_FAILURES and seen.failed > limit * seen.requests
