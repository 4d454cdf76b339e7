"""What every provider has: an address to send the browser to, and a person for what it brings back."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from freehold.core.secret import Secret
from freehold.runtime.auth.providers.person import Person
from freehold.runtime.auth.providers.settings import ProviderSettings
from freehold.runtime.outbound import NotReached, Reply


class ProviderFault(Exception):
    """The provider's answer cannot be used; the message holds no secret. `is_exchange`: it was about the code."""

    def __init__(self, message: str, *, is_exchange: bool = False) -> None:
        """Keep apart the two messages that GoTrue has."""
        super().__init__(message)
        self.is_exchange = is_exchange


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A sign-in that begins. `verifier` stays here; the provider gets what is derived from it."""

    state: str
    verifier: Secret
    scopes: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Back:
    """What the browser brought back."""

    code: str
    verifier: Secret
    issuer: str = ""
    """RFC 9207's `iss`, "" without one."""
    user: str = ""
    """Apple's JSON with the person's name, at the first sign-in only."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Who came, and the provider's own tokens for the app."""

    person: Person
    access_token: str
    refresh_token: str = ""


class Provider(Protocol):
    """One provider. Nothing is kept between the two calls but what the caller keeps."""

    @property
    def settings(self) -> ProviderSettings:
        """As configured."""

    @property
    def posts_back(self) -> bool:
        """Whether the browser comes back by a form on the provider's page."""

    async def address(self, ask: Ask) -> str:
        """Give where to send the browser. Raises NotReached."""

    async def arrival(self, back: Back) -> Arrival:
        """Exchange the code and read who came. Raises NotReached or ProviderFault."""


def challenge_of(verifier: Secret) -> str:
    """PKCE's S256 challenge."""
    return _digest(verifier.reveal())


def nonce_of(verifier: Secret) -> str:
    """The nonce that an ID token of this sign-in carries: derived, so that it need not be stored."""
    return _digest("nonce:" + verifier.reveal())


def with_parameters(url: str, own: Mapping[str, str], extra: Mapping[str, str]) -> str:
    """Add parameters to an address; what the app adds never replaces what the sign-in needs."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(extra) | dict(own)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query), ""))


def token_of(reply: Reply) -> Mapping[str, object]:
    """Read a token endpoint's answer. Raises ProviderFault."""
    try:
        found = reply.mapping
    except NotReached as error:
        raise ProviderFault("the token endpoint's answer is no JSON object", is_exchange=True) from error
    # GitHub says 200 for a code that it refuses.
    if reply.status != 200 or not isinstance(found.get("access_token"), str):  # noqa: PLR2004 - RFC 6749, 5.1
        reason = found.get("error")
        raise ProviderFault(f"the token endpoint answered {reply.status} {str(reason)[:80]!r}", is_exchange=True)
    return found


def text_of(values: Mapping[str, object], name: str) -> str:
    """Give a text, "" for anything else."""
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
