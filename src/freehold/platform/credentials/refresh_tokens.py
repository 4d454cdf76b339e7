"""The two forms of refresh token that a Supabase session may hold.

A plain token is twelve characters and a row in auth.refresh_tokens. A counted token holds the session's id, a counter
and a signature: base64url of 0x00 | session uuid | uvarint counter | HMAC-SHA256[:16] | SHA-256[:4], without padding.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import uuid
from dataclasses import dataclass

PLAIN_LENGTH = 12
SIGNATURE_BYTES = 16
CHECKSUM_BYTES = 4
SHORTEST_BYTES = 1 + 16 + 1 + SIGNATURE_BYTES + CHECKSUM_BYTES
COUNTER_BYTES = 9

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PLAIN = re.compile(r"[a-z0-9]{12}")


@dataclass(frozen=True, kw_only=True)
class CountedToken:
    """A counted token as read; `signature` is not checked yet."""

    session_id: uuid.UUID
    counter: int
    signed: bytes
    signature: bytes


def new_plain_token() -> str:
    """Make a plain token: twelve characters of 5 random bits each."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(PLAIN_LENGTH))


def is_plain_token(token: str) -> bool:
    """Say whether this has the form of a plain token."""
    return _PLAIN.fullmatch(token) is not None


def encode_counted_token(session_id: uuid.UUID, counter: int, hmac_key: bytes) -> str:
    """Make a counted token; `hmac_key` is the session's refresh_token_hmac_key, decoded."""
    signed = b"\0" + session_id.bytes + _uvarint(counter)
    content = signed + _signature(signed, hmac_key)
    return base64.urlsafe_b64encode(content + hashlib.sha256(content).digest()[:CHECKSUM_BYTES]).rstrip(b"=").decode()


def parse_counted_token(token: str) -> CountedToken | None:
    """Read a counted token; None when it is not one."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) < SHORTEST_BYTES or raw[0] != 0:
        return None
    content, checksum = raw[:-CHECKSUM_BYTES], raw[-CHECKSUM_BYTES:]
    if hashlib.sha256(content).digest()[:CHECKSUM_BYTES] != checksum:
        return None
    signed, signature = content[:-SIGNATURE_BYTES], content[-SIGNATURE_BYTES:]
    counter = _read_uvarint(signed[17:])
    if counter is None:
        return None
    return CountedToken(session_id=uuid.UUID(bytes=signed[1:17]), counter=counter, signed=signed, signature=signature)


def is_signed_with(token: CountedToken, hmac_key: bytes) -> bool:
    """Say whether the session's key signed this token, in constant time."""
    return hmac.compare_digest(_signature(token.signed, hmac_key), token.signature)


def decode_hmac_key(stored: str) -> bytes | None:
    """Decode auth.sessions.refresh_token_hmac_key; None when it is encrypted with the old server's key."""
    try:
        key = base64.b64decode(stored + "=" * (-len(stored) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return key or None


def _signature(signed: bytes, hmac_key: bytes) -> bytes:
    return hmac.digest(hmac_key, signed, "sha256")[:SIGNATURE_BYTES]


def _uvarint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:  # noqa: PLR2004 - seven bits a byte
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_uvarint(encoded: bytes) -> int | None:
    """Read a number that fills all of `encoded`; None when it does not, or is longer than 63 bits."""
    if not 0 < len(encoded) <= COUNTER_BYTES or encoded[-1] & 0x80 or any(not byte & 0x80 for byte in encoded[:-1]):
        return None
    return sum((byte & 0x7F) << 7 * index for index, byte in enumerate(encoded))
