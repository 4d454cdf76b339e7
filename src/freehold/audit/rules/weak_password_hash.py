"""Passwords hashed as if they were files."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="weak-password-hash",
    family="FH-A07",
    title="Passwords are hashed with a fast hash",
    severity="high",
    confidence="likely",
    impact="Whoever gets the table tries billions of passwords a second.",
    fix="Use Supabase's sign-in, or bcrypt, scrypt or argon2.",
    owasp="A04:2025",
    asvs=("11.4.2",),
    silent="hashes of files, tokens and cache keys; SHA-256 inside PBKDF2; checks against lists of leaked passwords",
)
_HASHED = re.compile(
    r"createHash\(\s*[\"'`](?:md5|sha1|sha256|sha512)[\"'`]\s*\)\s*\.update\(\s*[^)]*password"
    r"|(?:CryptoJS\.)?(?:MD5|SHA1|SHA256|md5|sha1|sha256)\(\s*(?:\w+\.)*password\w*\b"
    r"|hashlib\.(?:md5|sha1|sha256|sha512)\(\s*[^)]*password"
    r"|subtle\.digest\(\s*[\"'`]SHA-(?:1|256|512)[\"'`]\s*,\s*[^)]*password",
    re.IGNORECASE,
)
_OTHER = re.compile(r"pwned|pbkdf2|hibp|range/", re.IGNORECASE)


def check(facts: Facts) -> Iterator[Finding]:
    """Wherever a name that says password goes into a hash."""
    for path, text, match in proofs.search(facts, _candidates(facts), _HASHED):
        if not _OTHER.search(text):
            yield card.finding(proofs.at(path, text, match.start()), change="await bcrypt.hash(password, 12)")


def _candidates(facts: Facts) -> list[str]:
    words = ("md5", "MD5", "sha", "SHA")
    paths = facts.code("browser", "server", "function")
    return [path for path in paths if "assword" in (text := facts.text(path)) and any(word in text for word in words)]
