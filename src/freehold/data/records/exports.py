"""A folder of exports as a source of records: <Entity>.json or <Entity>.csv, as the builder's pages download them."""

import csv
import io
from pathlib import Path
from typing import Any

from freehold.core.errors import SourceBroken
from freehold.data.records.api import Page
from freehold.kit import json_text

_BOOLEANS = {"true": True, "false": False}


class Exports:
    """Read whole: exports of one entity fit into memory."""

    requests = 0

    def __init__(self, folder: Path) -> None:
        """Raises SourceBroken when there is no such folder."""
        if not folder.is_dir():
            raise SourceBroken(
                f"{folder} is no folder", hint="give the folder that holds <Entity>.json or <Entity>.csv"
            )
        self._folder = folder.resolve()
        self._files = {path.stem.lower(): path for path in sorted(folder.iterdir()) if path.suffix in (".csv", ".json")}

    @property
    def identity(self) -> str:
        """The folder: newer exports may lie in it when a move goes on."""
        return f"exports {self._folder}"

    @property
    def described(self) -> str:
        """For people."""
        return f"the exports in {self._folder}"

    @property
    def names(self) -> frozenset[str]:
        """Those that have a file."""
        return frozenset(self._files)

    def page(self, entity: str, *, since: str, cursor: str, fields: str = "") -> Page:  # noqa: ARG002 - one page holds all
        """Give every record."""
        return Page(records=tuple(self._records(entity)), cursor="")

    def count(self, entity: str) -> int:
        """How many records there are."""
        return len({str(item["id"]) for item in self._records(entity)})

    def one(self, entity: str, identity: str) -> dict[str, Any] | None:
        """Give one record."""
        return next((item for item in self._records(entity) if item["id"] == identity), None)

    def _records(self, entity: str) -> list[dict[str, Any]]:
        path = self._files.get(entity.lower())
        if path is None:
            return []
        try:
            text = path.read_text(encoding="utf-8-sig")
            found = json_text.read(text) if path.suffix == ".json" else _rows(text)
        except (ValueError, csv.Error) as error:
            raise SourceBroken(f"{path} cannot be read", detail=str(error)) from error
        if not isinstance(found, list) or not all(isinstance(item, dict) and item.get("id") for item in found):
            raise SourceBroken(f"{path} holds no list of records with ids")
        return found


def _rows(text: str) -> list[dict[str, Any]]:
    """Cells of lists and objects hold JSON; an empty cell is no value. Types are settled by the table."""
    lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    return [{key: _cell(value) for key, value in line.items() if key and value} for line in lines]


def _cell(value: str) -> object:
    if value[:1] in "[{":
        try:
            return json_text.read(value)
        except ValueError:
            return value
    return _BOOLEANS.get(value.lower(), value)
