"""JSON that is nested deeper than the standard library reads: RecursionError, which is no ValueError."""

import base64

DEPTH = 5_000


def text(depth: int = DEPTH) -> str:
    """An object that holds a list in a list in a list."""
    return '{"alg":"HS256","typ":"JWT","role":"service_role","name":' + "[" * depth + "]" * depth + "}"


def base64_text() -> str:
    """The same as a cursor or a part of a token."""
    return base64.urlsafe_b64encode(text().encode()).decode().rstrip("=")


def tokens() -> tuple[str, str]:
    """One with such a header, one with such claims; neither is signed by anybody."""
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    return f"{base64_text()}.e30.AAAA", f"{header}.{base64_text()}.AAAA"
