"""An edge function that acts with the service key for callers it never asks about."""

from collections.abc import Iterator

from freehold.audit import edge_functions, proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="function-with-every-right-open",
    family="FH-A07",
    title="A function acts with every right for anybody",
    severity="high",
    confidence="likely",
    impact="Anybody can call it by its address: it passes over row security and never asks who calls. "
    "verify_jwt does not help, because the public key is a valid token.",
    fix="Ask who calls before using the service key, and compare what he asks for with who he is.",
    owasp="A01:2025",
    asvs=("8.2.1", "8.3.1"),
    silent="functions that ask for the user, compare a secret or check a signature; functions that only hand "
    "the caller's own token on; webhooks (see webhook-without-signature); functions that take nothing "
    "from the caller and cannot be told apart from a scheduled job are possible only",
)
_CHANGE = """const token = req.headers.get("Authorization")?.replace("Bearer ", "") ?? "";
const { data: { user } } = await supabase.auth.getUser(token);
if (!user) return new Response("Unauthorized", { status: 401, headers: corsHeaders });"""
_TAKES_INPUT = ("req.json", "request.json", "searchParams", "formData", "req.text", "request.text")


def check(facts: Facts) -> Iterator[Finding]:
    """What takes input is likely exploitable; what takes none may be a job that does no harm when it runs once more."""
    for reading in facts.once(edge_functions.readings):
        if reading.service is None or reading.asks or reading.is_webhook:
            continue
        takes = any(word in reading.text for word in _TAKES_INPUT)
        gate = "verify_jwt = false" if not reading.function.verify_jwt else "the public key is enough to call it"
        entry = proofs.at(reading.function.entry, "", 0, f"never asks who calls; {gate}")
        yield card.finding(
            reading.service,
            entry,
            title=f"Function {reading.function.name} acts with every right for anybody",
            severity="high" if takes else "medium",
            confidence="likely" if takes else "possible",
            change=_CHANGE,
        )
