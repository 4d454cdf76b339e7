"""How sure we are that an app came from Base44."""

from freehold.builders.base44 import marks
from freehold.builders.base44.generation import generation
from freehold.builders.shared import markers
from freehold.builders.shared.checkout import Checkout, open_checkout
from freehold.builders.shared.package import packages
from freehold.core.app import App, Evidence, Match

NAME = "base44"


def recognise(app: App) -> Match | None:
    """Add up the marks in files, code and history."""
    checkout = open_checkout(app)
    found = packages(checkout)
    evidence = [
        *(mark for pattern in marks.DEPENDENCIES for mark in markers.dependency_marks(checkout, found, pattern, 5)),
        *markers.name_marks(found, marks.TEMPLATE_NAMES, 4),
        *markers.file_marks(checkout, marks.FILES),
        *_old_export_marks(checkout),
        *markers.text_marks(checkout, marks.TEXTS),
        *markers.commit_marks(checkout, marks.FIRST_COMMIT),
        *markers.commit_marks(checkout, marks.COMMITS),
        *markers.content_marks(checkout, marks.CONTENT, marks.CONTENT_WEIGHT, "names a service of Base44's"),
    ]
    if not evidence:
        return None
    return markers.as_match(NAME, evidence, generation(checkout))


def _old_export_marks(checkout: Checkout) -> list[Evidence]:
    """Give one mark for the two files of the old export; either alone is too common a name."""
    found = [next((path for path in checkout.files if mark.search(path)), "") for mark in marks.OLD_EXPORT]
    if not all(found):
        return []
    return [Evidence(text="has the files of Base44's old export", weight=3, path=found[0])]
