"""Which of Lovable's five templates an app was started from; old projects keep theirs for ever."""

from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.package import Package
from freehold.kit import json_text

GPT_ENGINEER = "vite-2025-01"
VITE = "vite-2025-07"
VITE_TESTING = "vite-2026-01"
TANSTACK = "tanstack-2026-05"
TANSTACK_CURRENT = "tanstack-2026-08"


def generation(checkout: Checkout, package: Package | None) -> str:
    """Name the template by what it left in the files; "" when there is no package.json to tell."""
    if package is None:
        return ""
    if "@tanstack/react-start" in package.dependencies:
        return TANSTACK_CURRENT if _has_revision(checkout) else TANSTACK
    if "vitest" in package.dependencies or any(path.startswith(".lovable/") for path in checkout.files):
        return VITE_TESTING
    client = checkout.text("src/integrations/supabase/client.ts")
    reads_environment = "import.meta.env" in client or any(path == ".env" for path in checkout.files)
    return VITE if reads_environment else GPT_ENGINEER


def is_server_rendered(name: str) -> bool:
    """Say whether apps of this generation need a Node process."""
    return name in (TANSTACK, TANSTACK_CURRENT)


def _has_revision(checkout: Checkout) -> bool:
    try:
        project = json_text.read(checkout.text(".lovable/project.json"))
    except ValueError:
        return False
    return isinstance(project, dict) and "revision" in project
