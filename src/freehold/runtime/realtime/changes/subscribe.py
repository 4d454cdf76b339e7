"""Checks what a channel asks for against the database, and brings filter values into their columns' form."""

from collections.abc import Sequence
from dataclasses import replace

from freehold.runtime.database import DatabaseError, Pool, Statement, caller_statement
from freehold.runtime.realtime.changes import catalog
from freehold.runtime.realtime.changes.bindings import Binding
from freehold.runtime.realtime.changes.catalog import Column
from freehold.runtime.realtime.changes.filters import BadFilter, Filter
from freehold.runtime.realtime.changes.visible import Identity


class NotSubscribed(Exception):
    """The channel cannot have these changes, or not yet; the message is for the client."""


async def check(pool: Pool, identity: Identity, bindings: Sequence[Binding]) -> list[Binding]:
    """Give the bindings ready to be listened to; raises NotSubscribed."""
    return [await _one(pool, identity, binding) for binding in bindings]


async def _one(pool: Pool, identity: Identity, binding: Binding) -> Binding:
    oids = await catalog.published(pool, binding.schema, binding.table)
    if not oids:
        raise NotSubscribed(
            "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the given"
            f" connect parameters: {binding.described()}"
        )
    if not binding.filters and not binding.columns:
        return binding
    table = (await catalog.tables(pool, oids, [identity[0]]))[oids[0]]
    allowed = table.selectable.get(identity[0], frozenset())
    columns = {column.name: column for column in table.columns if column.name in allowed}
    for name in (*binding.columns, *(condition.column for condition in binding.filters)):
        if name not in columns:
            raise NotSubscribed(
                "Unable to subscribe to changes with given parameters. An exception happened so please check your"
                f" connect parameters: {binding.described()}. Exception: invalid column for filter {name}"
            )
    typed = tuple([await _typed(pool, identity, columns[one.column], one, binding) for one in binding.filters])
    return replace(binding, filters=typed)


async def _typed(pool: Pool, identity: Identity, column: Column, condition: Filter, binding: Binding) -> Filter:
    """Cast the values, as the caller: a domain's check may run the app's code."""
    values = list(condition.values)
    try:
        if condition.operator not in {"is", "like", "ilike", "match", "imatch"}:
            statements: list[Statement] = [
                ("select set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true)", ()),
                caller_statement(*identity),
            ]
            cast = f"select ($1::text)::{column.sql_type}::text"
            statements += [(cast, (value.encode(),)) for value in values]
            values = [(result.one()[0] or b"").decode() for result in (await pool.run(statements))[2:]]
        return condition.typed(column.base, tuple(values))
    except (DatabaseError, BadFilter) as error:
        reason = error.message if isinstance(error, DatabaseError) else str(error)
        raise NotSubscribed(
            "Unable to subscribe to changes with given parameters. An exception happened so please check your connect"
            f" parameters: {binding.described()}. Exception: {reason}"
        ) from error
