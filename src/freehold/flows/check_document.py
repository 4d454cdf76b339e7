"""A check as one JSON document, and the schema of that document, both from the same types."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union

from freehold import __version__
from freehold.core.app import Match
from freehold.core.finding import SEVERITIES, Finding
from freehold.core.inventory import Inventory, MigrationFile, Unknown
from freehold.data.schema import Comparison, Proposal
from freehold.flows.check import Checked
from freehold.flows.check_schema import Failure

FORMAT = 1
LEFT_OUT: dict[type, frozenset[str]] = {MigrationFile: frozenset({"sql"})}
"""Fields that stay here: SQL is long, and may quote rows and keys."""
_SCHEMA_KEYS = ("files", "applied", "replaced", "tables", "fingerprint")


def document(checked: Checked) -> dict[str, object]:
    """Give the whole result as JSON values; docs/reference/check.schema.json describes it."""
    found = checked.schema
    return {
        "format": FORMAT,
        "freehold": __version__,
        "app": {"name": checked.app.name, "origin": checked.app.origin},
        "whole": checked.whole,
        "seconds": checked.seconds,
        "builders": _plain(checked.matches),
        "inventory": _plain(checked.inventory),
        "schema": {
            **{name: getattr(found, name) for name in _SCHEMA_KEYS},
            "failures": _plain(found.failures),
            "causes": dict(found.causes),
            "comparison": _plain(found.comparison),
            "reconstructed": list(found.reconstructed),
            "proposals": _plain(found.proposals),
            "probed": found.probed,
        }
        if found
        else None,
        "counts": counts(checked.findings),
        "findings": _plain(checked.findings),
        "unknowns": _plain(checked.unknowns),
    }


def counts(findings: tuple[Finding, ...]) -> dict[str, int]:
    """How many findings of each severity."""
    return {severity: sum(finding.severity == severity for finding in findings) for severity in SEVERITIES}


def json_schema() -> dict[str, object]:
    """Describe `document` as JSON Schema 2020-12."""
    whole = {"type": "integer", "minimum": 0}
    text = {"type": "string"}
    database = _object(
        {name: text if name == "fingerprint" else whole for name in _SCHEMA_KEYS}
        | {
            "failures": _schema(tuple[Failure, ...]),
            "causes": {"type": "object", "additionalProperties": whole},
            "comparison": _schema(Comparison | None),
            "reconstructed": {"type": "array", "items": text},
            "proposals": _schema(tuple[Proposal, ...]),
            "probed": whole,
        }
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "freehold check --json",
        **_object(
            {
                "format": {"const": FORMAT},
                "freehold": text,
                "app": _object({"name": text, "origin": text}),
                "whole": {"type": "boolean"},
                "seconds": {"type": "number"},
                "builders": _schema(tuple[Match, ...]),
                "inventory": _schema(Inventory | None),
                "schema": {"anyOf": [database, {"type": "null"}]},
                "counts": _object(dict.fromkeys(SEVERITIES, whole)),
                "findings": _schema(tuple[Finding, ...]),
                "unknowns": _schema(tuple[Unknown, ...]),
            }
        ),
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON values
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        left_out = LEFT_OUT.get(type(value), frozenset())
        names = [item.name for item in dataclasses.fields(value) if item.name not in left_out]
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _schema(kind: Any) -> dict[str, object]:  # noqa: ANN401 - a type of any form
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(item) for item in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (tuple, list):
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        left_out = LEFT_OUT.get(kind, frozenset()) if isinstance(kind, type) else frozenset()
        names = [item.name for item in dataclasses.fields(kind) if item.name not in left_out]
        return _object({name: _schema(hints[name]) for name in names})
    simple = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
    return {"type": simple[kind]} if kind in simple else {}


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
