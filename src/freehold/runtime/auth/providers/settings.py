"""[auth.external.<provider>] of supabase/config.toml, as `freehold up` completes it from the owner's secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from freehold.core.secret import Secret
from freehold.runtime.outbound import is_loopback
from freehold.runtime.table import Table

ISSUERS: Mapping[str, str] = {
    "google": "https://accounts.google.com",
    "apple": "https://appleid.apple.com",
    "azure": "https://login.microsoftonline.com/common/v2.0",
    "gitlab": "https://gitlab.com",
    "linkedin_oidc": "https://www.linkedin.com/oauth",
    "slack_oidc": "https://slack.com",
}
"""Providers that speak OpenID Connect at one address."""
WITHOUT_OPENID = frozenset(
    {
        "bitbucket", "discord", "facebook", "figma", "fly", "kakao", "linkedin", "notion", "slack", "snapchat",
        "spotify", "twitch", "twitter", "vercel_marketplace", "workos", "x", "zoom",
    }
)  # fmt: skip
"""GoTrue's providers that have a protocol of their own, which Freehold does not speak."""
SPELLINGS: Mapping[str, str] = {"microsoft": "azure"}


@dataclass(frozen=True, kw_only=True)
class AppleKey:
    """The owner's key at Apple, from which client secrets are made."""

    pem: Secret
    key_id: str
    team_id: str


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """One provider. The first client id is the one that signs in; tokens for the others are accepted too."""

    name: str
    client_ids: tuple[str, ...]
    secret: Secret
    redirect_uri: str
    """Where the provider sends the browser back to."""
    url: str = ""
    """The provider's own address: an issuer, or a GitHub server of one's own; "" where it is well known."""
    skip_nonce_check: bool = False
    email_optional: bool = False
    apple_key: AppleKey | None = None

    @property
    def client_id(self) -> str:
        """The id that signs in, "" without one."""
        return self.client_ids[0] if self.client_ids else ""

    @property
    def problem(self) -> str:
        """Why this provider cannot be used, in GoTrue's words; "" when it can."""
        if self.name in WITHOUT_OPENID:
            return f"Provider {self.name} could not be found"
        if not self.client_ids:
            return "missing OAuth client ID"
        if not self.secret.reveal() and self.apple_key is None:
            return "missing OAuth secret"
        if self.name != "github" and self.name not in ISSUERS and not self.url:
            return f"unable to find URL for the {self.name} provider"
        return ""

    @property
    def issuer(self) -> str:
        """The OpenID issuer that was named, without a trailing slash."""
        return self.url or ISSUERS.get(self.name, "")

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the owner named a provider on loopback."""
        return is_loopback(urlsplit(self.url).hostname or "")


def read_providers(table: Table, callback: str) -> dict[str, ProviderSettings]:
    """Read the providers that are switched on.

    `callback` is where they send the browser back to; a redirect_uri in the file names the old back end or the local
    stack and is not used.
    """
    found = {}
    for spelling in table.names():
        entry, name = table.table(spelling), SPELLINGS.get(spelling.lower(), spelling.lower())
        if entry.flag("enabled", default=False):
            found[name] = _read(entry, name, callback)
    return found


def _read(entry: Table, name: str, callback: str) -> ProviderSettings:
    ids = tuple(part.strip() for part in entry.text("client_id", "").split(",") if part.strip())
    return ProviderSettings(
        name=name,
        client_ids=ids,
        secret=Secret(entry.text("secret", "")),
        redirect_uri=callback,
        url=entry.text("url", "").rstrip("/"),
        skip_nonce_check=entry.flag("skip_nonce_check", default=False),
        email_optional=entry.flag("email_optional", default=False),
        apple_key=_apple_key(entry),
    )


def _apple_key(entry: Table) -> AppleKey | None:
    names = ("key", "key_id", "team_id")
    pem, key_id, team_id = (entry.text(name, "") for name in names)
    return AppleKey(pem=Secret(pem), key_id=key_id, team_id=team_id) if pem and key_id and team_id else None
