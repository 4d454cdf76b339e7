"""A name for the moment before a migration, so that a backup's log of changes can be read up to there."""

from datetime import UTC, datetime

import psycopg

from freehold.kit import postgres


def point(admin: postgres.Connection) -> str:
    """Make a named restore point and give its name; "" where PostgreSQL keeps too little log or refuses."""
    name = f"freehold-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    try:
        admin.execute("select pg_catalog.pg_create_restore_point(%s)", (name,))
    except (psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.InsufficientPrivilege):
        return ""
    return name
