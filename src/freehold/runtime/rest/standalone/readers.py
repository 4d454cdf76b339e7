"""What a setting may hold: each reads a text and gives the value, or raises ValueError with what is wanted instead."""

import re
from collections.abc import Callable

from freehold.core.errors import BadUsage
from freehold.runtime.rest import jwtpath


def flag(text: str) -> bool:
    """Read a truth value, as PostgREST's configurator does."""
    word = re.sub("[^A-Za-z]", "", text).lower()
    if word in ("true", "false"):
        return word == "true"
    try:
        return int(text) > 0
    except ValueError:
        raise ValueError("It is true or false.") from None


def number(text: str) -> int:
    """Read a whole number."""
    if not re.fullmatch(r"\d{1,9}", text.strip()):
        raise ValueError("It is a whole number.")
    return int(text)


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if number(text) < 1:
        raise ValueError("It is a whole number above 0.")
    return number(text)


def names(text: str) -> tuple[str, ...]:
    """Read names with commas between them."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def function(text: str) -> tuple[str, ...]:
    """Read a function's name, with its schema if that is given."""
    return tuple(part.strip('"') for part in text.split(".", 1))


def one_of(*allowed: str) -> Callable[[str], str]:
    """Make what reads one of these words."""

    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError("It is one of " + ", ".join(allowed) + ".")
        return text

    return read


def audience(text: str) -> str:
    """Read a string or a URI."""
    if ":" in text and not re.fullmatch(
        r"[A-Za-z][A-Za-z0-9+.-]*:(?:[\w.~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", text
    ):
        raise ValueError("jwt-aud should be a string or a valid URI.")
    return text


def proxy_uri(text: str) -> str:
    """Read the address of a proxy."""
    if not re.fullmatch(r"https?://[^/\s:?#@]+(?::\d{1,5})?(?:/[^\s?#]*)?", text):
        raise ValueError("Such as https://example.com:8443/basePath.")
    return text


def socket_mode(text: str) -> str:
    """Read the rights of a socket's file."""
    if not re.fullmatch("[0-7]{3}", text) or not 0o600 <= int(text, 8) <= 0o777:  # noqa: PLR2004 - PostgREST's bounds
        raise ValueError("It is an octal mode between 600 and 777.")
    return text


def claim_path(text: str) -> str:
    """Check the path to the role in the claims; it stays a text."""
    try:
        jwtpath.parse(text)
    except BadUsage as error:
        raise ValueError(f"failed to parse role-claim-key value ({text})") from error
    return text
