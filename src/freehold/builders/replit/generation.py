"""Which generation of Replit's agent made an app, by its sign-in and its integrations."""

from freehold.builders.shared.checkout import Checkout

FIRST = "agent-1"
SECOND = "agent-2"


def generation(checkout: Checkout) -> str:
    """Name the generation: the second keeps what it integrates in a folder of its own."""
    return SECOND if checkout.below("server/replit_integrations") else FIRST
