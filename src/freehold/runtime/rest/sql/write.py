"""INSERT, UPDATE and DELETE. The body goes in as one JSON parameter and is taken apart by PostgreSQL."""

from collections.abc import Sequence

from freehold.runtime.rest.cache.model import Name
from freehold.runtime.rest.plan.types import DeletePlan, InsertPlan, MutatePlan, PlannedField, UpdatePlan
from freehold.runtime.rest.sql import fields
from freehold.runtime.rest.sql.snippet import BODY, Snippet, column, identifier, literal, qualified

BODY_ROWS = Name("", "pgrst_body")
MERGE = "merge-duplicates"
_INSERTED = "nullif(current_setting('pgrst.inserted', true), '')::int"
_COUNT_UP = f"set_config('pgrst.inserted', (coalesce({_INSERTED}, 0) + 1)::text, true) <> '0'"
_COUNT_DOWN = f"set_config('pgrst.inserted', (coalesce({_INSERTED}, 0) - 1)::text, true) <> '-1'"


def mutate(plan: MutatePlan, *, is_object: bool) -> Snippet:
    """Write rows and return them. `is_object` says whether the body is an object rather than an array."""
    if isinstance(plan, InsertPlan):
        return _insert(plan, is_object=is_object)
    if isinstance(plan, UpdatePlan):
        return _update(plan, is_object=is_object)
    conditions = [fields.condition(plan.target, item) for item in plan.where]
    return (f"DELETE FROM {qualified(plan.target)}", *fields.where(conditions), _returning(plan))


def counts_inserts(plan: MutatePlan) -> bool:
    """Whether the answer depends on how many rows were really inserted."""
    return isinstance(plan, InsertPlan) and (bool(plan.put_conditions) or plan.resolution == MERGE)


def body_rows(
    columns: Sequence[PlannedField], *, is_object: bool, defaults: bool = False, only_first: bool = False
) -> Snippet:
    """A FROM item `pgrst_body` with the body's rows, each column with its type."""
    source = "pgrst_json_defs.val" if defaults else "pgrst_payload.json_data"
    kind = "jsonb" if defaults else "json"
    payload: Snippet = ("(SELECT ", BODY, f"::{kind} AS json_data) pgrst_payload, ")
    filled = (_filled(columns, is_object=is_object),) if defaults else ()
    shown = ", ".join(_parsed(item) for item in columns) or "1"
    if columns:
        typed = ", ".join(f"{identifier(item.name)} {item.type}" for item in columns)
        function = f"{kind}_to_record" if is_object else f"{kind}_to_recordset"
        rows = f"{function}({source}) AS _({typed})" + (" LIMIT 1" if only_first else "")
    else:
        rows = "(values (1)) _" if is_object else f"{kind}_array_elements({source}) _"
    return (*payload, *filled, f"LATERAL (SELECT {shown} FROM {rows}) pgrst_body")


def _insert(plan: InsertPlan, *, is_object: bool) -> Snippet:
    names = ", ".join(identifier(item.name) for item in plan.columns)
    values = ", ".join(column(BODY_ROWS, item.name) for item in plan.columns)
    return (
        f"INSERT INTO {qualified(plan.target)}" + (f"({names})" if names else "") + f" SELECT {values} FROM ",
        *body_rows(plan.columns, is_object=is_object, defaults=plan.apply_defaults),
        *_insert_conditions(plan), _on_conflict(plan), _returning(plan),
    )  # fmt: skip


def _insert_conditions(plan: InsertPlan) -> Snippet:
    """Count each row before it goes in, and for PUT take only a body with the URL's key."""
    if not counts_inserts(plan):
        return ()
    keys = [fields.condition(BODY_ROWS, item) for item in plan.put_conditions]
    return fields.where([(_COUNT_UP,), *keys])


def _on_conflict(plan: InsertPlan) -> str:
    if not plan.resolution or not plan.conflict_columns:
        return ""
    target = ", ".join(identifier(name) for name in plan.conflict_columns)
    if plan.resolution != MERGE or not plan.columns:
        return f" ON CONFLICT({target}) DO NOTHING"
    changes = ", ".join(f"{identifier(item.name)} = EXCLUDED.{identifier(item.name)}" for item in plan.columns)
    return f" ON CONFLICT({target}) DO UPDATE SET {changes} WHERE {_COUNT_DOWN}"


def _update(plan: UpdatePlan, *, is_object: bool) -> Snippet:
    if not plan.columns:
        # UPDATE without columns is no SQL; an empty result with the right column names changes nothing either.
        shown = ", ".join(column(Name("", plan.target.name), name) for name in plan.returning) or "NULL"
        return (f"SELECT {shown} FROM {qualified(plan.target)} WHERE false",)
    changes = ", ".join(f"{identifier(item.name)} = {column(BODY_ROWS, item.name)}" for item in plan.columns)
    conditions = [fields.condition(plan.target, item) for item in plan.where]
    return (
        f"UPDATE {qualified(plan.target)} SET {changes} FROM ",
        *body_rows(plan.columns, is_object=is_object, defaults=plan.apply_defaults),
        *fields.where(conditions), _returning(plan),
    )  # fmt: skip


def _returning(plan: InsertPlan | UpdatePlan | DeletePlan) -> str:
    return " RETURNING " + (", ".join(column(plan.target, name) for name in plan.returning) or "1")


def _filled(columns: Sequence[PlannedField], *, is_object: bool) -> str:
    """Put column defaults where the body has no key."""
    defaults = ", ".join(f"{literal(item.name)}, {item.default}" for item in columns if item.default is not None)
    values = f"jsonb_build_object({defaults})"
    if is_object:
        return f"LATERAL (SELECT {values} || pgrst_payload.json_data AS val) pgrst_json_defs, "
    rows = "jsonb_array_elements(pgrst_payload.json_data) elem"
    return f"LATERAL (SELECT jsonb_agg({values} || elem) AS val FROM {rows}) pgrst_json_defs, "


def _parsed(item: PlannedField) -> str:
    name = identifier(item.name)
    return f"{item.transform}({name}) AS {name}" if item.transform else name
