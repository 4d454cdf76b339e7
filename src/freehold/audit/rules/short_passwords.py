"""Sign-up with passwords that can be guessed."""

from collections.abc import Iterator

from freehold.audit import auth_table
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="short-passwords",
    family="FH-B05",
    title="Short passwords are allowed",
    severity="low",
    confidence="proven",
    impact="Short passwords are found by trying.",
    fix="Ask for eight characters at least.",
    owasp="A07:2025",
    asvs=("6.2.1",),
    silent="apps that do not set it",
)
_LEAST = 8


def check(facts: Facts) -> Iterator[Finding]:
    """minimum_password_length, where config.toml sets it."""
    length = auth_table.value(facts, "auth", "minimum_password_length")
    if isinstance(length, int) and not isinstance(length, bool) and length < _LEAST:
        proof = auth_table.place(facts, "minimum_password_length", f"minimum_password_length = {length}")
        severity = "medium" if length < 6 else "low"  # noqa: PLR2004 - Supabase's own least
        yield card.finding(
            proof,
            title=f"Passwords of {length} characters are allowed",
            severity=severity,  # type: ignore[arg-type]
            change="[auth]\nminimum_password_length = 8",
        )
