"""An edge function that spends money for callers it never asks about."""

from collections.abc import Iterator
from dataclasses import replace

from freehold.audit import edge_functions, proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="function-with-paid-key-open",
    family="FH-A07",
    title="A function spends your money for anybody",
    severity="high",
    confidence="likely",
    impact="Anybody can call it in a loop, at your cost and in your name, until the credits are used up or the "
    "sender is blocked.",
    fix="Ask who calls, and count how often each user may.",
    owasp="A07:2025",
    asvs=("8.2.1", "2.4.1"),
    silent="functions that ask for the user, compare a secret or check a signature; functions already reported "
    "for the service key",
)


_ASKS = {
    "base44": "const base44 = createClientFromRequest(req);\n"
    'if (!(await base44.auth.isAuthenticated())) return Response.json({ error: "Unauthorized" }, { status: 401 });',
}
_ASKS_SUPABASE = (
    "const { data: { user } } = await supabase.auth.getUser(token);\n"
    'if (!user) return new Response("Unauthorized", { status: 401, headers: corsHeaders });'
)
"""How a function asks, by the builder whose client it has."""


def check(facts: Facts) -> Iterator[Finding]:
    """One finding for those that nobody guards, one for those behind verify_jwt: there the public key is enough."""
    found: dict[bool, list[edge_functions.Reading]] = {True: [], False: []}
    for reading in facts.once(edge_functions.readings):
        told = reading.service is not None and not reading.shows_what_all_see
        if reading.paid is not None and not told and not reading.asks and not reading.is_webhook:
            guarded = reading.function.verify_jwt and reading.function.entry.startswith("supabase/")
            found[not guarded].append(reading)
    for is_open, readings in found.items():
        if readings:
            builder = facts.inventory.builder if facts.inventory else ""
            yield _finding(readings, _ASKS.get(builder, _ASKS_SUPABASE), is_open=is_open)


def _finding(readings: list[edge_functions.Reading], change: str, *, is_open: bool) -> Finding:
    names = [reading.function.name for reading in readings]
    one, many = f"Function {names[0]} spends", f"{len(names)} functions spend"
    listed = f": {proofs.listed(names)}" if len(names) > 1 else ""
    return card.finding(
        *(
            replace(reading.paid, text=f"{reading.function.name} never asks who calls; {reading.gate}")
            for reading in readings
            if reading.paid
        ),
        title=f"{many if len(names) > 1 else one} your money for anybody{listed}",
        severity="high" if is_open else "medium",
        change=change,
    )
