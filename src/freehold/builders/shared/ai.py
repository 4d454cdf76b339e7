"""Ways in which code asks language models, by the packages it uses and the models it names."""

import re

from freehold.builders.shared.checkout import Checkout, lines
from freehold.builders.shared.code import without_comments
from freehold.core.inventory import AiCall, Place

PACKAGES = (
    "openai", "@anthropic-ai/sdk", "anthropic", "@google/generative-ai", "@google/genai", "google-generativeai",
    "google.generativeai", "google.genai", "groq-sdk", "groq", "@mistralai/mistralai", "mistralai", "cohere-ai",
    "replicate", "ollama", "ai", "@ai-sdk/openai", "@ai-sdk/anthropic", "@ai-sdk/google", "@ai-sdk/openai-compatible",
    "litellm",
)  # fmt: skip
_HINTS = (*(name for name in PACKAGES if name != "ai"), "'ai'", '"ai"')
_NAMES = "|".join(re.escape(name) for name in sorted(PACKAGES, key=len, reverse=True))
_IMPORT = re.compile(
    rf"""(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["'](?:npm:|https://esm\.sh/)?({_NAMES})(?:@[\w.^~-]+)?(?:/[\w./-]*)?["']"""
)
_PYTHON_IMPORT = re.compile(rf"^\s*(?:from|import)\s+({_NAMES})\b", re.MULTILINE)
_MODEL = re.compile(
    r"""["'`]((?:(?:openai|anthropic|google|meta-llama|mistralai|deepseek|x-ai)/)?(?:gpt-[\w.:-]+|o[134](?:-[\w.-]+)?|claude-[\w.:-]+|gemini-[\w.:-]+"""
    r"""|llama-?[\w.:-]*\d[\w.:-]*|mixtral-[\w.:-]+|mistral-[\w.:-]+|deepseek-[\w.:-]+|grok-[\w.:-]+|dall-e-\d|whisper-[\w-]+|text-embedding-[\w-]+))["'`]"""
)


def calls(checkout: Checkout, files: tuple[str, ...]) -> tuple[AiCall, ...]:
    """List the packages that code imports, each with the models that the same files name."""
    places: dict[str, list[Place]] = {}
    models: dict[str, set[str]] = {}
    for path in files:
        text = checkout.text(path)
        if not any(hint in text for hint in _HINTS):
            continue
        pattern = _PYTHON_IMPORT if path.endswith(".py") else _IMPORT
        found = {match[1]: match.start() for match in pattern.finditer(text)}
        if not found:
            continue
        index = lines(text)
        named = models_in(text)
        for name, offset in found.items():
            places.setdefault(name, []).append(index.place(path, offset))
            models.setdefault(name, set()).update(named)
    return tuple(
        AiCall(through=name, models=tuple(sorted(models[name])), places=tuple(places[name])) for name in sorted(places)
    )


def models_in(text: str) -> set[str]:
    """Name the models that stand as texts in code."""
    return {match[1] for match in _MODEL.finditer(without_comments(text))}
