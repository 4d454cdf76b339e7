"""Time-based one-time passwords (RFC 6238: SHA-1, 30 seconds, six digits) and the picture that sets them up."""

import base64
import hmac
import io
import secrets
from urllib.parse import quote

import segno

PERIOD_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20


def new_secret() -> str:
    """Make a secret of 160 bits in base32."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_uri(secret: str, issuer: str, account: str) -> str:
    """Give the otpauth address that authenticator apps read."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='@')}"
    query = f"algorithm=SHA1&digits={DIGITS}&issuer={quote(issuer, safe='')}&period={PERIOD_SECONDS}&secret={secret}"
    return f"otpauth://totp/{label}?{query}"


def qr_svg(uri: str) -> str:
    """Draw the address as a QR code."""
    picture = io.BytesIO()
    segno.make(uri, error="m").save(picture, kind="svg", scale=5, border=4, xmldecl=False, nl=False)
    return picture.getvalue().decode()


def is_valid(secret: str, code: str, now: float) -> bool:
    """Say whether the code is that of this period, the one before or the one after."""
    period = int(now // PERIOD_SECONDS)
    found = [hmac.compare_digest(code_at(secret, period + skew).encode(), code.encode()) for skew in (-1, 0, 1)]
    return any(found)


def code_at(secret: str, period: int) -> str:
    """Give the code of a period, counted from 1970 (RFC 4226)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
    digest = hmac.digest(key, period.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    value = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{value % 10**DIGITS:0{DIGITS}d}"
