"""The keys of a Supabase-shaped API, told apart exactly: what may be published and what may not."""

import base64
import binascii
import re

from freehold.kit import json_text

JWT = re.compile(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}")
OPAQUE = re.compile(r"\bsb_(publishable|secret)_[\w-]{16,}")
KEY = re.compile(rf"{JWT.pattern}|{OPAQUE.pattern}")


def role_of(key: str) -> str:
    """Say whose key it is: the role claim of a JWT, publishable or secret for the opaque form, "" for no key."""
    opaque = OPAQUE.fullmatch(key)
    if opaque:
        return opaque[1]
    return str(claims(key).get("role", ""))


def is_public(role: str) -> bool:
    """Say whether keys of this role are meant to be published."""
    return role in ("anon", "publishable")


def claims(key: str) -> dict[str, object]:
    """Decode a JWT's payload without believing it; {} for what is no JWT."""
    parts = key.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
        return {}
    try:
        payload = json_text.read(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return payload if isinstance(payload, dict) else {}
