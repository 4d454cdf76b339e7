"""What an app asks of supabase-js: tables, functions, buckets, subscriptions and ways to sign in."""

import re
from dataclasses import dataclass, field

from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.code import without_comments

_TEXT = r"""(?:"([^"\n]*)"|'([^'\n]*)'|`([^`$\n]*)`)"""
_FROM = re.compile(rf"(\.storage\s*(?:!\s*)?)?\.from\s*(?:<[^>()]*>)?\(\s*(?:{_TEXT}|([^\s'\"`)\[\d][^)\n]*))")
_RPC = re.compile(rf"\.rpc\s*(?:<[^>()]*>)?\(\s*(?:{_TEXT}|([^\s'\"`)][^),\n]*))")
_CHANGES = re.compile(r"""["'`]postgres_changes["'`]\s*(?:as\s+[\w<>'"]+\s*)?,\s*\{((?:[^{}]|\{[^{}]*\})*)\}""")
_CHANGES_TABLE = re.compile(rf"\btable\s*:\s*{_TEXT}")
_AUTH_CALL = re.compile(r"\.auth\s*(?:!\s*)?\.(?:(admin|mfa)\s*\.)?(\w+)\s*\(")
_PROVIDER = re.compile(r"""\.signInWithOAuth\s*\(\s*(?:\{[^}]*?provider\s*:\s*)?["'`](\w+)["'`]""")
NOT_SUPABASE = re.compile(r"(?:Array|Buffer|Object|Observable|[A-Z]\w*Array|Set|Map|gsap|chunk|Readable|TL|tl)\s*$")
_NAME = re.compile(r"^[A-Za-z_][\w$.]*$")
_METHODS = {
    "signInWithPassword": "password",
    "signUp": "password",
    "signInWithOtp": "otp",
    "verifyOtp": "otp",
    "signInWithSSO": "sso",
    "signInAnonymously": "anonymous",
    "signInWithIdToken": "id-token",
    "resetPasswordForEmail": "reset",
}


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Names are sorted; `unnamed` counts calls whose name is computed, by kind."""

    tables: tuple[str, ...]
    rpcs: tuple[str, ...]
    buckets: tuple[str, ...]
    subscribed: tuple[str, ...]
    """Tables, or "*" for a subscription to a whole schema."""
    sign_in: tuple[str, ...]
    unnamed: dict[str, int]


@dataclass
class _Found:
    tables: set[str] = field(default_factory=set)
    rpcs: set[str] = field(default_factory=set)
    buckets: set[str] = field(default_factory=set)
    subscribed: set[str] = field(default_factory=set)
    sign_in: set[str] = field(default_factory=set)
    unnamed: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str) -> None:
        """Note a call whose name is an expression."""
        self.unnamed[kind] = self.unnamed.get(kind, 0) + 1


def scan(checkout: Checkout, files: tuple[str, ...]) -> Usage:
    """Read what the files call; generated types and tests of the app are read like any other file."""
    found = _Found()
    for path in files:
        text = checkout.text(path)
        if ".from" in text or ".rpc" in text or ".auth" in text or "postgres_changes" in text:
            _scan_text(without_comments(text), found)
    return Usage(
        tables=tuple(sorted(found.tables)),
        rpcs=tuple(sorted(found.rpcs)),
        buckets=tuple(sorted(found.buckets)),
        subscribed=tuple(sorted(found.subscribed)),
        sign_in=tuple(sorted(found.sign_in)),
        unnamed=dict(sorted(found.unnamed.items())),
    )


def _scan_text(text: str, found: _Found) -> None:
    for match in _FROM.finditer(text):
        _note_from(text, match, found)
    for match in _RPC.finditer(text):
        name = match[1] or match[2] or match[3]
        if name and _NAME.match(name):
            found.rpcs.add(name)
        elif match[4]:
            found.count("rpc")
    for match in _CHANGES.finditer(text):
        table = _CHANGES_TABLE.search(match[1])
        if table:
            found.subscribed.add(table[1] or table[2] or table[3])
        elif not re.search(r"\btable\b", match[1]):
            found.subscribed.add("*")
        else:
            found.count("subscription")
    _note_sign_in(text, found)


def _note_from(text: str, match: re.Match[str], found: _Found) -> None:
    name = match[2] or match[3] or match[4]
    kind = "bucket" if match[1] else "table"
    if name is None:
        if match[1] or _is_client(text, match.start()):
            found.count(kind)
    elif match[1]:
        found.buckets.add(name)
    elif _NAME.match(name) and not NOT_SUPABASE.search(text, max(0, match.start() - 20), match.start()):
        found.tables.add(name)


def _is_client(text: str, offset: int) -> bool:
    return bool(
        re.search(
            r"(?:supabase|client|admin|db|sb)\w*(?:\s+as\s+any)?\)?\s*$",
            text[max(0, offset - 40) : offset],
            re.IGNORECASE,
        )
    )


def _note_sign_in(text: str, found: _Found) -> None:
    for match in _AUTH_CALL.finditer(text):
        if match[1]:
            found.sign_in.add(match[1])
        elif match[2] in _METHODS:
            found.sign_in.add(_METHODS[match[2]])
    found.sign_in.update(f"oauth:{match[1]}" for match in _PROVIDER.finditer(text))
