"""What breaks off a builder: one answer a service, filled in with where code depends on it."""

from collections.abc import Iterable, Sequence

from freehold.core.inventory import Break, HostedAsset, Place, ServiceUse

_PLACES = 50


def of_services(uses: Iterable[ServiceUse], answers: dict[str, str]) -> tuple[Break, ...]:
    """Give one entry a service, in the order of `answers`; a service without an answer is an error of ours."""
    places: dict[str, list[Place]] = {}
    for use in uses:
        places.setdefault(use.service, []).extend(use.places)
    return tuple(
        Break(what=service, answer=answer, places=tuple(places[service][:_PLACES]))
        for service, answer in answers.items()
        if service in places
    )


def of_assets(assets: Sequence[HostedAsset], builder: str) -> tuple[Break, ...]:
    """Give one entry for all files that lie in the builder's store."""
    if not assets:
        return ()
    count = f"{len(assets)} file{'' if len(assets) == 1 else 's'}"
    return (
        Break(
            what=f"{count} in {builder}'s store",
            answer="download them while the account lives, serve them from your own store, rewrite the links",
            places=tuple(place for asset in assets for place in asset.places)[:_PLACES],
        ),
    )


def of_links(links: Iterable[ServiceUse], builder: str) -> tuple[Break, ...]:
    """Give one entry for all links to the app at the builder."""
    places = tuple(place for link in links for place in link.places)
    if not places:
        return ()
    what = f"links to the app's address at {builder}"
    return (Break(what=what, answer="replace them with the new address", places=places[:_PLACES]),)
