"""How sure we are that an app came from Emergent."""

from freehold.builders.emergent import marks
from freehold.builders.emergent.generation import generation
from freehold.builders.shared import markers
from freehold.builders.shared.checkout import Checkout, open_checkout
from freehold.core.app import App, Evidence, Match

NAME = "emergent"


def recognise(app: App) -> Match | None:
    """Add up the marks in files, code and history."""
    checkout = open_checkout(app)
    evidence = [
        *markers.file_marks(checkout, marks.FILES),
        *_server_marks(checkout),
        *markers.text_marks(checkout, marks.TEXTS),
        *markers.commit_marks(checkout, marks.COMMITS),
        *markers.content_marks(checkout, marks.CONTENT, marks.CONTENT_WEIGHT, "names a service of Emergent's"),
    ]
    if not evidence:
        return None
    return markers.as_match(NAME, evidence, generation(checkout))


def _server_marks(checkout: Checkout) -> list[Evidence]:
    """Count the agent's notes only beside the server file that it writes: alone their names are common."""
    if marks.SERVER not in checkout.known:
        return []
    return [
        Evidence(text=f"has {name} beside {marks.SERVER}", weight=weight, path=name)
        for name, weight in marks.BESIDE_SERVER
        if name in checkout.known
    ]
