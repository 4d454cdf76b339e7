"""AI functions that any user may call without end."""

import re
from collections.abc import Iterator

from freehold.audit import edge_functions
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="ai-without-limit",
    family="FH-E01",
    title="AI functions without a limit for each user",
    severity="low",
    confidence="possible",
    impact="One user, or one stolen session, can use up the credits of all.",
    fix="Set a budget for each user on Freehold's AI gateway, or count calls in a table before each one.",
    owasp="A06:2025",
    asvs=("2.4.1",),
    silent="functions that mention limits, quotas, credits or usage; functions that anybody may call (reported "
    "as such)",
)
_AI = re.compile(
    r"ai\.gateway\.lovable|api\.openai\.com|api\.anthropic|generativelanguage|openrouter|api\.groq|createOpenAI"
)
_LIMITS = re.compile(
    r"rate.?limit|quota|credits?_|credit|usage_|daily_|throttle|max_requests|remaining|budget", re.IGNORECASE
)
_OWN_LIMIT = re.compile(
    r"status\s*===?\s*(?:429|402)|Rate limit(?:s)? exceeded|rateLimitError|credits? (?:exhausted|depleted)|add credits",
    re.IGNORECASE,
)


def check(facts: Facts) -> Iterator[Finding]:
    """One finding for all; what only passes on the provider's own 429 and 402 has no limit of its own."""
    found = []
    for reading in facts.once(edge_functions.readings):
        text = "\n".join(
            line for line in reading.text.splitlines() if not _OWN_LIMIT.search(line) and "429" not in line
        )
        if reading.paid and reading.asks_user and _AI.search(reading.text) and not _LIMITS.search(text):
            found.append(reading)
    if found:
        names = ", ".join(reading.function.name for reading in found)
        yield card.finding(
            *(reading.paid for reading in found if reading.paid),
            title=f"{len(found)} AI function{'s' if len(found) > 1 else ''} without a limit for each user: {names}",
        )
