"""Address and key of an app's API as placeholders, so that one built site serves any origin.

Before the build every form of the old address becomes the placeholder; when the site is rendered every form that the
build made of the placeholder (quoted for JavaScript or JSON, encoded for a URL, escaped for a regular expression)
becomes the new origin.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from freehold.core.errors import BadUsage
from freehold.core.inventory import BackendAddress
from freehold.kit import files
from freehold.releases import digests

HOST = "freehold-origin.invalid"
ORIGIN = f"https://{HOST}"
KEY = "sb_publishable_FREEHOLDxPLACEHOLDERxKEYx0"
REF = "freeholdprojectrefxy"
"""Looks like a project ref; becomes the first label of the new host, which supabase-js names its storage after."""

_HOST = r"freehold-origin(?:\\{1,2})?\.invalid"
_SLASHES = r"//|\\?/\\?/|(?:\\{1,2}u002[fF]){2}|(?:\\{1,2}x2[fF]){2}"
_PLAIN = re.compile(rf"(?P<scheme>https|wss)(?P<colon>:)(?P<slashes>{_SLASHES})(?P<host>{_HOST})")
_ENCODED = re.compile(
    rf"(?P<scheme>https|wss)(?P<colon>%(?:25)?3[aA])(?P<slashes>(?:%(?:25)?2[fF]){{2}})(?P<host>{_HOST})"
)
_BARE = re.compile(_HOST)
_MARKS = (b"freehold-origin", KEY.encode(), REF.encode())
_ORIGIN = re.compile(r"^https?://(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$")
_KEY = re.compile(r"^[A-Za-z0-9._-]+$")


def render(source: Path, destination: Path, *, origin: str, publishable_key: str) -> None:
    """Write the site as it is served at `origin`: placeholders filled in, everything else linked or copied.

    `destination` appears whole, replacing what was there. Digests of changed files in pages and service workers are
    renewed. Raises BadUsage for an origin or a key that is none.
    """
    _check(origin, publishable_key)
    with files.whole_folder(destination) as folder:
        changed: dict[bytes, bytes] = {}
        for name in files.list_files(source):
            content = (source / name).read_bytes()
            if is_text(content) and holds_placeholder(content):
                filled = fill(content.decode(), origin=origin, publishable_key=publishable_key).encode()
                changed |= digests.replacements(content, filled)
                _write(folder / name, filled)
            else:
                files.link_or_copy(source / name, folder / name)
        digests.renew(folder, changed)


def fill(text: str, *, origin: str, publishable_key: str) -> str:
    """Replace every form of the placeholders in a text."""
    parts = urlsplit(origin)
    network_location = parts.netloc
    text = _ENCODED.sub(
        lambda match: (
            _scheme(match, parts.scheme)
            + match["colon"]
            + match["slashes"]
            + quote(network_location, safe="%" if "25" in match["colon"] else "")
        ),
        text,
    )
    text = _PLAIN.sub(
        lambda match: (
            _scheme(match, parts.scheme) + match["colon"] + match["slashes"] + _like(match["host"], network_location)
        ),
        text,
    )
    text = _BARE.sub(lambda match: _like(match[0], network_location), text)
    label = (parts.hostname or "").split(".")[0]
    return text.replace(KEY, publishable_key).replace(REF, label)


def holds_placeholder(content: bytes) -> bool:
    """Say whether there is anything to fill in."""
    return any(mark in content for mark in _MARKS)


def is_text(content: bytes) -> bool:
    """Say whether a file is UTF-8 text."""
    if b"\0" in content[:8192]:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True)
class OldNames:
    """Turns the names of one back end into placeholders."""

    backend: BackendAddress

    def replace(self, text: str) -> str:
        """Replace the address in all its forms, the published key, and the project ref where it stands alone."""
        if self.backend.publishable_key:
            text = text.replace(self.backend.publishable_key, KEY)
        ref = re.escape(self.backend.project_ref) if self.backend.project_ref else ""
        if "supabase" in text:
            text = self._addresses(text, rf"(?:{ref}|{_COMPUTED})" if ref else _COMPUTED)
        domain = urlsplit(self.backend.url).netloc
        if domain and not domain.endswith(".supabase.co"):
            text = re.sub(rf"(https|wss)(://){re.escape(domain)}(?![\w.:-])", _secure, text)
        if ref and self.backend.project_ref in text:
            text = re.sub(rf"""(?<=["'`]){ref}(?=["'`])|(?<=\bsb-){ref}(?=-auth-token)""", REF, text)
        return text

    @staticmethod
    def _addresses(text: str, name: str) -> str:
        text = re.sub(
            rf"(https?:(?:{_SLASHES})){name}\\?\.functions\\?\.supabase\\?\.co\b", rf"\1{HOST}/functions/v1", text
        )
        text = re.sub(
            rf"(https?|wss?)(:(?:{_SLASHES})|%3A%2F%2F){name}(?:\\?\.storage)?\\?\.supabase\\?\.(?:co|in|red)\b",
            _secure,
            text,
        )
        return re.sub(rf"(?<![\w.-]){name}\\?\.supabase\\?\.(?:co|in|red)\b", HOST, text)


_COMPUTED = r"\$\{[^{}`\n]*(?:PROJECT|project|REF|[rR]ef\b)[^{}`\n]*\}"
"""A template such as https://${PROJECT_ID}.supabase.co; other computed names may be other projects."""


def _secure(match: re.Match[str]) -> str:
    scheme = "wss" if match[1].startswith("ws") else "https"
    host = HOST.replace(".", "\\.") if "\\." in match[0] else HOST
    return f"{scheme}{match[2]}{host}"


def _scheme(match: re.Match[str], scheme: str) -> str:
    if match["scheme"] == "https":
        return scheme
    return "wss" if scheme == "https" else "ws"


def _like(found: str, network_location: str) -> str:
    """Escape the dots of the new host as those of the placeholder are."""
    escape = found[len("freehold-origin") : -len(".invalid")]
    return network_location.replace(".", f"{escape}.") if escape else network_location


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _check(origin: str, publishable_key: str) -> None:
    if not _ORIGIN.match(origin):
        raise BadUsage(
            f"{origin} is not an origin", hint="give scheme, host and port only, such as https://app.example.org"
        )
    if not _KEY.match(publishable_key):
        raise BadUsage("the publishable key has characters that no key has")
