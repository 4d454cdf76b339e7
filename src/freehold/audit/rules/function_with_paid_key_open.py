"""An edge function that spends money for callers it never asks about."""

from collections.abc import Iterator

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


def check(facts: Facts) -> Iterator[Finding]:
    """One finding a function; behind verify_jwt the public key is still enough."""
    for reading in facts.once(edge_functions.readings):
        if reading.paid is None or reading.service is not None or reading.asks or reading.is_webhook:
            continue
        is_open = not reading.function.verify_jwt
        gate = "verify_jwt = false" if is_open else "the public key is enough to call it"
        yield card.finding(
            reading.paid,
            proofs.at(reading.function.entry, "", 0, f"never asks who calls; {gate}"),
            title=f"Function {reading.function.name} spends your money for anybody",
            severity="high" if is_open else "medium",
            change="const { data: { user } } = await supabase.auth.getUser(token);\n"
            'if (!user) return new Response("Unauthorized", { status: 401, headers: corsHeaders });',
        )
