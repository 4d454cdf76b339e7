"""Hold a database against types.ts: what the builder's picture of the live database has and this one has not."""

from collections.abc import Iterator
from dataclasses import dataclass

from freehold.core.secret import Secret
from freehold.data.schema import relations, types_ts
from freehold.data.schema.relations import Relations
from freehold.data.schema.types_ts import Schema, Table
from freehold.kit import postgres

POSTGIS = frozenset(
    {"spatial_ref_sys", "geography_columns", "geometry_columns", "raster_columns", "raster_overviews"}
    | {"geometry_dump", "valid_detail"}
)
"""Relations and types that PostGIS puts into a schema: not the app's."""
_POSTGIS_FUNCTIONS = ("st_", "_st_", "postgis_", "_postgis_", "geometry", "geography", "box2d", "box3d", "addgeometry")
_POSTGIS_HELPERS = frozenset(
    {"addauth", "bytea", "checkauth", "checkauthtrigger", "disablelongtransactions", "dropgeometrycolumn"}
    | {"dropgeometrytable", "enablelongtransactions", "equals", "find_srid", "get_proj4_from_srid", "gettransactionid"}
    | {"json", "jsonb", "lockrow", "longtransactionsenabled", "path", "point", "polygon", "populate_geometry_columns"}
    | {"spheroid_in", "spheroid_out", "text", "unlockrows", "updategeometrysrid"}
)


@dataclass(frozen=True, kw_only=True)
class ColumnDifference:
    """`kind` is missing, surplus, nullable or type; `types` and `database` say what each has."""

    table: str
    column: str
    kind: str
    types: str = ""
    database: str = ""


@dataclass(frozen=True, kw_only=True)
class LabelDifference:
    """Labels of an enum on one side only."""

    enum: str
    missing: tuple[str, ...]
    surplus: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Names are written `schema.name`. Missing: in types.ts only. Surplus: in the database only."""

    tables: tuple[str, ...]
    """All tables of types.ts, without those of extensions."""
    missing_tables: tuple[str, ...] = ()
    surplus_tables: tuple[str, ...] = ()
    missing_views: tuple[str, ...] = ()
    surplus_views: tuple[str, ...] = ()
    missing_functions: tuple[str, ...] = ()
    surplus_functions: tuple[str, ...] = ()
    missing_enums: tuple[str, ...] = ()
    surplus_enums: tuple[str, ...] = ()
    columns: tuple[ColumnDifference, ...] = ()
    labels: tuple[LabelDifference, ...] = ()
    of_extensions: tuple[str, ...] = ()
    """Tables and views of types.ts that an extension brings."""

    @property
    def complete(self) -> bool:
        """Whether the database has everything that types.ts names."""
        missing = (self.missing_tables, self.missing_views, self.missing_functions, self.missing_enums)
        return not any(missing) and not any(item.missing for item in self.labels) and not self._missing_columns

    @property
    def _missing_columns(self) -> bool:
        return any(item.kind == "missing" for item in self.columns)


def compare(types_text: str, dsn: Secret) -> Comparison:
    """Compare schema by schema, for the schemas that types.ts has. Raises BadUsage for a file that cannot be read."""
    types = types_ts.read(types_text)
    with postgres.connect(dsn) as connection:
        pairs = [(schema, relations.read(connection, schema.name)) for schema in types.schemas.values()]
    return _joined([_compare(schema, found) for schema, found in pairs])


def _joined(parts: list[Comparison]) -> Comparison:
    names = Comparison.__dataclass_fields__
    return Comparison(**{name: tuple(item for part in parts for item in getattr(part, name)) for name in names})


def _compare(types: Schema, found: Relations) -> Comparison:
    expected_tables = {name: item for name, item in types.tables.items() if name not in POSTGIS}
    expected_views = {name: item for name, item in types.views.items() if name not in POSTGIS}
    extension = [name for name in (*types.tables, *types.views) if name in POSTGIS]
    functions = {name for name in types.functions if not (extension and _is_postgis(name))}

    def named(names: set[str]) -> tuple[str, ...]:
        return tuple(f"{types.name}.{name}" for name in sorted(names))

    relations_found = found.tables.keys() | found.views.keys()
    return Comparison(
        tables=named({*expected_tables}),
        missing_tables=named(expected_tables.keys() - relations_found),
        surplus_tables=named(found.tables.keys() - expected_tables.keys() - expected_views.keys()),
        missing_views=named(expected_views.keys() - relations_found),
        surplus_views=named(found.views.keys() - expected_views.keys() - expected_tables.keys()),
        missing_functions=named(functions - found.functions.keys()),
        surplus_functions=named(found.functions.keys() - types.functions.keys()),
        missing_enums=named(types.enums.keys() - found.enums.keys()),
        surplus_enums=named(found.enums.keys() - types.enums.keys()),
        columns=tuple(_columns(types.name, expected_tables, found)),
        labels=tuple(_labels(types, found)),
        of_extensions=named({*extension}),
    )


def _is_postgis(function: str) -> bool:
    return function.startswith(_POSTGIS_FUNCTIONS) or function in _POSTGIS_HELPERS


def _columns(schema: str, tables: dict[str, Table], found: Relations) -> Iterator[ColumnDifference]:
    for name, table in tables.items():
        actual = found.tables.get(name)
        if actual is None:
            continue
        table_name = f"{schema}.{name}"
        known = {column.name: column for column in table.columns}
        for column in table.columns:
            there = actual.get(column.name)
            if there is None:
                yield ColumnDifference(table=table_name, column=column.name, kind="missing", types=column.type)
                continue
            if column.nullable != there.nullable:
                yield ColumnDifference(
                    table=table_name,
                    column=column.name,
                    kind="nullable",
                    types=_nullable(nullable=column.nullable),
                    database=_nullable(nullable=there.nullable),
                )
            if _differs(column.type, there.written):
                yield ColumnDifference(
                    table=table_name, column=column.name, kind="type", types=column.type, database=there.sql_type
                )
        for surplus in sorted(actual.keys() - known.keys()):
            kind = actual[surplus].sql_type
            yield ColumnDifference(table=table_name, column=surplus, kind="surplus", database=kind)


def _nullable(*, nullable: bool) -> str:
    return "nullable" if nullable else "not null"


_JUDGED = ("string", "number", "boolean", "Json", "enum ")


def _differs(expected: str, there: str) -> bool:
    """Judge types that the generator writes itself; people narrow some to literals by hand, which says nothing."""
    return bool(there) and expected.startswith(_JUDGED) and " | " not in expected and expected != there


def _labels(types: Schema, found: Relations) -> Iterator[LabelDifference]:
    for name, labels in types.enums.items():
        there = found.enums.get(name)
        if there is not None and {*labels} != {*there}:
            yield LabelDifference(
                enum=f"{types.name}.{name}",
                missing=tuple(label for label in labels if label not in there),
                surplus=tuple(label for label in there if label not in labels),
            )
