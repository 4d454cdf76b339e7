"""What a row that strangers may add brings about: a trigger with its owner's rights adds further rows elsewhere."""

import re
from collections.abc import Iterator

from freehold.data.probe.objects import Objects, Relation
from freehold.data.probe.observation import Observation
from freehold.data.probe.stage import Actor, Stage

_RIGHTS = re.compile(
    r"(^|_)(members?|memberships?|rosters?|users?|profiles?|accounts?|roles?|admins?|administrators?|staff|employees?"
    r"|subscriptions?|enrol\w*|licen[cs]es?|entitlements?|credits?|balances?|wallets?|permissions?|access)($|_)"
)
_NOTED = re.compile(r"(^|_)(logs?|audit\w*|history|events?|notifications?|queue|activity|requests?|stats?|views?)($|_)")
"""Tables that write down what happened: a row in them gives nobody a right."""


def snapshot(objects: Objects) -> str:
    """Ask how many rows this transaction has added to each table, taken back or not, as JSON by oid."""
    tables = ", ".join(str(oid) for oid, relation in objects.relations.items() if relation.kind == "r") or "0"
    return (
        "select jsonb_object_agg(c.oid::bigint, pg_stat_get_xact_tuples_inserted(c.oid)) "
        f"from pg_catalog.pg_class as c where c.oid in ({tables})"
    )


def spread(stage: Stage, objects: Objects, relation: Relation, actor: Actor, insert: str) -> Iterator[Observation]:
    """Add the row once more and name the tables of members, accounts and rights that grew with it."""
    if relation.oid not in objects.triggered:
        return
    asked = snapshot(objects)
    before = stage.connection.execute(asked.encode()).fetchone()
    after = stage.attempt(actor, insert, look=asked)
    if before is None or not after.worked or after.seen is None:
        return
    for oid, grown in objects.relations.items():
        added = int(after.seen.get(str(oid)) or 0) > int(before[0].get(str(oid)) or 0)
        lowered = grown.name.lower()
        if added and oid != relation.oid and grown.secured and _RIGHTS.search(lowered) and not _NOTED.search(lowered):
            yield Observation(
                kind="insert-spreads",
                object=relation.full_name,
                actor=actor.name,
                action="insert",
                evidence=f"{actor.name} adds a row to {relation.full_name}, and a trigger adds one to "
                f"{grown.full_name}",
                sql=insert,
                columns=(grown.full_name,),
            )
