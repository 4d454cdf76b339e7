"""A payment whose amount the browser sends."""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from freehold.audit import proofs, syntax
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="price-from-client",
    family="FH-E02",
    title="The caller says what he pays",
    severity="high",
    confidence="likely",
    impact="A buyer changes the amount in the request and pays one cent for anything.",
    fix="Take the product's id from the caller and its price from your own table or from the provider.",
    owasp="A06:2025",
    asvs=("2.2.1",),
    silent="donations and tips (names that say so), amounts read from the database or from a table in the function",
)
_GIFT = re.compile(r"donat|tip|gift|pay_what|top_?up|custom_?amount|contribution|wallet", re.IGNORECASE)
_KEYS = frozenset({"unit_amount", "amount", "unit_amount_decimal", "amount_total"})
_PAYMENT = ("stripe", "Stripe", "razorpay", "Razorpay", "paystack", "flutterwave", "cashfree")


def check(facts: Facts) -> Iterator[Finding]:
    """unit_amount and amount in calls of payment providers, filled from the request."""
    for path, root in syntax.trees(facts, facts.code("server", "function"), *_PAYMENT):
        if path.endswith(".py") or _GIFT.search(path + facts.text(path)):
            continue
        names = syntax.inputs(root)
        found = []
        for node in root.find_all(kind="pair"):
            key, value = node.field("key"), node.field("value")
            if key is not None and value is not None and key.text() in _KEYS and _is_sent(value, names):
                found.append(proofs.at_node(path, node))
        if found and re.search(
            r"sessions\.create|paymentIntents\.create|orders\.create|/orders|initialize", facts.text(path)
        ):
            yield card.finding(*found, change="unit_amount: PRICES[productId]")


def _is_sent(value: SgNode, names: frozenset[str]) -> bool:
    if syntax.is_input(value, names):
        return True
    if value.kind() == "call_expression":
        called = value.field("function")
        given = syntax.arguments(value)
        return (
            called is not None
            and called.text() in ("Math.round", "Number", "parseInt", "Math.floor", "toCents")
            and bool(given and _is_sent(given[0], names))
        )
    return False
