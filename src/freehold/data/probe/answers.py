"""What an answer tells although no row stands in it: a figure, or whether somebody is known.

The call is made twice, the second time after the tables that the actor cannot read were emptied. Two answers that
differ can only come from rows that the actor may not see.
"""

import re
from collections.abc import Iterator

from freehold.data.probe.calls import Call, Callee, calls, fitted
from freehold.data.probe.garden import Row
from freehold.data.probe.objects import Relation
from freehold.data.probe.observation import Observation
from freehold.data.probe.stage import Actor, name
from freehold.data.probe.tables import Probed, can_read

_ADDRESS = re.compile(r"e?_?mail|phone|mobile", re.IGNORECASE)
_FOR_ALL = re.compile(
    r"public|landing|leaderboard|rank|count|availab|stats|statistic|total|slots|exists|taken|unique|rating",
    re.IGNORECASE,
)
"""Names of figures that are usually shown to everybody."""
_NUMBERS = frozenset(
    {"integer", "bigint", "numeric", "double precision", "real", "smallint", "record", "jsonb", "json"}
)


def told(callee: Callee, actor: Actor) -> Iterator[Observation]:
    """Say what a stranger learns about rows that the stranger cannot read; signed-in users are not tried."""
    if actor.role != "anon":
        return
    closed = [relation for relation in callee.mentioned() if _is_closed(callee, relation, actor)]
    kind = _kind(callee)
    if not kind or not closed:
        return
    fitting = fitted(callee)
    emptied = "; ".join(f"delete from {name(item.schema, item.name)}" for item in closed)
    for one in calls(callee):
        full = callee.stage.attempt(actor, one.statement, before=callee.stage.quiet(fitting))
        rest = callee.stage.attempt(actor, one.statement, before=callee.stage.quiet(emptied))
        if full.worked and rest.worked and sorted(full.rows) != sorted(rest.rows):
            yield _observation(callee, actor, one, closed, kind)
            return


def _kind(callee: Callee) -> str:
    function = callee.function
    if function.result == "boolean":
        texts = [number for number, kind in enumerate(function.types) if kind != "boolean"]
        return "address-told" if len(texts) == 1 and _ADDRESS.search(_name(callee, texts[0])) else ""
    return "figures-told" if function.result in _NUMBERS and not function.types else ""


def _name(callee: Callee, number: int) -> str:
    return callee.function.names[number] if number < len(callee.function.names) else ""


def _is_closed(callee: Callee, relation: Relation, actor: Actor) -> bool:
    theirs: Row | None = callee.garden.row(relation, "b")
    return theirs is not None and not can_read(Probed(callee.stage, callee.objects, relation, None, theirs), actor)[0]


def _observation(callee: Callee, actor: Actor, one: Call, closed: list[Relation], kind: str) -> Observation:
    function = callee.function
    tables = ", ".join(relation.full_name for relation in closed[:3])
    what = "whether an address is in" if kind == "address-told" else "figures about"
    meant = function.ruled_by or (kind == "figures-told" and bool(_FOR_ALL.search(function.name)))
    return Observation(
        kind=kind,
        object=function.full_name,
        actor=actor.name,
        action="call",
        evidence=f"{function.full_name} runs with its owner's rights and tells {actor.name} {what} {tables}, "
        "which they cannot read",
        sql=one.statement,
        hole=not meant,
    )
