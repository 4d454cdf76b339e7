"""The app's schema that can be trusted.

    replay(app_root, inventory, *, owner_dsn, admin_dsn, report) -> Replay     into an empty database only
    fingerprint.take(admin_connection) -> Fingerprint(sha256, text)

A Replay has `entries` (every statement: applied, replaced by the platform's own, or failed with its `cause`), `failed`,
`causes`, `fingerprint`, `files`, `deleted`, `unknowns` and `seconds`.
"""

from freehold.data.schema.fingerprint import Fingerprint
from freehold.data.schema.record import Entry
from freehold.data.schema.replay import Replay, replay

__all__ = ["Entry", "Fingerprint", "Replay", "replay"]
