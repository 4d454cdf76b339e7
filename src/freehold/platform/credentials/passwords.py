"""Password hashes as they are found in auth.users.encrypted_password.

New passwords are hashed with bcrypt, cost 10. Hashes from elsewhere (argon2i, argon2id, Firebase's scrypt) are
verified as they are, so that a moved user keeps the password. The limits are those of GoTrue: a hash that would take
more memory or time than that is not verified.
"""

import base64
import binascii
import functools
import hashlib
import hmac
import re
from dataclasses import dataclass

import bcrypt
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from freehold.kit import json_text

BCRYPT_COST = 10
BCRYPT_MAXIMUM_COST = 16
BCRYPT_MAXIMUM_BYTES = 72
ARGON2_MAXIMUM_KIB = 1024 * 1024
ARGON2_MAXIMUM_TIME = 20
ARGON2_MAXIMUM_THREADS = 16
SCRYPT_MAXIMUM_BYTES = 256 * 1024 * 1024
SCRYPT_MAXIMUM_THREADS = 16
SCRYPT_KEY_BYTES = 32

_BCRYPT = re.compile(r"\$2[abxy]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{53}")
_ARGON2 = re.compile(
    r"\$(?P<algorithm>argon2id?)\$v=19\$m=(?P<m>[0-9]+),t=(?P<t>[0-9]+),p=(?P<p>[0-9]+)"
    r"\$(?P<salt>[A-Za-z0-9+/]+)\$(?P<hash>[A-Za-z0-9+/]+)"
)
_FIREBASE = re.compile(
    r"\$fbscrypt\$v=1,n=(?P<n>[0-9]+),r=(?P<r>[0-9]+),p=(?P<p>[0-9]+)(?:,ss=(?P<ss>[^,$]+))?(?:,sk=(?P<sk>[^$]+))?"
    r"\$(?P<salt>[^$]+)\$(?P<hash>.+)"
)


class UnusableHash(ValueError):
    """A stored hash has a format, or costs, that cannot be verified."""


@dataclass(frozen=True, kw_only=True)
class _Argon2:
    algorithm: Type
    memory_kib: int
    time: int
    threads: int
    salt: bytes
    digest: bytes


@dataclass(frozen=True, kw_only=True)
class _Firebase:
    cost: int
    rounds: int
    threads: int
    salt: bytes
    signer_key: bytes
    digest: bytes


def hash_password(password: str) -> str:
    """Hash with bcrypt; takes about 70 ms, so call it in a thread. Raises ValueError above 72 bytes."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(BCRYPT_COST)).decode()


def verify_password(stored: str, password: str) -> bool:
    """Say whether the password belongs to the hash; call it in a thread. Raises UnusableHash."""
    if stored.startswith("$argon2"):
        return _verify_argon2(_read_argon2(stored), password)
    if stored.startswith("$fbscrypt$"):
        return _verify_firebase(_read_firebase(stored), password)
    _check_bcrypt(stored)
    candidate = password.encode()[:BCRYPT_MAXIMUM_BYTES]
    # A NUL byte ends a bcrypt password in C: no hash can belong to one that holds it.
    return b"\0" not in candidate and bcrypt.checkpw(candidate, stored.encode())


def check_hash(stored: str) -> None:
    """Raise UnusableHash when `verify_password` could not use this hash."""
    if stored.startswith("$argon2"):
        _read_argon2(stored)
    elif stored.startswith("$fbscrypt$"):
        _read_firebase(stored)
    else:
        _check_bcrypt(stored)


def kind_of_hash(stored: str) -> str:
    """Give bcrypt, argon2, firebase-scrypt, encrypted (at rest, with the old server's key), none or unknown."""
    if not stored:
        return "none"
    if _is_encrypted_at_rest(stored):
        return "encrypted"
    try:
        check_hash(stored)
    except UnusableHash:
        return "unknown"
    if stored.startswith("$argon2"):
        return "argon2"
    return "firebase-scrypt" if stored.startswith("$fbscrypt$") else "bcrypt"


@functools.cache
def stand_in_hash() -> str:
    """Give a hash of nobody's password, to be compared when there is no user: the answer then takes as long."""
    return bcrypt.hashpw(hashlib.sha256(bcrypt.gensalt()).hexdigest().encode(), bcrypt.gensalt(BCRYPT_COST)).decode()


def _is_encrypted_at_rest(stored: str) -> bool:
    """GoTrue's own form: {key_id, alg: "aes-gcm-hkdf", data, nonce}."""
    if not stored.startswith("{"):
        return False
    try:
        value = json_text.read(stored)
    except ValueError:
        return False
    return isinstance(value, dict) and value.get("alg") == "aes-gcm-hkdf"


def _check_bcrypt(stored: str) -> None:
    match = _BCRYPT.fullmatch(stored)
    if match is None:
        raise UnusableHash("not a bcrypt, argon2 or Firebase scrypt hash")
    if int(match["cost"]) > BCRYPT_MAXIMUM_COST:
        raise UnusableHash(f"bcrypt cost {match['cost']} is above {BCRYPT_MAXIMUM_COST}")


def _read_argon2(stored: str) -> _Argon2:
    match = _ARGON2.fullmatch(stored)
    if match is None:
        raise UnusableHash("incorrect argon2 hash format: argon2i and argon2id, version 19, without keyid and data")
    memory, time, threads = int(match["m"]), int(match["t"]), int(match["p"])
    if memory > ARGON2_MAXIMUM_KIB or time > ARGON2_MAXIMUM_TIME or not 0 < threads <= ARGON2_MAXIMUM_THREADS:
        raise UnusableHash(f"argon2 hash exceeds the limits: m={memory}, t={time}, p={threads}")
    return _Argon2(
        algorithm=Type.ID if match["algorithm"] == "argon2id" else Type.I,
        memory_kib=memory,
        time=time,
        threads=threads,
        salt=_base64(match["salt"]),
        digest=_base64(match["hash"]),
    )


def _verify_argon2(stored: _Argon2, password: str) -> bool:
    digest = hash_secret_raw(
        password.encode(),
        stored.salt,
        time_cost=stored.time,
        memory_cost=stored.memory_kib,
        parallelism=stored.threads,
        hash_len=len(stored.digest),
        type=stored.algorithm,
    )
    return hmac.compare_digest(digest, stored.digest)


def _read_firebase(stored: str) -> _Firebase:
    match = _FIREBASE.fullmatch(stored)
    if match is None:
        raise UnusableHash("incorrect Firebase scrypt hash format")
    power, rounds, threads = int(match["n"]), int(match["r"]), int(match["p"])
    if not 0 < power <= 32 or not rounds or not 0 < threads <= SCRYPT_MAXIMUM_THREADS:  # noqa: PLR2004 - a shift
        raise UnusableHash(f"Firebase scrypt hash has invalid costs: n={power}, r={rounds}, p={threads}")
    if 128 * rounds * (1 << power) > SCRYPT_MAXIMUM_BYTES:
        raise UnusableHash(f"Firebase scrypt hash exceeds the memory limit: n={power}, r={rounds}")
    return _Firebase(
        cost=1 << power,
        rounds=rounds,
        threads=threads,
        salt=_base64(match["salt"]) + _base64(match["ss"] or ""),
        signer_key=_base64(match["sk"] or ""),
        digest=_base64(match["hash"]),
    )


def _verify_firebase(stored: _Firebase, password: str) -> bool:
    """Firebase encrypts its signer key with the password's scrypt key (AES-CTR, zero IV) and keeps the ciphertext."""
    key = hashlib.scrypt(
        password.encode(),
        salt=stored.salt,
        n=stored.cost,
        r=stored.rounds,
        p=stored.threads,
        maxmem=SCRYPT_MAXIMUM_BYTES * 2,
        dklen=SCRYPT_KEY_BYTES,
    )
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return hmac.compare_digest(encryptor.update(stored.signer_key) + encryptor.finalize(), stored.digest)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnusableHash("a part of the hash is not base64") from error
