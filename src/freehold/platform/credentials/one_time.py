"""One-time codes and link tokens.

A code is short, so its hash can be found by trying; it is only ever checked together with its address, and attempts
are counted. A link's token is long and random and does not follow from the code, so it needs no counting.
"""

import hashlib
import secrets

PKCE_PREFIX = "pkce_"


def new_code(length: int) -> str:
    """Make a code of `length` random digits."""
    return f"{secrets.randbelow(10**length):0{length}d}"


def hash_of_code(address: str, code: str) -> str:
    """Give what GoTrue stores for a code sent to an e-mail address or phone number: hex SHA-224 of both."""
    return hashlib.sha224((address + code).encode()).hexdigest()


def new_link_token() -> str:
    """Make a link's token, as long as a hash of a code: 56 hexadecimal digits."""
    return secrets.token_hex(28)
