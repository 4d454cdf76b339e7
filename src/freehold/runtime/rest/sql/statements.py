"""The main statement of a request: rows in, one row out with the counts, the body and the response settings."""

from freehold.runtime.rest.cache.model import ANY_ROW, Routine
from freehold.runtime.rest.media import MediaType
from freehold.runtime.rest.plan import negotiate
from freehold.runtime.rest.plan.negotiate import Writer
from freehold.runtime.rest.plan.types import CallPlan, InsertPlan, MutatePlan, ReadPlan
from freehold.runtime.rest.sql import call, read, write
from freehold.runtime.rest.sql.snippet import Snippet, Statement, literal, qualified, render

_SETTINGS = (
    "nullif(current_setting('response.headers', true), '') AS response_headers, "
    "nullif(current_setting('response.status', true), '') AS response_status"
)
_NO_LOCATION = "array[]::text[]"


def main_read(plan: ReadPlan, media_type: MediaType, writer: Writer, *, count: str, max_rows: int | None) -> Statement:
    """Read rows; with a count also how many there are without limits."""
    counted, total = _count(plan, count, max_rows)
    return _explained(media_type, (
        "WITH pgrst_source AS (", *read.select(plan), ")", *counted, f" SELECT {total} AS total_result_set, ",
        "pg_catalog.count(_postgrest_t) AS page_total, ", _body(writer, None), f" AS body, {_SETTINGS}, ",
        "'' AS response_inserted FROM (SELECT * FROM pgrst_source) _postgrest_t",
    ))  # fmt: skip


def explained_count(plan: ReadPlan) -> Statement:
    """Ask the planner how many rows there are."""
    return render(("EXPLAIN (FORMAT JSON) ", *read.count(plan)))


def main_write(  # noqa: PLR0913 - a request's parts that shape its SQL
    plan: ReadPlan, mutation: MutatePlan, media_type: MediaType, writer: Writer, *,
    is_object: bool, wants_location: bool,
) -> Statement:  # fmt: skip
    """Write rows and read them back."""
    location = _NO_LOCATION
    if isinstance(mutation, InsertPlan) and wants_location:
        location = _location(mutation)
    # Without a body to write, the selected columns may not even be returned.
    rows: Snippet = ("SELECT * FROM pgrst_source",) if writer.kind == negotiate.NOTHING else read.select(plan)
    inserted = "nullif(current_setting('pgrst.inserted', true), '')::int" if write.counts_inserts(mutation) else "''"
    return _explained(media_type, (
        "WITH pgrst_source AS (", *write.mutate(mutation, is_object=is_object), ") SELECT '' AS total_result_set, ",
        "pg_catalog.count(_postgrest_t) AS page_total, ", _body(writer, None), f" AS body, {_SETTINGS}, ",
        f"{inserted} AS response_inserted, {location} AS header FROM (", *rows, ") _postgrest_t",
    ))  # fmt: skip


def main_call(  # noqa: PLR0913 - as above
    plan: ReadPlan, called: CallPlan, media_type: MediaType, writer: Writer, *, count: str, is_object: bool
) -> Statement:
    """Call a function and read its result as rows."""
    counted, total = _count(plan, count, None)
    single = not called.routine.returns_set
    page_total = "1" if single else "pg_catalog.count(_postgrest_t)"
    return _explained(media_type, (
        "WITH pgrst_source AS (", *call.call(called, is_object=is_object), ")", *counted,
        f" SELECT {total} AS total_result_set, {page_total} AS page_total, ", _body(writer, called.routine),
        f" AS body, {_SETTINGS}, '' AS response_inserted FROM (", *read.select(plan), ") _postgrest_t",
    ))  # fmt: skip


def _count(plan: ReadPlan, count: str, max_rows: int | None) -> tuple[Snippet, str]:
    if count not in ("exact", "estimated"):
        return (), "null::bigint"
    # One row more than max_rows is enough to know that an estimate is called for.
    limit = f" LIMIT {max_rows + 1}" if count == "estimated" and max_rows is not None else ""
    total = "(SELECT pg_catalog.count(*) FROM pgrst_source_count)"
    return (", pgrst_source_count AS (", *read.count(plan), f"{limit})"), total


def _explained(media_type: MediaType, statement: Snippet) -> Statement:
    if not media_type.is_plan:
        return render(statement)
    options = ", ".join(
        [f"FORMAT {media_type.plan_format.upper()}", *(item.upper() for item in media_type.plan_options)]
    )
    return render((f"EXPLAIN ({options}) ", *statement))


def _body(writer: Writer, routine: Routine | None) -> str:
    kind = writer.kind
    if kind == negotiate.NOTHING:
        return "''::text"
    if kind == negotiate.CUSTOM and writer.handler is not None:
        function = qualified(writer.handler.function)
        if routine is not None and routine.returns_scalar:
            return f"{function}(_postgrest_t.pgrst_scalar)"
        cast = "" if writer.handler.target == ANY_ROW else f"::{qualified(writer.handler.target)}"
        return f"{function}(_postgrest_t{cast})"
    if kind == negotiate.CSV_ROWS:
        return _CSV
    if kind == negotiate.GEOJSON_ROWS:
        return _GEOJSON
    return _json(kind, routine)


def _json(kind: str, routine: Routine | None) -> str:
    scalar = routine is not None and (routine.returns_scalar or routine.returns_set_of_scalar)
    single = kind in (negotiate.JSON_SINGLE, negotiate.JSON_SINGLE_STRIPPED)
    if routine is not None and single and routine.returns_set_of_scalar:
        scalar = False
    if routine is not None and not routine.returns_set:
        single = True
    rows = "json_agg(_postgrest_t.pgrst_scalar)" if scalar else "json_agg(_postgrest_t)"
    value = f"{rows}->0" if single else rows
    if kind in (negotiate.JSON_STRIPPED, negotiate.JSON_SINGLE_STRIPPED):
        value = f"json_strip_nulls({value})"
    return f"coalesce({value}, '{'null' if single else '[]'}')"


def _location(mutation: InsertPlan) -> str:
    """The primary key of the one row that was inserted, as `key=eq.value`."""
    keys = ", ".join(literal(name) for name in mutation.primary_key) or "''"
    return (
        "CASE WHEN pg_catalog.count(_postgrest_t) = 1 THEN coalesce(("
        "SELECT array_agg(part.key || '=' || coalesce('eq.' || part.value, 'is.null')) "
        "FROM (SELECT row_to_json(_) AS row FROM pgrst_source AS _ LIMIT 1) data "
        f"CROSS JOIN json_each_text(data.row) AS part WHERE part.key IN ({keys})"
        f"), {_NO_LOCATION}) ELSE {_NO_LOCATION} END"
    )


_CSV = (
    "(SELECT coalesce(string_agg(a.k, ','), '') FROM (SELECT json_object_keys(r)::text AS k FROM "
    "(SELECT row_to_json(hh) AS r FROM pgrst_source AS hh LIMIT 1) s) a) || E'\\n' || "
    "coalesce(string_agg(substring(_postgrest_t::text, 2, length(_postgrest_t::text) - 2), E'\\n'), '')"
)
_GEOJSON = (
    "json_build_object('type', 'FeatureCollection', 'features', "
    "coalesce(json_agg(ST_AsGeoJSON(_postgrest_t)::json), '[]'))"
)
