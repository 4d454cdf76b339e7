"""How sure we are that an app came from Replit's agent."""

from freehold.builders.replit import marks
from freehold.builders.replit.generation import generation
from freehold.builders.shared import markers
from freehold.builders.shared.checkout import open_checkout
from freehold.builders.shared.package import packages
from freehold.core.app import App, Match

NAME = "replit"


def recognise(app: App) -> Match | None:
    """Add up the marks in files, code and history."""
    checkout = open_checkout(app)
    found = packages(checkout)
    evidence = [
        *markers.dependency_marks(checkout, found, marks.PLUGIN, 4),
        *markers.name_marks(found, marks.TEMPLATE_NAMES, 3),
        *markers.file_marks(checkout, marks.FILES),
        *markers.commit_marks(checkout, marks.COMMITS),
        *markers.content_marks(checkout, marks.CONTENT, marks.CONTENT_WEIGHT, "reads Replit's environment"),
    ]
    if not evidence:
        return None
    return markers.as_match(NAME, evidence, generation(checkout))
