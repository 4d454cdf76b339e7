"""Finding the plan of a request's shape, or making it. A shape is what a plan depends on."""

from collections.abc import Iterable
from typing import NamedTuple

from freehold.runtime.rest import planner
from freehold.runtime.rest.compiled import Compiled
from freehold.runtime.rest.query.params import Lifted
from freehold.runtime.rest.request import Head, Resource
from freehold.runtime.rest.state import Knowledge

LONGEST_KEPT = 4000
"""Characters of a shape: longer ones are planned each time, as they could fill the memory if they were kept."""


class Planned(NamedTuple):
    """A plan, and the body as its statement takes it."""

    compiled: Compiled
    body: bytes


def of_request(head: Head, resource: Resource, lifted: Lifted, body: bytes, known: Knowledge) -> Planned:
    """Give the plan of a request; raises ApiError."""
    shape = (head.method, head.path, lifted.shape, head.fields.shaping)
    if head.method in planner.WITH_PAYLOAD:
        return _with_payload(shape, head, resource, lifted, body, known)
    found = known.plans.get(shape)
    if found is not None:
        return Planned(found, b"")
    wish = planner.understand(head, resource, lifted, b"", known.settings, known.cache)
    return _made(shape, wish, known)


def _with_payload(  # noqa: PLR0913, PLR0917 - a request is these parts
    shape: tuple[object, ...], head: Head, resource: Resource, lifted: Lifted, body: bytes, known: Knowledge
) -> Planned:
    """The plan depends on the body's keys too; how the body is to be read depends on the rest of the shape only."""
    reader = known.readers.get(shape)
    wish = None
    if reader is None:
        wish = planner.understand(head, resource, lifted, body, known.settings, known.cache)
        payload = wish.payload
        if _is_short(head):
            known.keep_reader(shape, wish.reader)
    else:
        payload = reader(body)
    key = (*shape, payload.keys, payload.is_object)
    found = known.plans.get(key)
    if found is not None and payload.arguments is None:
        return Planned(found, payload.raw)
    return _made(key, wish or planner.understand(head, resource, lifted, body, known.settings, known.cache), known)


def _made(key: tuple[object, ...], wish: planner.Wish, known: Knowledge) -> Planned:
    plan = planner.compile_wish(wish, known.settings, known.cache)
    if plan.liftable and _is_short(wish.head, wish.payload.keys):
        known.keep(key, plan)
    return Planned(plan, wish.payload.raw)


def _is_short(head: Head, keys: Iterable[str] = ()) -> bool:
    texts = (head.path, head.query, *head.fields.shaping, *keys)
    return sum(len(text) for text in texts if text) <= LONGEST_KEPT
