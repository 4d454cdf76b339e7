"""How sure we are that an app came from v0."""

from freehold.builders.shared import markers
from freehold.builders.shared.checkout import open_checkout
from freehold.builders.shared.package import packages
from freehold.builders.v0 import marks
from freehold.builders.v0.generation import generation
from freehold.core.app import App, Match

NAME = "v0"


def recognise(app: App) -> Match | None:
    """Add up the marks in files, code and history."""
    checkout = open_checkout(app)
    found = packages(checkout)
    evidence = [
        *markers.name_marks(found, marks.TEMPLATE_NAMES, 5),
        *markers.text_marks(checkout, marks.TEXTS),
        *markers.commit_marks(checkout, marks.EXPORTS),
        *markers.commit_marks(checkout, marks.COMMITS),
        *markers.content_marks(checkout, marks.CONTENT, marks.CONTENT_WEIGHT, "writes or loads as v0 does"),
    ]
    if not evidence:
        return None
    return markers.as_match(NAME, evidence, generation(found[0] if found else None))
