"""Stages two to seven of a request: schema, action, query string, ranges, payload, plan, SQL."""

from dataclasses import dataclass
from functools import partial

from freehold.runtime.rest import errors, media, missing, payload, preferences, ranges, request
from freehold.runtime.rest.cache.model import Name, Routine, SchemaCache
from freehold.runtime.rest.compiled import CALL, CREATE, DELETE, PUT, READ, UPDATE, Compiled
from freehold.runtime.rest.media import MediaType
from freehold.runtime.rest.payload import Payload, Reader
from freehold.runtime.rest.plan import call, mutate, negotiate
from freehold.runtime.rest.plan.negotiate import NOTHING, Writer
from freehold.runtime.rest.plan.read import read_plan
from freehold.runtime.rest.plan.types import CallPlan, ReadPlan
from freehold.runtime.rest.preferences import Preferences
from freehold.runtime.rest.query import params
from freehold.runtime.rest.query.params import Lifted
from freehold.runtime.rest.query.types import QueryParams, Value
from freehold.runtime.rest.ranges import Range
from freehold.runtime.rest.request import FUNCTION, Head, Resource
from freehold.runtime.rest.settings import RestSettings
from freehold.runtime.rest.sql import statements

KINDS = {"POST": CREATE, "PUT": PUT, "PATCH": UPDATE, "DELETE": DELETE}
APPLIED = {
    "POST": ("resolution", "missing", "return"), "PATCH": ("missing", "return", "max-affected"),
    "DELETE": ("return", "max-affected"), "PUT": ("return",),
}  # fmt: skip
"""The preferences that say something about a method; count, tx, handling and timezone always do."""
WITH_PAYLOAD = ("POST", "PUT", "PATCH")
"""The methods whose bodies a plan depends on."""
SINGULAR = (media.SINGULAR, media.SINGULAR_STRIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Everything about a request that its plan depends on."""

    head: Head
    resource: Resource
    schema: str
    profile: bytes | None
    query: QueryParams
    ranges: dict[str, Range]
    top: Range
    payload: Payload
    reader: Reader
    """Reads the body of any request of the same shape."""
    preferences: Preferences
    accepted: tuple[MediaType, ...]
    content_type: MediaType

    @property
    def name(self) -> Name:
        """What the path names, qualified."""
        return Name(self.schema, self.resource.name)


def understand(  # noqa: PLR0913, PLR0917 - a request is these parts
    head: Head, resource: Resource, lifted: Lifted, body: bytes, settings: RestSettings, cache: SchemaCache
) -> Wish:
    """Read everything a request says; raises ApiError."""
    schema, negotiated = request.schema_of(head, settings)
    request.check_method(resource, head.method)
    is_call = resource.kind == FUNCTION
    query = params.parse(lifted.parameters, arguments=is_call and head.method in ("GET", "HEAD"))
    top, all_ranges = _ranges(head, query)
    content_type = media.parse(head.headers.get("content-type", media.JSON))
    reader = _reader(head.method, content_type, query, is_call=is_call)
    return Wish(
        head=head,
        resource=resource,
        schema=schema,
        profile=schema.encode() if negotiated else None,
        query=query,
        ranges=all_ranges,
        top=top,
        payload=reader(body),
        reader=reader,
        preferences=preferences.parse(
            head.headers.get("prefer"), allow_transaction=settings.db_tx_allow_override, timezones=cache.timezones
        ),
        accepted=media.accepted(head.headers.get("accept")),
        content_type=content_type,
    )


def compile_wish(wish: Wish, settings: RestSettings, cache: SchemaCache) -> Compiled:
    """Plan a request and write its SQL; raises ApiError."""
    if wish.resource.kind == FUNCTION:
        return _compile_call(wish, settings, cache)
    if wish.name not in cache.tables:
        raise missing.table(cache, wish.name)
    if wish.head.method in KINDS:
        return _compile_mutation(wish, settings, cache)
    return _compile_read(wish, settings, cache)


def find_routine(wish: Wish, cache: SchemaCache) -> Routine:
    """Choose the function that a request calls."""
    is_post = wish.head.method == "POST"
    names = wish.payload.keys if is_post else frozenset(name for name, _ in wish.query.arguments)
    return call.find(cache, wish.name, names, wish.content_type.name, is_post=is_post)


def _compile_read(wish: Wish, settings: RestSettings, cache: SchemaCache) -> Compiled:
    plan = _read_plan(wish, settings, cache, wish.name)
    writer, media_type = _negotiated(wish, settings, cache, wish.name, plan)
    _check_preferences(wish)
    headers_only = wish.head.method == "HEAD"
    count = wish.preferences.count
    return Compiled(
        kind=READ,
        name=wish.name.name,
        schema=wish.schema,
        profile=wish.profile,
        statement=statements.main_read(
            plan, media_type, Writer(NOTHING) if headers_only else writer, count=count, max_rows=settings.db_max_rows
        ),
        explain=statements.explained_count(plan) if count in ("planned", "estimated") else None,
        media_type=media_type,
        preferences=wish.preferences,
        rows=wish.top,
        headers_only=headers_only,
        read_only=True,
        is_singular=media_type.name in SINGULAR,
        applied=preferences.applied(wish.preferences, kinds=()),
        rolls_back=_rolls_back(wish, settings),
        is_binary=_is_binary(writer),
        max_rows=settings.db_max_rows,
    )


def _compile_mutation(wish: Wish, settings: RestSettings, cache: SchemaCache) -> Compiled:
    method, wanted = wish.head.method, wish.preferences
    plan = _read_plan(wish, settings, cache, wish.name)
    mutation = mutate.mutate_plan(method, cache, wish.name, wish.query, wanted, wish.payload.keys, plan)
    _check_preferences(wish)
    writer, media_type = _negotiated(wish, settings, cache, wish.name, plan)
    kinds = APPLIED[method]
    if method == "POST" and not cache.tables[wish.name].primary_key and wish.query.on_conflict is None:
        kinds = tuple(kind for kind in kinds if kind != "resolution")
    return Compiled(
        kind=KINDS[method],
        name=wish.name.name,
        schema=wish.schema,
        profile=wish.profile,
        statement=statements.main_write(
            plan, mutation, media_type, writer if wanted.representation == "representation" else Writer(NOTHING),
            is_object=wish.payload.is_object, wants_location=wanted.representation == "headers-only",
        ),
        media_type=media_type,
        preferences=wanted,
        is_singular=method != "PUT" and media_type.name in SINGULAR,
        rolls_back=_rolls_back(wish, settings),
        is_binary=_is_binary(writer),
        limit_affected=wanted.limit_affected if method in ("PATCH", "DELETE") else None,
        applied=preferences.applied(wanted, kinds=kinds),
    )  # fmt: skip


def _compile_call(wish: Wish, settings: RestSettings, cache: SchemaCache) -> Compiled:
    is_post = wish.head.method == "POST"
    routine = find_routine(wish, cache)
    relation = Name(routine.schema, routine.return_type.name if routine.returns_composite else routine.name)
    plan = _read_plan(wish, settings, cache, relation)
    called = _call_plan(wish, routine, plan)
    writer, media_type = _negotiated(wish, settings, cache, relation, plan)
    _check_preferences(wish)
    if wish.preferences.limit_affected is not None:
        call.check_max_affected(routine)
    headers_only = wish.head.method == "HEAD"
    return Compiled(
        kind=CALL,
        name=routine.name,
        schema=wish.schema,
        profile=wish.profile,
        statement=statements.main_call(
            plan, called, media_type, Writer(NOTHING) if headers_only else writer,
            count=wish.preferences.count, is_object=wish.payload.is_object,
        ),
        media_type=media_type,
        preferences=wish.preferences,
        rows=wish.top,
        headers_only=headers_only,
        read_only=not is_post or routine.volatility != "volatile",
        isolation=routine.isolation,
        settings=routine.settings,
        is_singular=media_type.name in SINGULAR,
        applied=preferences.applied(wish.preferences, kinds=("max-affected",)),
        rolls_back=_rolls_back(wish, settings),
        limit_affected=wish.preferences.limit_affected,
        is_binary=_is_binary(writer),
        returns_void=routine.returns_void,
        liftable=wish.payload.arguments is None,
    )  # fmt: skip


def _call_plan(wish: Wish, routine: Routine, plan: ReadPlan) -> CallPlan:
    if wish.head.method != "POST":
        return call.call_plan(routine, [name for name, _ in wish.query.arguments], wish.query.arguments, plan)
    if wish.payload.arguments is not None:
        given = [(name, Value(text)) for name, text in wish.payload.arguments]
        return call.call_plan(routine, wish.payload.keys, given, plan)
    return call.call_plan(routine, wish.payload.keys, None, plan)


def _read_plan(wish: Wish, settings: RestSettings, cache: SchemaCache, relation: Name) -> ReadPlan:
    return read_plan(
        cache,
        relation,
        wish.query,
        wish.ranges,
        is_mutation=wish.resource.kind != FUNCTION and wish.head.method in KINDS,
        is_call=wish.resource.kind == FUNCTION,
        max_rows=settings.db_max_rows,
        aggregates_enabled=settings.db_aggregates_enabled,
    )


def _negotiated(
    wish: Wish, settings: RestSettings, cache: SchemaCache, relation: Name, plan: ReadPlan
) -> tuple[Writer, MediaType]:
    return negotiate.negotiate(
        cache, relation, wish.accepted, default_select=plan.has_default_select, plan_enabled=settings.db_plan_enabled
    )


def _is_binary(writer: Writer) -> bool:
    return writer.handler is not None and writer.handler.is_binary


def _check_preferences(wish: Wish) -> None:
    if wish.preferences.is_strict and wish.preferences.invalid:
        raise errors.invalid_preferences(wish.preferences.invalid)


def _rolls_back(wish: Wish, settings: RestSettings) -> bool:
    chosen = wish.preferences.transaction
    return chosen == "rollback" or (settings.db_tx_rollback_all and chosen != "commit")


def _ranges(head: Head, query: QueryParams) -> tuple[Range, dict[str, Range]]:
    """Combine the Range header (GET only) with limit and offset; raises ApiError PGRST103 or PGRST114."""
    found = ranges.of_parameters(query.limits, query.offsets)
    header = ranges.of_header(head.headers.get("range")) if head.method == "GET" else ranges.ALL
    limit = found.get("limit", ranges.ALL)
    top = ranges.NONE if limit.upper == ranges.NONE.upper else ranges.intersect(header, limit)
    if top.is_empty and limit.upper != ranges.NONE.upper:
        raise errors.reversed_range() if header.is_empty else errors.negative_limit()
    if head.method == "PUT" and top != ranges.ALL:
        raise errors.put_with_limit()
    return top, found | {"limit": top}


def _reader(method: str, content_type: MediaType, query: QueryParams, *, is_call: bool) -> Reader:
    if method not in WITH_PAYLOAD:
        return lambda _: payload.EMPTY
    return partial(payload.read, content_type=content_type, query=query, is_call=is_call, uses_columns=method != "PUT")
