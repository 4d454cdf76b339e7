"""Addresses in code: AI providers, a builder's own services, files in a builder's store, links to its pages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from freehold.builders.shared.addresses import TEXT_SUFFIXES
from freehold.builders.shared.checkout import Checkout, lines
from freehold.core.inventory import HostedAsset, Place, ServiceUse
from freehold.kit import json_text

_END = r"""[^\s"'`<>)\\,;|}\]]*"""
AI_HOSTS = (
    "api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com", "api.groq.com", "api.mistral.ai",
    "openrouter.ai", "api.perplexity.ai", "api.elevenlabs.io", "api.deepseek.com", "api.x.ai", "api.together.xyz",
    "api.cohere.ai", "api.cohere.com", "api.replicate.com", "fal.run", "api.stability.ai", "router.huggingface.co",
    "api-inference.huggingface.co", "ai.gateway.lovable.dev",
)  # fmt: skip
_AI = re.compile(rf"https://(?:{'|'.join(re.escape(host) for host in AI_HOSTS)})(?![\w.-]){_END}")


@dataclass(frozen=True, kw_only=True)
class ServiceMark:
    """A service and how its address looks."""

    service: str
    pattern: re.Pattern[str]


def address(start: str) -> re.Pattern[str]:
    """Compile a pattern for an address that starts with a regular expression and goes on to its end."""
    return re.compile(f"(?:{start}){_END}")


def ai_endpoints(checkout: Checkout, files: Sequence[str]) -> tuple[str, ...]:
    """List the AI addresses that code names, sorted."""
    found = {match[0].split("?")[0].rstrip("/") for path in files for match in _AI.finditer(checkout.text(path))}
    return tuple(sorted(found))


def uses(checkout: Checkout, files: Sequence[str], marks: Sequence[ServiceMark]) -> tuple[ServiceUse, ...]:
    """Find where services are named, one entry an address."""
    found: dict[tuple[str, str], list[Place]] = {}
    for path in files:
        text = checkout.text(path)
        for mark in marks:
            for match in mark.pattern.finditer(text):
                found.setdefault((mark.service, match[0]), []).append(lines(text).place(path, match.start()))
    return tuple(
        ServiceUse(service=service, address=text, places=tuple(places))
        for (service, text), places in sorted(found.items())
    )


def hosted_assets(checkout: Checkout, files: Sequence[str], pattern: re.Pattern[str]) -> tuple[HostedAsset, ...]:
    """Find files in a builder's store; sizes come from the *.asset.json beside the code."""
    found: dict[str, list[Place]] = {}
    sizes: dict[str, int] = {}
    for path in files:
        text = checkout.text(path)
        matches = list(pattern.finditer(text))
        for match in matches:
            found.setdefault(match[0], []).append(lines(text).place(path, match.start()))
        if matches and path.endswith(".asset.json"):
            sizes |= _size(text)
    return tuple(
        HostedAsset(address=text, size=sizes.get(text, 0), places=tuple(places))
        for text, places in sorted(found.items())
    )


def text_files(checkout: Checkout) -> tuple[str, ...]:
    """List the text files of the app that may name an address; lock files and documents do not."""
    skipped = ("package-lock.json", "bun.lock", "pnpm-lock.yaml")
    return tuple(path for path in checkout.below("", suffixes=TEXT_SUFFIXES) if not path.endswith(skipped))


def _size(text: str) -> dict[str, int]:
    try:
        raw = json_text.read(text)
        return {str(raw["url"]): int(raw["size"])}
    except (ValueError, KeyError, TypeError):
        return {}
