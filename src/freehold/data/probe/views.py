"""What views and materialized views show and change although the tables below them are closed."""

from collections.abc import Iterator

from freehold.data.probe import judgement
from freehold.data.probe.garden import Garden
from freehold.data.probe.objects import Objects, Relation
from freehold.data.probe.observation import Observation
from freehold.data.probe.stage import Actor, Stage, name
from freehold.data.probe.tables import Probed, can_read


def probe_view(
    stage: Stage, objects: Objects, garden: Garden, relation: Relation, actors: tuple[Actor, ...]
) -> Iterator[Observation]:
    """Look for what belongs to B in what others see through a view."""
    for actor in actors:
        columns = relation.readable.get(actor.role, ())
        if not columns:
            continue
        yield from _read(stage, objects, garden, relation, actor)
        if relation.kind == "v" and relation.updatable:
            yield from _write(stage, objects, garden, relation, actor)


def _read(stage: Stage, objects: Objects, garden: Garden, relation: Relation, actor: Actor) -> Iterator[Observation]:
    columns = relation.readable[actor.role]
    listed = ", ".join(name(column) for column in columns)
    statement = (
        f"select seen::text from (select {listed} from {name(relation.schema, relation.name)}) as seen limit 2000"
    )
    text = "\n".join(str(row[0]) for row in stage.attempt(actor, statement).rows)
    marks = (stage.b.mark, stage.b.id, *_keys(garden, relation))
    if not any(mark in text for mark in marks):
        return
    bases = [objects.relations[oid] for oid in relation.bases if oid in objects.relations]
    if bases and all(_is_open(stage, objects, garden, base, actor) for base in bases):
        return
    secret = judgement.secret_columns(columns, relation)
    personal = judgement.personal_columns(columns)
    whole = any({column.name for column in base.columns} <= {*columns} for base in bases)
    owned = not bases or any(base.oid in objects.owned for base in bases)
    yield Observation(
        kind="materialized-view-bypasses" if relation.kind == "m" else "view-bypasses",
        object=relation.full_name,
        actor=actor.name,
        action="read",
        evidence=f"{actor.name} reads through {relation.full_name} what the policies of "
        f"{', '.join(base.full_name for base in bases) or 'the tables below'} keep from them",
        sql=statement,
        hole=bool(secret or personal) or (owned and (whole or relation.kind == "m")),
        columns=secret or personal,
    )


def _keys(garden: Garden, relation: Relation) -> Iterator[str]:
    """Give the keys of B's rows below the view: random enough to be recognised."""
    for oid in relation.bases:
        row = garden.rows.get((oid, "b"))
        value = row.values.get("id") if row else None
        if isinstance(value, str) and len(value) == len("00000000-0000-0000-0000-000000000000"):
            yield value


def _is_open(stage: Stage, objects: Objects, garden: Garden, base: Relation, actor: Actor) -> bool:
    theirs = garden.row(base, "b")
    if theirs is None:
        return False
    return can_read(Probed(stage, objects, base, None, theirs), actor)[0]


def _write(stage: Stage, objects: Objects, garden: Garden, relation: Relation, actor: Actor) -> Iterator[Observation]:
    """Try to change and to delete through a view that PostgreSQL can write through."""
    view = name(relation.schema, relation.name)
    writable = [column for column in relation.columns if column.name in relation.writable[actor.role]]
    statements = [("delete", f"delete from {view}")]
    if writable:
        column = name(writable[-1].name)
        statements.append(("change", f"update {view} set {column} = {column}"))
    for oid in relation.bases:
        base, row = objects.relations.get(oid), garden.rows.get((oid, "b"))
        if base is None or row is None:
            continue
        table = name(base.schema, base.name)
        look = f"select not exists (select from {table} where {row.place})"
        for action, statement in statements:
            direct = f"delete from {table}" if action == "delete" else _direct(base, table, actor)
            outcome = stage.attempt(actor, statement, look=look)
            if outcome.worked and outcome.seen and not (direct and stage.attempt(actor, direct, look=look).seen):
                yield Observation(
                    kind="view-bypasses",
                    object=relation.full_name,
                    actor=actor.name,
                    action=action,
                    evidence=f"{actor.name} {action}s rows of {base.full_name} through {relation.full_name}",
                    sql=statement,
                )


def _direct(base: Relation, table: str, actor: Actor) -> str:
    columns = [item.name for item in base.columns if not item.generated and item.name in base.writable[actor.role]]
    return f"update {table} set {name(columns[-1])} = {name(columns[-1])}" if columns else ""
