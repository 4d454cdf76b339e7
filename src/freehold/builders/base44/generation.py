"""Which of Base44's layouts an app has."""

from freehold.builders.shared.checkout import Checkout

OLD_EXPORT = "export-2025"
ROOT_FUNCTIONS = "functions-2025-11"
BASE44_FUNCTIONS = "base44-2026-03"
CLI = "base44-2026-05"


def generation(checkout: Checkout) -> str:
    """Name the layout by its folders: the newest of them decides."""
    if checkout.known & {"base44/config.jsonc", "base44/config.json"}:
        return CLI
    if checkout.below("base44/functions", "base44/entities"):
        return BASE44_FUNCTIONS
    if checkout.below("functions", suffixes=(".ts", ".js")) or "src/pages.config.js" in checkout.known:
        return ROOT_FUNCTIONS
    return OLD_EXPORT
