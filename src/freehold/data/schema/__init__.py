"""The app's schema that can be trusted.

    replay(app_root, inventory, *, owner_dsn, admin_dsn, report) -> Replay     into an empty database only
    is_recorded(admin_dsn) -> bool                                             whether it was replayed before
    is_occupied(admin_dsn) -> bool                                             whether a replay would refuse it
    compare(types_text, dsn) -> Comparison                                     the database held against types.ts
    fill_from_types(types_text, *, owner_dsn, admin_dsn, report, without, history) -> Reconstruction
    fill_from_queries(asked, *, owner_dsn, admin_dsn, report, without, history) -> Reconstruction
    union(app_root, inventory) -> Union                                        all migration files that it ever had
    run_again(files, *, owner_dsn, admin_dsn, report) -> Again                 what a replay could not, after a fill
    add_keys(wanted, *, owner_dsn, admin_dsn, report) -> tuple[str, ...]       what upserts name as the key of a row
    suit(*, owner_dsn, admin_dsn, report) -> tuple[str, ...]                   types as functions return columns
    propose(inventory, dsn) -> tuple[Proposal, ...]                            buckets and publications that nobody made
    fingerprint.take(admin_connection) -> Fingerprint(sha256, text)
    types_ts.read(types_text) -> Types                                         pure

A Replay has `entries` (every statement: applied, replaced by the platform's own, or failed with its `cause`), `failed`,
`causes`, `fingerprint`, `files`, `deleted`, `unknowns` and `seconds`. All dsn are Secrets; where only one is asked for,
any login that may read the catalogue does.
"""

from freehold.data.schema.again import Again, run_again
from freehold.data.schema.circles import SetAside
from freehold.data.schema.compare import ColumnDifference, Comparison, LabelDifference, compare
from freehold.data.schema.files import union
from freehold.data.schema.fingerprint import Fingerprint
from freehold.data.schema.keys import add_keys
from freehold.data.schema.propose import Proposal, propose
from freehold.data.schema.reconstruct import Reconstruction, fill_from_queries, fill_from_types
from freehold.data.schema.record import Entry
from freehold.data.schema.replay import Replay, is_occupied, is_recorded, replay
from freehold.data.schema.returned import suit

__all__ = [
    "Again",
    "ColumnDifference",
    "Comparison",
    "Entry",
    "Fingerprint",
    "LabelDifference",
    "Proposal",
    "Reconstruction",
    "Replay",
    "SetAside",
    "add_keys",
    "compare",
    "fill_from_queries",
    "fill_from_types",
    "is_occupied",
    "is_recorded",
    "propose",
    "replay",
    "run_again",
    "suit",
    "union",
]
