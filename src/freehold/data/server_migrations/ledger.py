"""Which migrations of the app's own server a database knows, kept where neither the app nor its server can write."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from freehold.core.secret import Secret
from freehold.data.closing import Closing
from freehold.data.migrations import Consent
from freehold.data.server_migrations.files import File
from freehold.data.server_migrations.judge import judge
from freehold.kit import postgres


def ahead(files: Sequence[File], admin_dsn: Secret) -> dict[str, tuple[Closing, ...]]:
    """Give what each migration that is not known here would close, by its name; changes nothing."""
    with postgres.connect(admin_dsn) as admin:
        return _ahead(files, _known(admin))


def admit(files: Sequence[File], admin_dsn: Secret, consent: Consent | None) -> tuple[str, ...]:
    """Write down the migrations that the server will run when it starts, and give the names of the new ones.

    With older releases there is a `consent`; raises NotAccepted for one that takes something away and is not named in
    it, with nothing written. Two at once: each name is written once.
    """
    with postgres.connect(admin_dsn) as admin, admin.transaction():
        admin.execute("set local search_path = pg_catalog, pg_temp")
        admin.execute("lock table freehold.server_migrations in share row exclusive mode")
        closings = _ahead(files, _known(admin))
        if consent is not None:
            consent.insist({f"{name}.py": found for name, found in closings.items()})
        by_name = {file.name: file for file in files}
        for name, found in closings.items():
            digest = hashlib.sha256(by_name[name].text.encode()).hexdigest()
            written = (name, digest, json.dumps([asdict(item) for item in found]), consent.who if consent else "")
            admin.execute(
                "insert into freehold.server_migrations (name, sha256, closings, accepted_by) values (%s, %s, %s, %s)",
                written,
            )
    return tuple(closings)


def _ahead(files: Sequence[File], known: frozenset[str]) -> dict[str, tuple[Closing, ...]]:
    return judge([file for file in files if file.name not in known], known)


def _known(admin: postgres.Connection) -> frozenset[str]:
    return frozenset(str(row[0]) for row in admin.execute("select name from freehold.server_migrations").fetchall())
