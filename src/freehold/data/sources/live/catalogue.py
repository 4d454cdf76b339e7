"""What a live database holds and what its role may see of it, before anything is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from freehold.core.errors import SourceBlind
from freehold.kit import postgres

SHOWN = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """A table (kind r), sequence (S) or materialized view (m)."""

    schema: str
    name: str
    kind: str
    owner: str
    is_readable: bool
    hides_rows: bool
    blocks: int
    of_extension: bool
    columns: tuple[str, ...]
    is_populated: bool
    oid: int
    has_plain_types: bool
    """Whether COPY's binary form of its rows means the same in another database of this major version."""

    @property
    def shown(self) -> str:
        """Schema and name."""
        return f"{self.schema}.{self.name}"


def relations(connection: postgres.Connection) -> tuple[Relation, ...]:
    """Read the catalogue in the connection's own transaction."""
    query = resources.files("freehold.data.sources.live").joinpath("relations.sql").read_text(encoding="utf-8")
    return tuple(
        Relation(
            schema=str(row[0]),
            name=str(row[1]),
            kind=str(row[2]),
            owner=str(row[3]),
            is_readable=bool(row[4]),
            hides_rows=bool(row[5]),
            blocks=int(str(row[6] or 0)),
            of_extension=bool(row[7]),
            columns=tuple(row[8] or ()),
            is_populated=bool(row[9]),
            oid=int(str(row[10])),
            has_plain_types=bool(row[11]),
        )
        for row in connection.execute(query).fetchall()
    )


def unreadable_schemas(found: Sequence[Relation], platform: frozenset[str]) -> tuple[str, ...]:
    """Schemas of the old platform that this role may not read whole: pg_dump would stop at them."""
    return tuple(sorted({item.schema for item in found if not item.is_readable and item.schema in platform}))


def check_sight(found: Sequence[Relation], platform: frozenset[str], needed: frozenset[str], role: str) -> None:
    """Refuse a role that does not see every row; `needed` are platform schemas that are copied. Raises SourceBlind."""
    judged = [item for item in found if item.schema in needed or item.schema not in platform]
    closed = [item.shown for item in judged if not item.is_readable]
    hidden = [item.shown for item in judged if item.is_readable and item.hides_rows]
    if not closed and not hidden:
        return
    what = f"may not read {len(closed)}" if closed else f"would silently see only some rows of {len(hidden)}"
    listed = closed or hidden
    rest = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    raise SourceBlind(
        f"the role {role} {what} tables at the source; nothing was read",
        detail=", ".join(listed[:SHOWN]) + rest,
        hint=f"give the database's own postgres role, or: ALTER ROLE {role} BYPASSRLS, and GRANT SELECT on them",
    )
