"""A webhook that believes whoever calls it."""

import re
from collections.abc import Iterator

from freehold.audit import edge_functions, proofs
from freehold.core.finding import Card, Finding, Proof
from freehold.core.ports import Facts

card = Card(
    id="webhook-without-signature",
    family="FH-D03",
    title="A webhook does not check who sent the event",
    severity="high",
    confidence="likely",
    impact="Anybody who knows the address can send a false event: a payment that was never made, a "
    "subscription that never ends.",
    fix="Check the sender's signature over the raw body before reading it.",
    owasp="A08:2025",
    asvs=("9.1.1",),
    silent="handlers that call constructEvent, compute an HMAC, compare a shared secret, or ask the provider's "
    "API what really happened",
)
_EVENTS = re.compile(
    r"checkout\.session\.completed|invoice\.(?:paid|payment_\w+)|payment_intent\.succeeded|customer\.subscription\."
    r"|charge\.success|payment\.captured|subscription\.(?:activated|cancelled|charged)|PAYMENT\.CAPTURE\.COMPLETED"
    r"|transaction\.completed"
)
_ROUTE = re.compile(r"""\.(?:post|all)\(\s*["'`](?P<path>[^"'`]*webhook[^"'`]*)["'`]""", re.IGNORECASE)
_CHECKS = re.compile(
    r"constructEvent|createHmac|timingSafeEqual|crypto\.subtle|verify\w*\(|signature|Webhook\(|WEBHOOK_SECRET|_SECRET"
    r"|sessions\.retrieve|paymentIntents\.retrieve|/transaction/verify|verif-hash",
    re.IGNORECASE,
)
_CHANGE = """const event = await stripe.webhooks.constructEventAsync(
  await req.text(), req.headers.get("stripe-signature")!, Deno.env.get("STRIPE_WEBHOOK_SECRET")!);"""


def check(facts: Facts) -> Iterator[Finding]:
    """Edge functions by name or by the events they handle, and routes of other servers by path."""
    for reading in facts.once(edge_functions.readings):
        handles = bool(_EVENTS.search(reading.text))
        writes = bool(re.search(r"\.(insert|update|upsert|rpc|delete)\s*\(|\bsql`", reading.text))
        if (handles or (reading.is_webhook and reading.service and writes)) and not _CHECKS.search(reading.text):
            entry = proofs.at(reading.function.entry, "", 0, "handles events, and checks no signature")
            yield _finding(entry, f"Webhook {reading.function.name}", sure=handles)
    for path, text, match in proofs.search(facts, facts.code("server"), _ROUTE):
        handler = text[match.start() : match.start() + 4000]
        if (
            _EVENTS.search(handler)
            and not _CHECKS.search(handler)
            and not _CHECKS.search(text[: match.start()][-1500:])
        ):
            yield _finding(proofs.at(path, text, match.start()), f"Webhook {match['path']}", sure=True)


def _finding(proof: Proof, name: str, *, sure: bool) -> Finding:
    return card.finding(
        proof,
        title=f"{name} does not check who sent the event",
        severity="high" if sure else "medium",
        confidence="likely" if sure else "possible",
        change=_CHANGE,
    )
