"""The migrations that an app's own server brings and runs itself: what each takes away from older releases."""

from freehold.data.server_migrations.files import File, found
from freehold.data.server_migrations.ledger import admit, ahead

__all__ = ["File", "admit", "ahead", "found"]
