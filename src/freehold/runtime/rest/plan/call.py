"""Which function a call means, and with what it is called."""

from collections.abc import Iterable, Sequence

from freehold.runtime.rest import errors, media, missing
from freehold.runtime.rest.cache.model import Name, Routine, SchemaCache
from freehold.runtime.rest.plan.mutate import embed_columns
from freehold.runtime.rest.plan.types import AnyCondition, CallPlan, Condition, ConditionTree, EmbedCondition, ReadPlan
from freehold.runtime.rest.query.types import Value

BODY_TYPES = {
    media.JSON: ("json", "jsonb"), media.TEXT: ("text",), media.XML: ("xml",), media.OCTETS: ("bytea",),
}  # fmt: skip


def find(cache: SchemaCache, name: Name, arguments: frozenset[str], content_type: str, *, is_post: bool) -> Routine:
    """Choose among overloads by the names of the arguments; raises ApiError PGRST202 or PGRST203."""
    overloads = cache.routines.get(name, ())
    named = [item for item in overloads if _takes(item, arguments, content_type, is_post=is_post)]
    if len(named) == 1:
        return named[0]
    if named:
        raise missing.ambiguous_function(named)
    whole = [item for item in overloads if is_post and takes_whole_body(item, content_type)]
    if len(whole) == 1:
        return whole[0]
    if whole:
        raise missing.ambiguous_function(whole)
    raise missing.function(cache, name, arguments, content_type, overloads, is_post=is_post)


def takes_whole_body(routine: Routine, content_type: str) -> bool:
    """Whether its one unnamed parameter can be this kind of body."""
    if len(routine.parameters) != 1 or routine.parameters[0].name:
        return False
    return routine.parameters[0].type in BODY_TYPES.get(content_type, ())


def call_plan(
    routine: Routine, names: Iterable[str], arguments: Sequence[tuple[str, Value]] | None, read: ReadPlan
) -> CallPlan:
    """Plan the call; `arguments` is None when they come in a JSON body."""
    known = set(names)
    positional = len(routine.parameters) == 1 and not routine.parameters[0].name
    parameters = routine.parameters if positional else tuple(item for item in routine.parameters if item.name in known)
    return CallPlan(
        routine=routine,
        parameters=parameters,
        is_positional=positional,
        arguments=None if arguments is None else tuple(arguments),
        filter_names=frozenset(_filter_names(read)),
        returning=embed_columns(read, ()),
    )


def check_max_affected(routine: Routine) -> None:
    """max-affected counts rows: a function that returns one value raises ApiError PGRST128."""
    if not routine.returns_set:
        raise errors.max_affected_needs_a_set()


def _takes(routine: Routine, arguments: frozenset[str], content_type: str, *, is_post: bool) -> bool:
    if not routine.parameters:
        raw_body = is_post and content_type in (media.OCTETS, media.TEXT, media.XML)
        return not arguments and not raw_body
    required = {item.name for item in routine.parameters if item.required}
    optional = {item.name for item in routine.parameters if not item.required}
    return required <= arguments <= required | optional


def _filter_names(plan: ReadPlan) -> Iterable[str]:
    for item in plan.where:
        yield from _names(item)
    for child in plan.children:
        yield from _filter_names(child)


def _names(item: AnyCondition) -> Iterable[str]:
    if isinstance(item, ConditionTree):
        for term in item.terms:
            yield from _names(term)
    elif isinstance(item, EmbedCondition):
        yield item.aggregate_alias
    elif isinstance(item, Condition):
        yield item.field.name
