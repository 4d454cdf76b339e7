"""The app's own SQL files: read, run as the app's owner role, and remembered in a ledger."""

from freehold.data.closing import Closing, Window
from freehold.data.migrations.consent import Consent
from freehold.data.migrations.migrate import MigrationReport, closed_since, look, migrate, position
from freehold.data.migrations.statements import Statement, statements

__all__ = [
    "Closing",
    "Consent",
    "MigrationReport",
    "Statement",
    "Window",
    "closed_since",
    "look",
    "migrate",
    "position",
    "statements",
]
