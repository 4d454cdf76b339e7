"""A folder of CSV files, one a table, as a builder's table view exports them; the schema comes from types.ts.

CSV has no types, no keys beyond what types.ts knows, and no difference between nothing and an empty text. What is made
is closed to everybody but the service role until the app's policies are there.
"""

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from psycopg import sql

from freehold.core.errors import SourceBroken
from freehold.data.schema import guesses, types_ts
from freehold.data.schema.guesses import Guess
from freehold.data.schema.relations import Relations
from freehold.data.schema.types_ts import Schema, Table
from freehold.data.sources import copy_text
from freehold.data.sources.toc import TEXT, Entry, Membership, Part, Setting
from freehold.kit import json_text

NOT_IN_CSV = "POLICIES, FUNCTIONS AND TRIGGERS"
"""What nobody can read from rows: it stands in the ledger all the same."""
PIECE_BYTES = 128 * 1024
LONGEST_FIELD = 256 * 1024 * 1024
_EXPORTED = re.compile(r"(_rows|_export)?(-export-.*|_\d{4}-\d{2}-\d{2}.*)?$")
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, kw_only=True)
class _Made:
    """A table as it will be made, and its file if there is one."""

    table: Table
    columns: dict[str, Guess]
    path: Path | None


class CsvFolder:
    """Files whose names are tables of types.ts: profiles.csv, profiles_rows.csv, profiles-export-2026-01-31.csv."""

    def __init__(self, folder: Path, schema: Schema, tables: dict[str, _Made], identity: str) -> None:
        """Use `open_folder`."""
        self._schema = schema
        self._tables = tables
        self.identity = identity
        self.described = f"{folder.name} ({sum(1 for item in tables.values() if item.path)} CSV files)"

    @classmethod
    def open_folder(cls, folder: Path, types_text: str) -> Self:
        """Match files with tables; raises SourceBroken for a file that no table of types.ts has."""
        csv.field_size_limit(LONGEST_FIELD)
        schema = types_ts.read(types_text).schemas.get("public")
        if schema is None:
            raise SourceBroken("types.ts has no schema public", hint="give the app's folder with --app")
        files = {_table_of(path, schema): path for path in sorted(folder.glob("*.csv"))}
        if not files:
            if (folder / "toc.dat").exists():
                raise SourceBroken(f"{folder} is a dump in pg_dump's directory format", hint="make it with pg_dump -Fc")
            raise SourceBroken(
                f"the folder {folder} holds no CSV file",
                hint="one file a table: profiles.csv; a dump is given as a file",
            )
        known = guesses.known_types(schema, Relations(tables={}, views={}, functions={}, enums={}))
        tables = {
            name: _Made(
                table=table,
                columns={column.name: guesses.guess(table, column, known) for column in table.columns},
                path=files.get(name),
            )
            for name, table in schema.tables.items()
        }
        return cls(folder, schema, tables, _identity(files))

    @property
    def doubt(self) -> str:
        """CSV says neither how many rows there are nor what they add up to."""
        return "CSV files carry no checksum and no count of rows: one that was cut off at the end of a row looks whole"

    def entries(self) -> tuple[Entry, ...]:
        """Enums and tables of types.ts, the rows of the files, keys, and row security that lets nobody in yet."""
        made = [*self._enums(), *self._creates(), *self._rows_of(), *self._sequences(), *self._keys()]
        made.append((NOT_IN_CSV, "of the app", "", ""))
        return tuple(
            Entry(
                number=number,
                kind=kind,
                schema="" if kind == NOT_IN_CSV else "public",
                name=name,
                owner="",
                definition=text,
                copy=copy,
            )
            for number, (kind, name, text, copy) in enumerate(made)
        )

    def settings(self) -> tuple[Setting, ...]:
        """None."""
        return ()

    def memberships(self) -> tuple[Membership, ...]:
        """None: roles belong to a server."""
        return ()

    def columns(self, entry: Entry) -> tuple[str, ...]:
        """The head of the file; raises SourceBroken for a column that the table has not."""
        made = self._tables[entry.name]
        with _opened(made) as rows:
            head = next(rows, [])
        unknown = [name for name in head if name not in made.columns]
        if unknown:
            raise SourceBroken(
                f"{entry.name} has no column {unknown[0]}, which its CSV file has",
                detail=f"types.ts: {', '.join(made.columns)}",
                hint="export the table and types.ts at the same time",
            )
        return tuple(head)

    def form(self, _entry: Entry, _major: int) -> str:
        """Text."""
        return TEXT

    def size(self, entry: Entry) -> int:
        """Its file."""
        path = self._tables[entry.name].path
        return path.stat().st_size if path is not None else 0

    def parts(self, _entry: Entry) -> tuple[Part, ...]:
        """One."""
        return (Part(number=0),)

    def rows(self, entry: Entry, _part: Part, columns: tuple[str, ...], _form: str) -> Iterator[bytes]:
        """Give the file's rows as COPY's text."""
        yield from copy_text.narrowed(self._texts(self._tables[entry.name]), self.columns(entry), columns)

    def _texts(self, made: _Made) -> Iterator[bytes]:
        with _opened(made) as rows:
            head = next(rows, [])
            types = [made.columns[name] for name in head]
            held: list[str] = []
            for number, row in enumerate(rows, 2):
                if len(row) != len(head):
                    raise SourceBroken(f"{made.path}: row {number} has {len(row)} fields instead of {len(head)}")
                held.append("\t".join(_field(text, kind) for text, kind in zip(row, types, strict=True)) + "\n")
                if len(held) >= PIECE_BYTES // 100:
                    yield "".join(held).encode()
                    held = []
            yield "".join(held).encode()

    def _enums(self) -> Iterator[tuple[str, str, str, str]]:
        for name, labels in self._schema.enums.items():
            listed = sql.SQL(", ").join(map(sql.Literal, labels)).as_string()
            yield "TYPE", name, f"CREATE TYPE {_quoted(name)} AS ENUM ({listed})", ""

    def _creates(self) -> Iterator[tuple[str, str, str, str]]:
        for name, made in self._tables.items():
            parts = [_column(item) for item in made.columns.values()]
            parts += ["primary key (id)"] if any(c.name == "id" and not c.nullable for c in made.table.columns) else []
            yield "TABLE", name, f"CREATE TABLE {_quoted(name)} ({', '.join(parts)})", ""

    def _rows_of(self) -> Iterator[tuple[str, str, str, str]]:
        for name, made in self._tables.items():
            if made.path is not None:
                yield "TABLE DATA", name, "", "COPY"

    def _sequences(self) -> Iterator[tuple[str, str, str, str]]:
        """Only the rows say how far an id is."""
        for name, made in self._tables.items():
            for column in made.columns.values():
                if column.identity:
                    table = _quoted(name)
                    where = sql.SQL("pg_catalog.pg_get_serial_sequence({}, {})").format(
                        sql.Literal(table), sql.Literal(column.column)
                    )
                    highest = sql.SQL("select pg_catalog.setval({}, max({})) from {}").format(
                        where, sql.Identifier(column.column), sql.Identifier("public", name)
                    )
                    yield "SEQUENCE SET", f"{name}_{column.column}", highest.as_string(), ""

    def _keys(self) -> Iterator[tuple[str, str, str, str]]:
        for name, made in self._tables.items():
            yield "ROW SECURITY", name, f"ALTER TABLE {_quoted(name)} ENABLE ROW LEVEL SECURITY", ""
            for key in {item.name: item for item in made.table.relationships}.values():
                if key.referenced in self._tables:
                    here, there = (
                        ", ".join(sql.Identifier(column).as_string() for column in columns)
                        for columns in (key.columns, key.referenced_columns)
                    )
                    text = (
                        f"ALTER TABLE {_quoted(name)} ADD CONSTRAINT {sql.Identifier(key.name).as_string()}"
                        f" FOREIGN KEY ({here}) REFERENCES {_quoted(key.referenced)} ({there})"
                    )
                    yield "FK CONSTRAINT", f"{name} {key.name}", text, ""


class _opened:  # noqa: N801 - it reads as a verb where it is used
    """The rows of a file, without a byte order mark."""

    def __init__(self, made: _Made) -> None:
        assert made.path is not None  # noqa: S101 - only tables with a file have rows
        self._file = made.path.open(encoding="utf-8-sig", newline="")

    def __enter__(self) -> Iterator[list[str]]:
        return self._rows()

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _rows(self) -> Iterator[list[str]]:
        try:
            yield from csv.reader(self._file, strict=True)
        except (csv.Error, UnicodeDecodeError) as error:
            raise SourceBroken(f"{self._file.name} is no CSV in UTF-8", detail=str(error)) from None


def _table_of(path: Path, schema: Schema) -> str:
    stem = path.stem
    for name in (stem, _EXPORTED.sub("", stem)):
        if name in schema.tables:
            return name
    raise SourceBroken(
        f"{path.name} is the file of no table that types.ts has",
        detail=", ".join(schema.tables),
        hint="name it as its table: profiles.csv",
    )


def _field(text: str, column: Guess) -> str:
    """One value as COPY's text. An empty field is NULL, but an empty text where NULL cannot be."""
    if text == "":
        return "" if column.not_null and column.type == "text" else "\\N"
    if column.type.endswith("[]") and text.startswith("["):
        text = _array(text)
    return text.translate(_ESCAPED)


def _array(text: str) -> str:
    """A JSON list, as table views export arrays, as PostgreSQL writes it."""
    try:
        items = json_text.read(text)
    except ValueError:
        return text
    quoted = ('"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"' for item in items if item is not None)
    return "{" + ",".join(quoted) + "}"


def _column(item: Guess) -> str:
    end = " generated by default as identity" if item.identity else f" default {item.default}" if item.default else ""
    return f"{sql.Identifier(item.column).as_string()} {item.type}{end}{' not null' if item.not_null else ''}"


def _quoted(name: str) -> str:
    return sql.Identifier("public", name).as_string()


def _identity(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while piece := file.read(1024 * 1024):
                digest.update(piece)
    return f"sha256:{digest.hexdigest()}"
