"""All providers of this app by name."""

from collections.abc import Mapping

from freehold.runtime.auth.providers.github import GitHub
from freehold.runtime.auth.providers.openid_provider import OpenIdProvider
from freehold.runtime.auth.providers.provider import Provider
from freehold.runtime.auth.providers.settings import ProviderSettings
from freehold.runtime.openid import Directory
from freehold.runtime.outbound import Outbound


class Providers:
    """Opens no connection before a provider is used, and calls this machine only for a provider the owner put there."""

    def __init__(self, configured: Mapping[str, ProviderSettings], *, allow_loopback: bool) -> None:
        """Providers that lack something are left out; `ProviderSettings.problem` says what."""
        self._outside = Outbound()
        self._here = Outbound(allow_loopback=allow_loopback)
        outside, here = Directory(self._outside), Directory(self._here)
        self._by_name: dict[str, Provider] = {}
        self._openid: dict[str, OpenIdProvider] = {}
        for name, settings in configured.items():
            outbound, directory = (self._here, here) if settings.is_on_this_machine else (self._outside, outside)
            if name != "github":
                self._openid[name] = OpenIdProvider(settings, outbound, directory)
            if not settings.problem:
                self._by_name[name] = GitHub(settings, outbound) if name == "github" else self._openid[name]

    def find(self, name: str) -> Provider | None:
        """Give a provider that people can be sent to, None without one."""
        return self._by_name.get(name)

    def issuing(self, name: str) -> OpenIdProvider | None:
        """Give a provider whose ID tokens are accepted, None without one: for that it needs no secret."""
        found = self._openid.get(name)
        return found if found is not None and found.settings.client_ids and found.settings.issuer else None

    async def close(self) -> None:
        """Close the connections."""
        await self._outside.close()
        await self._here.close()
