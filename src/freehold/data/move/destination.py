"""Where a move goes: two logins of one database, and a place for files. How they were got is not its business."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from freehold.core.secret import Secret
from freehold.kit import postgres
from freehold.kit.objects.store import ObjectStore

OWNER_OPTIONS = (
    "-c search_path= -c check_function_bodies=off -c client_min_messages=warning -c statement_timeout=0 "
    "-c lock_timeout=120s -c idle_in_transaction_session_timeout=0 -c row_security=off -c timezone=UTC "
    "-c datestyle=ISO,YMD -c intervalstyle=postgres -c extra_float_digits=3 -c bytea_output=hex -c role=none "
    "-c maintenance_work_mem=128MB"
)
"""What pg_dump sets at the head of a dump, and the same output of values at both ends."""


@dataclass(frozen=True, kw_only=True)
class Destination:
    """The administrator decides and records; the owner role makes and loads what is the app's."""

    admin_dsn: Secret
    owner_dsn: Secret
    owner: str
    """The owner role's name."""
    described: str
    objects: ObjectStore
    """Where the bytes of files go."""

    @contextmanager
    def admin(self) -> Iterator[postgres.Connection]:
        """A connection of the administrator."""
        with postgres.connect(Secret(postgres.with_defaults(self.admin_dsn.reveal(), options=OWNER_OPTIONS))) as found:
            yield found

    @contextmanager
    def app(self) -> Iterator[postgres.Connection]:
        """A connection of the owner role."""
        with postgres.connect(Secret(postgres.with_defaults(self.owner_dsn.reveal(), options=OWNER_OPTIONS))) as found:
            found.prepare_threshold = None
            yield found
