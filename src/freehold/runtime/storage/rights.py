"""Testing a caller's right by doing what they ask for and taking it back, and dropping bytes that lost their row."""

import contextlib

from freehold.kit.objects.store import ObjectStore
from freehold.runtime.database import DatabaseError, Statement
from freehold.runtime.storage import errors
from freehold.runtime.storage.call import Call
from freehold.runtime.storage.scope import Scope


async def test_right(call: Call, scope: Scope, write: Statement) -> None:
    """Try a write as the caller, and take it back; raises what the policies say."""
    async with call.depot.pool.connection() as connection:
        try:
            await connection.run([("BEGIN", ()), scope.as_caller(), write, ("ROLLBACK", ())])
        except DatabaseError as error:
            await connection.run([("ROLLBACK", ())])
            raise named(error) from error


def retested(scope: Scope, write: Statement) -> list[Statement]:
    """The same inside a transaction, under its locks: what was tested may have changed since."""
    return [("SAVEPOINT tested", ()), scope.as_caller(), write, ("ROLLBACK TO SAVEPOINT tested", ())]


async def discard(store: ObjectStore, *keys: str) -> None:
    """Drop bytes that no row names any more; what cannot be dropped now is left to the sweep."""
    for key in keys:
        with contextlib.suppress(OSError):
            await store.delete(key)


def named(error: DatabaseError) -> Exception:
    """Say "already exists" as upstream does for objects; other refusals stay what they are."""
    return errors.key_already_exists() if error.sqlstate == "23505" else error
