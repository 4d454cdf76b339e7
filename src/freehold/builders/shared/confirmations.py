"""Whether a builder's project confirms addresses by a code: its pages ask for one, and config.toml may say nothing."""

import re
from collections.abc import Iterable, Iterator, Mapping

from freehold.builders.shared import jsonc
from freehold.builders.shared.checkout import Checkout, lines
from freehold.builders.shared.code import without_comments
from freehold.core.inventory import Place, Unknown

_SIGN_UP = re.compile(r"\.auth\s*\.\s*signUp\s*\(")
_SIGN_IN_BY_CODE = re.compile(r"\.auth\s*\.\s*signInWithOtp\s*\(")
_VERIFY = re.compile(
    r"""\.auth\s*\.\s*verifyOtp\s*\(\s*\{(?=[^}]*\btoken\b)[^}]*\btype\s*:\s*["'](?:signup|email)["']""", re.DOTALL
)


def with_confirmations(
    settings: Mapping[str, object], checkout: Checkout, code: Iterable[str]
) -> tuple[dict[str, object], tuple[Unknown, ...]]:
    """Switch on what the app's pages rely on, where config.toml leaves it open; says so."""
    auth = jsonc.table(settings.get("auth"))
    email = jsonc.table(auth.get("email"))
    asked = next(_asked(checkout, code), None)
    if asked is None or "enable_confirmations" in email:
        return dict(settings), ()
    told = Unknown(
        what="whether addresses are confirmed",
        why=f"{asked.path}:{asked.line} asks a new user for a code from a mail, so sign-up sends one",
        hint="to say otherwise: [auth.email] enable_confirmations = false in supabase/config.toml",
    )
    return {**settings, "auth": {**auth, "email": {**email, "enable_confirmations": True}}}, (told,)


def _asked(checkout: Checkout, code: Iterable[str]) -> Iterator[Place]:
    """Find where a file that signs people up by password also takes the code of a mail."""
    for path in code:
        text = checkout.text(path)
        if "verifyOtp" not in text:
            continue
        plain = without_comments(text)
        match = _VERIFY.search(plain)
        if match and _SIGN_UP.search(plain) and not _SIGN_IN_BY_CODE.search(plain):
            yield lines(plain).place(path, match.start())
