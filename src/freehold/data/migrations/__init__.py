"""The app's own SQL files: read, run as the app's owner role, and remembered in a ledger."""

from freehold.data.migrations.migrate import MigrationReport, migrate
from freehold.data.migrations.statements import Statement, statements

__all__ = ["MigrationReport", "Statement", "migrate", "statements"]
