"""Whose tokens are accepted besides our own: the old back end's, and those of [auth.third_party] in config.toml.

They are verified with public keys and never made. None of them can name a role that sees more than a signed-in user:
whoever runs such an issuer is not the owner of this app.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from joserfc.jwk import OctKey

from freehold.core.errors import BadUsage
from freehold.core.secret import Secret
from freehold.kit import json_text
from freehold.runtime import openid, waiting
from freehold.runtime.openid import Directory, Keys, NotValid
from freehold.runtime.outbound import NotReached, Outbound, is_loopback
from freehold.runtime.settings import Settings
from freehold.runtime.table import Table

REFRESH_SECONDS = 300.0
FIRST_ANSWER_SECONDS = 5.0
ROLES = frozenset({"anon", "authenticated"})
HS256 = "HS256"
SHORTEST_SECRET = 32
_NO_KEYS_ID = "\0"
"""Makes a directory ask again even while its keys are young."""
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """An issuer by its `iss`, without a trailing slash."""

    address: str
    audience: str
    """What `aud` must hold, "" where the issuer signs for this app alone."""
    is_old_back_end: bool = False
    """Its users were moved here: they are our users, and their tokens are refused once they have ended."""


class Trusted:
    """Verifies by keys that are at hand; fetching them is the work of `watch`, so no request waits for a stranger."""

    def __init__(self, settings: Settings, *, pause_seconds: float = openid.REFRESH_AT_MOST_EVERY_SECONDS) -> None:
        """Read who is trusted; a wrong table or key raises BadUsage. `pause_seconds`: keys are read no more often."""
        self._pause_seconds = pause_seconds
        third = read_third_party(Table(settings.auth, "auth").table("third_party"))
        old = [_old_back_end(name) for name in (*settings.old_issuers, *settings.old_hs256)]
        self._issuers = {item.address: item for item in (*third, *old)}
        self._keys = {name.rstrip("/"): _given_keys(name, text) for name, text in settings.old_issuers.items()}
        self._shared = {name.rstrip("/"): _shared_key(name, word) for name, word in settings.old_hs256.items()}
        self._loopback = settings.loopback_providers
        self._wanted = asyncio.Event()

    def knows(self, token: str) -> bool:
        """Whether a token says that one of these issuers made it; nothing is verified."""
        if not self._issuers:
            return False
        try:
            return _issuer_of(openid.unverified(token)) in self._issuers
        except NotValid:
            return False

    def is_foreign(self, claims: Mapping[str, object]) -> bool:
        """Whether verified claims are of an issuer whose users are not ours."""
        issuer = self._issuers.get(_issuer_of(claims))
        return issuer is not None and not issuer.is_old_back_end

    def verify(self, token: str) -> dict[str, object]:
        """Give the claims with the role they may have. Raises NotValid; `exp` and `nbf` are the caller's to check."""
        issuer = self._issuers[_issuer_of(openid.unverified(token))]
        shared = self._shared.get(issuer.address) if openid.algorithm_of(token) == HS256 else None
        claims = openid.verified_by_secret(token, shared) if shared is not None else self._by_public_key(issuer, token)
        if _issuer_of(claims) != issuer.address or not isinstance(claims.get("exp"), int | float):
            raise NotValid("the token is endless, or of another issuer")
        if issuer.audience:
            openid.check_audience(claims, (issuer.audience,))
        _check_role(issuer, claims)
        return claims

    def _by_public_key(self, issuer: Issuer, token: str) -> dict[str, object]:
        keys = self._keys.get(issuer.address)
        if keys is None or keys.find(openid.key_id_of(token)) is None:
            self._wanted.set()
            raise NotValid("no key of the issuer fits the token")
        return openid.verified(token, keys)

    async def watch(self, started: asyncio.Event) -> None:
        """Read the issuers' keys now, in a while, and when a token names an unknown one; until it is cancelled."""
        outside, here = Outbound(), Outbound(allow_loopback=self._loopback)
        pause = self._pause_seconds
        directories = {
            False: Directory(outside, pause_seconds=pause),
            True: Directory(here, pause_seconds=pause),
        }
        try:
            while True:
                key_id = _NO_KEYS_ID if self._wanted.is_set() else None
                self._wanted.clear()
                for issuer in self._issuers.values():
                    if not issuer.is_old_back_end:
                        is_here = is_loopback(urlsplit(issuer.address).hostname or "")
                        await self._read(issuer, directories[is_here], key_id)
                started.set()
                await asyncio.sleep(pause)
                await waiting.happens(self._wanted, REFRESH_SECONDS)
        finally:
            await outside.close()
            await here.close()

    @property
    def has_keys_to_fetch(self) -> bool:
        """Whether `watch` has something to do."""
        return any(not item.is_old_back_end for item in self._issuers.values())

    async def _read(self, issuer: Issuer, directory: Directory, key_id: str | None) -> None:
        try:
            self._keys[issuer.address] = await directory.keys(issuer.address, key_id)
        except NotReached as error:
            _log.warning("the keys of %s cannot be read: %s", issuer.address, error)


class TrustWatch:
    """Keeps `Trusted` supplied with keys while the runtime runs."""

    def __init__(self, trusted: Trusted) -> None:
        """Nothing is asked yet."""
        self._trusted = trusted
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read the keys; an issuer that does not answer does not hold the app up."""
        if not self._trusted.has_keys_to_fetch:
            return
        started = asyncio.Event()
        self._task = asyncio.create_task(self._trusted.watch(started))
        await waiting.happens(started, FIRST_ANSWER_SECONDS)

    async def stop(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task


def read_third_party(table: Table) -> tuple[Issuer, ...]:
    """Read [auth.third_party.*], each with the values that the Supabase CLI asks for. Raises BadUsage."""
    found = []
    for name in table.names():
        entry = table.table(name)
        if entry.flag("enabled", default=False):
            if name not in _READERS:
                raise BadUsage(f"auth.third_party.{name} is on, and Freehold does not know this issuer")
            found.append(_READERS[name](entry))
    return tuple(found)


def _firebase(entry: Table) -> Issuer:
    """Firebase's projects share one set of keys, so the audience decides."""
    project = _checked(entry, "project_id", _NAME)
    return Issuer(address=f"https://securetoken.google.com/{project}", audience=project)


def _auth0(entry: Table) -> Issuer:
    tenant, region = _checked(entry, "tenant", _NAME), entry.text("tenant_region", "")
    return Issuer(address=f"https://{tenant}{'.' + region if region else ''}.auth0.com", audience="")


def _cognito(entry: Table) -> Issuer:
    pool, region = _checked(entry, "user_pool_id", _NAME), _checked(entry, "user_pool_region", _NAME)
    return Issuer(address=f"https://cognito-idp.{region}.amazonaws.com/{pool}", audience="")


def _clerk(entry: Table) -> Issuer:
    return Issuer(address=f"https://{_checked(entry, 'domain', _HOST)}", audience="")


def _workos(entry: Table) -> Issuer:
    return Issuer(address=_checked(entry, "issuer_url", re.compile(r"https?://\S+")).rstrip("/"), audience="")


_READERS = {"firebase": _firebase, "auth0": _auth0, "aws_cognito": _cognito, "clerk": _clerk, "workos": _workos}


def _checked(entry: Table, name: str, form: re.Pattern[str]) -> str:
    value = entry.text(name, "")
    if not form.fullmatch(value):
        raise BadUsage(f"auth.third_party: {name} = {value!r} cannot be right")
    return value


def _old_back_end(address: str) -> Issuer:
    return Issuer(address=address.rstrip("/"), audience="authenticated", is_old_back_end=True)


def _given_keys(issuer: str, text: str) -> Keys:
    try:
        return openid.read_keys(json_text.read(text))
    except (ValueError, AttributeError, NotReached) as error:
        raise BadUsage(f"the keys of {issuer} are no JWKS with public keys", detail=str(error)) from error


def _shared_key(issuer: str, word: Secret) -> OctKey:
    if len(word.reveal()) < SHORTEST_SECRET:
        raise BadUsage(f"the secret of {issuer} has less than {SHORTEST_SECRET} characters")
    return OctKey.import_key(word.reveal())


def _issuer_of(claims: Mapping[str, object]) -> str:
    issuer = claims.get("iss")
    return issuer.rstrip("/") if isinstance(issuer, str) else ""


def _check_role(issuer: Issuer, claims: Mapping[str, object]) -> None:
    role = claims.get("role", "anon")
    if role not in ROLES or (issuer.is_old_back_end and role != "authenticated"):
        raise NotValid("the role is not one that this issuer may give")
