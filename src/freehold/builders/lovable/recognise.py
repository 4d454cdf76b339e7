"""How sure we are that an app came from Lovable."""

from freehold.builders.lovable import marks
from freehold.builders.lovable.generation import generation
from freehold.builders.shared import markers
from freehold.builders.shared.checkout import open_checkout
from freehold.builders.shared.package import packages
from freehold.core.app import App, Match

NAME = "lovable"


def recognise(app: App) -> Match | None:
    """Add up the marks in files, code and history; owners delete marks, so none of them is needed."""
    checkout = open_checkout(app)
    found = packages(checkout)
    evidence = [
        *markers.dependency_marks(checkout, found, marks.DEPENDENCY, 6),
        *markers.dependency_marks(checkout, found, marks.TAGGER, 5),
        *markers.name_marks(found, marks.TEMPLATE_NAMES, 3),
        *markers.file_marks(checkout, marks.FILES),
        *markers.text_marks(checkout, marks.TEXTS),
        *markers.commit_marks(checkout, marks.COMMITS),
        *markers.content_marks(checkout, marks.CONTENT, marks.CONTENT_WEIGHT, "names a service of Lovable's"),
    ]
    if not evidence:
        return None
    return markers.as_match(NAME, evidence, generation(checkout, found[0] if found else None))
