"""How sure we are that an app came from Bolt."""

from freehold.builders.bolt import marks
from freehold.builders.bolt.generation import generation
from freehold.builders.shared import markers
from freehold.builders.shared.checkout import Checkout, open_checkout
from freehold.builders.shared.package import packages
from freehold.core.app import App, Evidence, Match

NAME = "bolt"


def recognise(app: App) -> Match | None:
    """Add up the marks in files, migrations and history; owners delete all of them at times."""
    checkout = open_checkout(app)
    found = packages(checkout)
    evidence = [
        *markers.name_marks(found, marks.TEMPLATE_NAMES, 3),
        *markers.file_marks(checkout, marks.FILES),
        *markers.text_marks(checkout, marks.TEXTS),
        *markers.commit_marks(checkout, marks.COMMITS),
        *_migration_marks(checkout),
    ]
    if not evidence:
        return None
    return markers.as_match(NAME, evidence, generation(checkout, found[0] if found else None))


def _migration_marks(checkout: Checkout) -> list[Evidence]:
    """Give one mark for migrations that open with a Markdown title in a comment, as Bolt writes them."""
    files = checkout.below("supabase/migrations", suffixes=(".sql",))
    titled = [path for path in files if marks.MIGRATION_HEADER.match(checkout.text(path))]
    if len(titled) < marks.MIGRATION_HEADERS_AT_LEAST:
        return []
    says = f"{len(titled)} migrations open as Bolt writes them"
    return [Evidence(text=says, weight=marks.MIGRATION_WEIGHT, path=titled[0], line=1)]
