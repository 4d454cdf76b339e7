"""What stayed at the builder, and is refused in a sentence that says what to do instead."""

from freehold.runtime.base44.http import Refusal, detailed

_CONNECTOR = (
    "This connection belongs to the builder's account and did not move: register your own client with the service, "
    "and call it from a function with your own key"
)
_ANEW = "{area} are not answered here: what they did has to be set up anew"
_AGENT = "Agents do not answer here, by WhatsApp and Telegram neither: their connections stayed at the builder"
_ACTOR = "Actors run on the builder's own network only: what this one did has to be made anew"
_CONNECTORS = frozenset({"external-auth", "connectors", "app-user-auth"})


def of_area(area: str) -> Refusal | None:
    """Give the refusal of /apps/{id}/{area}; None for what is not known at all."""
    if area in _CONNECTORS:
        return detailed(501, _CONNECTOR, code="connector_not_moved")
    if area == "actors":  # any status but 400, 403 and 404 makes the SDK ask again for ever
        return detailed(404, _ACTOR, code="not_served")
    if area == "agents":
        return detailed(501, _AGENT, code="not_served")
    if area in ("integrations", "sso"):
        return detailed(501, _ANEW.format(area=area), code="not_served")
    return None
