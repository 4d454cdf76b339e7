"""What others can do with a user's files: rows of storage.objects, as the Storage API asks for them."""

import uuid
from collections.abc import Iterator

from freehold.core.inventory import Inventory
from freehold.data.probe.objects import Objects
from freehold.data.probe.observation import Observation
from freehold.data.probe.stage import Actor, Stage, literal

NO_BUCKET = "freehold-probe"
_ALLOW_DELETE = "select set_config('storage.allow_delete_query', 'true', true)"


def probe_files(
    stage: Stage, objects: Objects, inventory: Inventory, actors: tuple[Actor, ...]
) -> Iterator[Observation]:
    """Plant one file of B in every bucket, those that only code names included, and let others at it."""
    buckets = {**dict.fromkeys(_named(inventory), False), **objects.buckets, NO_BUCKET: False}
    places = {bucket: _plant(stage, bucket) for bucket in buckets}
    reported: set[tuple[str, str]] = set()
    # A policy without a bucket in it opens the one that nobody named as well: that is told once, for all buckets.
    for bucket in sorted(buckets, key=lambda item: item != NO_BUCKET):
        for actor in actors:
            for found in _probe(stage, bucket, places[bucket], actor, public=buckets[bucket]):
                if bucket == NO_BUCKET:
                    reported.add((actor.name, found.action))
                elif (actor.name, found.action) in reported:
                    continue
                yield found


def _named(inventory: Inventory) -> Iterator[str]:
    yield from (bucket for bucket in inventory.buckets_used if bucket)


def _plant(stage: Stage, bucket: str) -> str:
    path = f"{stage.b.id}/{stage.b.mark}.txt"
    with stage.quietly("supabase_storage_admin"):
        stage.tried(
            "insert into storage.buckets (id, name, public) values (%s, %s, false) on conflict do nothing",
            (bucket, bucket),
        )
        stage.tried(
            "insert into storage.objects (bucket_id, name, owner, owner_id, metadata) values (%s, %s, %s, %s, %s)",
            (bucket, path, stage.b.id, stage.b.id, '{"size": 1, "mimetype": "text/plain"}'),
        )
    return f"bucket_id = {literal(bucket)} and name = {literal(path)}"


def _probe(stage: Stage, bucket: str, place: str, actor: Actor, *, public: bool) -> Iterator[Observation]:
    where = "any bucket" if bucket == NO_BUCKET else f"bucket {bucket}"
    gone = f"select not exists (select from storage.objects where {place} and metadata ->> 'size' = '1')"

    def seen(kind: str, action: str, statement: str, what: str, *, hole: bool = True) -> Observation:
        return Observation(
            kind=kind,
            object=f"storage: {where}",
            actor=actor.name,
            action=action,
            evidence=f"{actor.name} {what} {where}",
            sql=statement,
            hole=hole,
        )

    read = f"select 1 from storage.objects where {place}"
    if stage.attempt(actor, read).rows:
        yield seen("files-readable", "read", read, "lists and reads another user's file in", hole=not public)
    change = f"update storage.objects set metadata = '{{\"size\": 2}}' where {place}"
    outcome = stage.attempt(actor, change, look=gone)
    if outcome.worked and outcome.seen:
        yield seen("files-changeable", "change", change, "overwrites another user's file in")
    delete = f"delete from storage.objects where {place}"
    outcome = stage.attempt(actor, delete, look=gone, before=_ALLOW_DELETE)
    if outcome.worked and outcome.seen:
        yield seen("files-deletable", "delete", delete, "deletes another user's file in")
    insert = _upload(stage, bucket, actor)
    if stage.attempt(actor, insert).worked:
        anonymous = actor.role == "anon"
        what = "uploads files to" if anonymous else "uploads into another user's folder of"
        yield seen("files-insertable", "insert", insert, what, hole=anonymous)


def _upload(stage: Stage, bucket: str, actor: Actor) -> str:
    path = literal(f"{stage.b.id}/{uuid.uuid4().hex[:8]}.txt")
    owner = literal(stage.a.id) if actor.role == "authenticated" else "null"
    return (
        "insert into storage.objects (bucket_id, name, owner, owner_id) "
        f"values ({literal(bucket)}, {path}, {owner}, {owner})"
    )
