"""psql on a running app's database."""

import os
from collections.abc import Sequence

from freehold.core.errors import NotRunning
from freehold.kit import process, programs
from freehold.secrets.age import AgeStore
from freehold.targets.local import database_access, state
from freehold.targets.local.place import Place, identity_file


def open_shell(place: Place, psql_arguments: Sequence[str], *, admin: bool) -> None:
    """Replace this process by psql. The password travels in the environment, never in argv.

    Raises NotRunning when the app is not up: the embedded PostgreSQL runs with it.
    """
    if state.read(place.state) is None:
        raise NotRunning("the database runs while the app is up, and it is not", hint="freehold up PATH")
    access = database_access.read(AgeStore(place.keys, identity_file()))
    login = access.admin if admin else access.owner
    process.replace([str(programs.psql()), *psql_arguments], os.environ | login.environment())
