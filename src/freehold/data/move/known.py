"""What a target has already, which decides what becomes of a source's objects."""

from freehold.data.move import decisions
from freehold.kit import postgres


def known_target(admin: postgres.Connection, owner: str) -> decisions.Target:
    """Look at the target: its platform's own relations, functions and types, and the extensions it could have."""
    relations = admin.execute(
        "select n.nspname, c.relname from pg_catalog.pg_class as c"
        " join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where n.nspname = any(%s)"
        " union select n.nspname, p.proname from pg_catalog.pg_proc as p"
        " join pg_catalog.pg_namespace as n on n.oid = p.pronamespace where n.nspname = any(%s)"
        " union select n.nspname, t.typname from pg_catalog.pg_type as t"
        " join pg_catalog.pg_namespace as n on n.oid = t.typnamespace where n.nspname = any(%s)",
        [sorted(decisions.OLD_PLATFORM)] * 3,
    ).fetchall()
    schemas = admin.execute(
        "select nspname from pg_catalog.pg_namespace where nspname in ('public', 'entities')"
    ).fetchall()
    extensions = admin.execute(
        "select name, bool_or(trusted) from pg_catalog.pg_available_extension_versions group by 1"
    ).fetchall()
    return decisions.Target(
        owner=owner,
        relations=frozenset((str(row[0]), str(row[1])) for row in relations),
        schemas=frozenset(str(row[0]) for row in schemas),
        extensions={str(row[0]): bool(row[1]) for row in extensions},
    )
