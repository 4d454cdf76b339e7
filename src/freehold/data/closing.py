"""What a migration takes away from releases that are older than it, and how the ledger is asked for it.

Standard library only: a server asks its own database with the same statement.
"""

import json
from dataclasses import dataclass

POSITION = """
select greatest((select coalesce(max(position), 0) from freehold.migration_files),
                (select coalesce(max(position), 0) from base44.migration),
                (select coalesce(max(position), 0) from freehold.server_migrations))
"""
"""The newest place in the ledger that was taken: by a file, a change of an entity, or a migration of the app's server.

0 while nothing ran."""
SINCE = """
select json_build_object(
  'position', ({position}),
  'closed', coalesce((
    select json_agg(json_build_array(f.path, w.closings) order by f.position)
      from freehold.migration_files f left join freehold.migration_windows w on w.path = f.path
     where f.position > {after} and f.status <> 'baseline'
       and (f.status = 'applied' or exists (
         select from freehold.migration_statements s where s.path = f.path and s.outcome <> 'failed'))
  ), '[]'),
  'entities', coalesce((
    select json_agg(json_build_array(entity, asks) order by position)
      from base44.migration where position > {after} and takes
  ), '[]'),
  'server', coalesce((
    select json_agg(json_build_array(name, closings) order by position)
      from freehold.server_migrations where position > {after} and closings <> '[]'
  ), '[]'))::text
"""
"""One statement, one answer; `since` fills in the place in the ledger, a number."""


@dataclass(frozen=True)
class Closing:
    """One reason: what is taken away, in words, and the line of the file."""

    object: str
    reason: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Window:
    """The ledger's newest place, and what was closed after another place.

    By files, then by entities, then by migrations of the app's own server, each in order.
    """

    position: int
    closed: tuple[tuple[str, Closing], ...] = ()
    """Where, and the closing; one of an entity has no line."""


def since(after: int) -> str:
    """The statement that asks for what came after a place in the ledger."""
    return SINCE.format(position=POSITION, after=int(after))


def read(answer: str) -> Window:
    """Read what the statement gives."""
    found = json.loads(answer)
    closed: list[tuple[str, Closing]] = []
    for path, closings in found["closed"]:
        if closings is None:
            closed.append((str(path), Closing("the schema", "the file was never judged", 1)))
        else:
            closed += [(str(path), Closing(**item)) for item in closings]
    closed += [(f"the entity {entity}", Closing(str(entity), str(asks), 0)) for entity, asks in found["entities"]]
    closed += [(str(name), Closing(**item)) for name, closings in found["server"] for item in closings]
    return Window(position=int(found["position"]), closed=tuple(closed))
