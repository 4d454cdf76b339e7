"""GitHub: OAuth without OpenID; who came is asked of its API."""

from dataclasses import dataclass

from freehold.runtime.auth.providers.person import Person, read_github
from freehold.runtime.auth.providers.provider import (
    Arrival,
    Ask,
    Back,
    ProviderFault,
    challenge_of,
    text_of,
    token_of,
    with_parameters,
)
from freehold.runtime.auth.providers.settings import ProviderSettings
from freehold.runtime.outbound import Outbound

SITE = "https://github.com"
API = "https://api.github.com"
SCOPE = "user:email"


@dataclass(frozen=True)
class GitHub:
    """github.com, or the owner's GitHub Enterprise Server at `settings.url`."""

    settings: ProviderSettings
    outbound: Outbound
    posts_back: bool = False

    async def address(self, ask: Ask) -> str:
        """Give the page where the person agrees."""
        own = {
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "response_type": "code",
            "scope": " ".join((SCOPE, *ask.scopes)),
            "state": ask.state,
            "code_challenge": challenge_of(ask.verifier),
            "code_challenge_method": "S256",
        }
        return with_parameters(f"{self._site}/login/oauth/authorize", own, ask.extra)

    async def arrival(self, back: Back) -> Arrival:
        """Exchange the code and ask for the person and all addresses."""
        form = {
            "client_id": self.settings.client_id,
            "client_secret": self.settings.secret.reveal(),
            "code": back.code,
            "redirect_uri": self.settings.redirect_uri,
            "code_verifier": back.verifier.reveal(),
        }
        token = token_of(await self.outbound.post(f"{self._site}/login/oauth/access_token", form))
        access_token = text_of(token, "access_token")
        person = await self._person(access_token)
        return Arrival(person=person, access_token=access_token, refresh_token=text_of(token, "refresh_token"))

    async def _person(self, access_token: str) -> Person:
        headers = {"authorization": f"Bearer {access_token}", "accept": "application/vnd.github+json"}
        user = await self.outbound.get(f"{self._api}/user", headers)
        emails = await self.outbound.get(f"{self._api}/user/emails", headers)
        if user.status != 200 or emails.status != 200:  # noqa: PLR2004 - GitHub's only success here
            raise ProviderFault(f"GitHub answered {user.status} and {emails.status} for the user and the addresses")
        person = read_github(self._api, user.mapping, emails.value)
        if not person.subject:
            raise ProviderFault("GitHub named no user")
        return person

    @property
    def _site(self) -> str:
        return self.settings.url or SITE

    @property
    def _api(self) -> str:
        return f"{self.settings.url}/api/v3" if self.settings.url else API
