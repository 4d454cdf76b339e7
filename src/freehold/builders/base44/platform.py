"""Agents, connectors, sign-in settings and the calls of the platform's own integrations."""

import posixpath
import re

from freehold.builders.shared import ai, jsonc
from freehold.builders.shared.checkout import Checkout, lines
from freehold.builders.shared.code import without_comments
from freehold.core.inventory import Agent, AiCall, Connector, Place, ServiceUse

_SUFFIXES = (".json", ".jsonc")
_CORE = {
    "InvokeLLM": "AI", "GenerateImage": "AI", "ExtractDataFromUploadedFile": "AI", "TranscribeAudio": "AI",
    "GenerateSpeech": "AI", "GenerateVideo": "AI", "SendEmail": "e-mail", "SendSMS": "SMS", "UploadFile": "files",
    "UploadPrivateFile": "files", "CreateFileSignedUrl": "files",
}  # fmt: skip
_CALL = re.compile(rf"\b({'|'.join(_CORE)})\s*\(")
_MODEL = re.compile(r"""\bmodel\s*:\s*["']([\w.:-]+)["']""")
_CONNECTOR = re.compile(r"""\.(?:getConnection|getAccessToken|(getCurrentAppUserConnection))\s*\(\s*["']([\w-]+)["']""")
_SIGN_IN = {
    "enableUsernamePassword": "password", "enableGoogleLogin": "oauth:google",
    "enableMicrosoftLogin": "oauth:microsoft", "enableFacebookLogin": "oauth:facebook",
    "enableAppleLogin": "oauth:apple", "enableSSOLogin": "sso",
}  # fmt: skip
_SIGN_IN_CALLS = {
    "loginViaEmailPassword": "password", "register": "password", "verifyOtp": "otp",
    "resetPasswordRequest": "reset", "redirectToLogin": "login page", "loginWithRedirect": "login page",
    "login": "login page",
}  # fmt: skip
_AUTH = re.compile(rf"(?:\bauth|\bUser)\s*\.\s*({'|'.join(_SIGN_IN_CALLS)})\s*\(")
_PROVIDER = re.compile(r"""\bloginWithProvider\s*\(\s*["'](\w+)["']""")
_SENDERS = re.compile(r"""["']((?:stripe|x-[\w-]+|svix|twilio)-signature)["']""", re.IGNORECASE)


def agents(checkout: Checkout, folder: str) -> tuple[Agent, ...]:
    """Read the agents' files."""
    found = []
    for path in checkout.below(folder, suffixes=_SUFFIXES):
        settings = jsonc.read(checkout.text(path))
        if settings is not None:
            tools = jsonc.tables(settings.get("tool_configs"))
            found.append(
                Agent(
                    name=str(settings.get("name") or posixpath.basename(path).rpartition(".")[0]),
                    entities=tuple(_reach(tool) for tool in tools if tool.get("entity_name")),
                    functions=tuple(str(tool["function_name"]) for tool in tools if tool.get("function_name")),
                    places=(Place(path=path, line=1),),
                )
            )
    return tuple(found)


def connectors(checkout: Checkout, folder: str, code: tuple[str, ...]) -> tuple[Connector, ...]:
    """List the connectors that files declare, then those that only code asks for."""
    found: dict[str, Connector] = {}
    for path in checkout.below(folder, suffixes=_SUFFIXES):
        settings = jsonc.read(checkout.text(path)) or {}
        kind = str(settings.get("type") or posixpath.basename(path).rpartition(".")[0])
        found[kind] = Connector(
            type=kind, scopes=jsonc.texts(settings.get("scopes")), places=(Place(path=path, line=1),)
        )
    for path in code:
        text = checkout.text(path)
        for match in _CONNECTOR.finditer(text) if "onnect" in text or "getAccessToken" in text else ():
            kind = f"{match[2]} (each user's own account)" if match[1] else match[2]
            found.setdefault(kind, Connector(type=kind, places=(lines(text).place(path, match.start()),)))
    return tuple(found[name] for name in sorted(found))


def sign_in(checkout: Checkout, code: tuple[str, ...]) -> tuple[str, ...]:
    """Name the ways to sign in: what auth/config.jsonc switches on, and what code calls."""
    settings = jsonc.read(checkout.text("base44/auth/config.jsonc")) or {}
    found = {method for name, method in _SIGN_IN.items() if settings.get(name) is True}
    for path in code:
        text = checkout.text(path)
        if "auth" in text or "User." in text:
            found.update(_SIGN_IN_CALLS[match] for match in _AUTH.findall(text))
            found.update(f"oauth:{match}" for match in _PROVIDER.findall(text))
    return tuple(sorted(found))


def integrations(checkout: Checkout, code: tuple[str, ...]) -> tuple[tuple[ServiceUse, ...], tuple[AiCall, ...]]:
    """List the platform's integrations that code calls, and those of them that ask a model with what they name."""
    places: dict[str, list[Place]] = {}
    models: dict[str, set[str]] = {}
    for path in code:
        raw = checkout.text(path)
        if not any(name in raw for name in _CORE):
            continue
        text = without_comments(raw)
        index = lines(text)
        for match in _CALL.finditer(text):
            places.setdefault(match[1], []).append(index.place(path, match.start()))
            if _CORE[match[1]] == "AI":
                window = text[match.end() : match.end() + 2000].partition("});")[0]
                models.setdefault(match[1], set()).update(_MODEL.findall(window), ai.models_in(window))
    uses = tuple(
        ServiceUse(service=_CORE[name], address=f"Core.{name}", places=tuple(found))
        for name, found in sorted(places.items())
    )
    calls = tuple(
        AiCall(through=f"Core.{name}", models=tuple(sorted(found)), places=tuple(places[name]))
        for name, found in sorted(models.items())
    )
    return uses, calls


def webhook_signatures(checkout: Checkout, code: tuple[str, ...]) -> dict[str, tuple[Place, ...]]:
    """Give the signature headers that code checks, and where: each is a sender that knows the old address."""
    found: dict[str, list[Place]] = {}
    for path in code:
        text = checkout.text(path)
        for match in _SENDERS.finditer(text):
            found.setdefault(match[1].lower(), []).append(lines(text).place(path, match.start()))
    return {name: tuple(places) for name, places in sorted(found.items())}


def _reach(tool: dict[str, object]) -> str:
    operations = ", ".join(jsonc.texts(tool.get("allowed_operations")))
    return f"{tool['entity_name']} ({operations})" if operations else str(tool["entity_name"])
