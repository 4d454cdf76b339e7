"""What is changed in an app's HTML pages before the build."""

import re

_ELEMENT = re.compile(
    r"""<script\b[^>]*?\bsrc\s*=\s*["']?(?P<script>[^"'\s>]+)[^>]*>\s*</script\s*>[ \t]*\n?
    |<link\b[^>]*?\bhref\s*=\s*["']?(?P<link>[^"'\s>]+)[^>]*>[ \t]*\n?""",
    re.IGNORECASE | re.VERBOSE,
)
_LOADED = re.compile(
    r"""\brel\s*=\s*["']?(?:stylesheet|preload|modulepreload|prefetch|preconnect|dns-prefetch|icon)""", re.IGNORECASE
)
_HOST = re.compile(r"^(?:https?:)?//([^/:?#]+)")
_POLICY = re.compile(r"""<meta\b[^>]*Content-Security-Policy[^>]*>""", re.IGNORECASE)
_ANY_PROJECT = re.compile(r"\b(https|wss)://\*\.supabase\.co\b")


def without_scripts_of(text: str, hosts: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Take out what a page loads from one of the hosts; gives the page and the addresses that it no longer loads."""
    removed: list[str] = []

    def drop(match: re.Match[str]) -> str:
        address = match["script"] or match["link"]
        if not _is_of(address, hosts) or (match["link"] and not _LOADED.search(match[0])):
            return match[0]
        removed.append(address)
        return ""

    return _ELEMENT.sub(drop, text), tuple(removed)


def with_own_addresses_allowed(text: str) -> str:
    """Let a page's content security policy allow the app's own origin where it allowed every Supabase project."""
    return _POLICY.sub(lambda match: _ANY_PROJECT.sub(r"\1://freehold-origin.invalid", match[0]), text)


def _is_of(address: str, hosts: tuple[str, ...]) -> bool:
    match = _HOST.match(address)
    return match is not None and any(match[1] == host or match[1].endswith(f".{host}") for host in hosts)
