"""What an earlier builder left behind: apps move from one to the next and keep hosts and files of the first."""

from freehold.builders.shared import services
from freehold.builders.shared.checkout import Checkout, lines
from freehold.core.inventory import Break, Place

_PLACES = 20
_HOSTS = {
    "lovable": (
        "ai.gateway.lovable.dev", "connector-gateway.lovable.dev", "api.lovable.dev", "oauth.lovable.app",
        "storage.googleapis.com/gpt-engineer-file-uploads", "pub-bb2e103a32db4e198524a2e9ed8f35b4.r2.dev",
        "/__l5e/assets-v1/",
    ),
    "bolt": (".bolt.host",),
    "base44": ("media.base44.com", "qtrypzzcjebvfcihiynt.supabase.co", "base44.app"),
    "emergent": (
        "auth.emergentagent.com", "demobackend.emergentagent.com", "integrations.emergentagent.com",
        "customer-assets.emergentagent.com", "static.prod-images.emergentagent.com", ".preview.emergentagent.com",
        ".emergent.host",
    ),
    "replit": ("127.0.0.1:1106", "replit.com/oidc", ".replit.app", ".replit.dev"),
    "v0": ("hebbkx1anhila5yf.public.blob.vercel-storage.com",),
}  # fmt: skip
_ANSWER = "see whether the app still needs it; that builder's part of the reference tells what it does"


def leftovers(checkout: Checkout, builder: str) -> tuple[Break, ...]:
    """Name the hosts of every other builder that text files still hold, one entry a builder."""
    texts = (*services.text_files(checkout), *checkout.below("", suffixes=(".py",)))
    return tuple(
        Break(what=f"hosts of {name}, from before", answer=_ANSWER, places=places)
        for name, hosts in _HOSTS.items()
        if name != builder and (places := _places(checkout, texts, hosts))
    )


def _places(checkout: Checkout, texts: tuple[str, ...], hosts: tuple[str, ...]) -> tuple[Place, ...]:
    """Give the first place of each host in each file."""
    found: list[Place] = []
    for path in texts:
        text = checkout.text(path)
        found += (lines(text).place(path, text.find(host)) for host in hosts if host in text)
        if len(found) >= _PLACES:
            break
    return tuple(found[:_PLACES])
