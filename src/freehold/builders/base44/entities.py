"""Entities: those that a schema file declares, and those that only code names."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from freehold.builders.shared import jsonc
from freehold.builders.shared.checkout import Checkout, lines
from freehold.builders.shared.code import without_comments
from freehold.core.inventory import Place, RecordField, RecordKind, Unknown

FOLDERS = ("base44/entities", "entities", "src/entities")
_SUFFIXES = (".json", ".jsonc")
_PLACES = 5
_CALL = re.compile(r"(?<!\w)entities\s*\??\.\s*([A-Za-z_]\w*)\b")
_BY_TEXT = re.compile(r"""(?<!\w)entities\s*\[\s*["'](\w+)["']\s*\]""")
_METHOD = re.compile(r"\s*\??\.\s*\w+\s*\(")
_COMPUTED = re.compile(r"(?<!\w)entities\s*\[\s*[A-Za-z_`]")
_IMPORT = re.compile(r"""import\s*\{([^}]+)\}\s*from\s*["'][^"']*/(?:api/)?entities(?:/\w+|\.js)?["']""")
_METHODS = "list|filter|get|create|update|delete|bulkCreate|bulkUpdate|deleteMany|updateMany|subscribe|count|schema"
_NOT_ENTITIES = frozenset(
    {"length", "map", "forEach", "filter", "find", "push", "js", "ts", "jsx", "reduce", "some", "Query"}
)
"""Methods of lists, endings of paths, and the helper that old exports name beside their entities."""


def entities(checkout: Checkout, folder: str, code: tuple[str, ...]) -> tuple[RecordKind, ...]:
    """List the entities by name: declared ones with fields and rules, inferred ones with where code uses them."""
    declared = {item.name: item for item in _declared(checkout, folder)}
    places, calls = _used(checkout, code)
    by_lower = {name.lower(): name for name in declared}
    counts: dict[str, int] = {}
    inferred: dict[str, RecordKind] = {}
    for name, found_at in places.items():
        known = by_lower.get(name.lower())
        if known:
            counts[known] = counts.get(known, 0) + calls[name]
        else:
            inferred[name] = RecordKind(
                name=name, kind="entity", declared=False, uses=calls[name], places=tuple(found_at[:_PLACES])
            )
    found = [replace(item, uses=counts.get(name, 0)) for name, item in declared.items()]
    return tuple(sorted((*found, *inferred.values()), key=lambda item: item.name))


def broken(checkout: Checkout, folder: str) -> tuple[Unknown, ...]:
    """Say which schema files cannot be read."""
    paths = [path for path in _files(checkout, folder) if jsonc.read(checkout.text(path)) is None]
    if not paths:
        return ()
    why = f"these schema files are no JSON, so their fields and rules are not known: {', '.join(paths[:_PLACES])}"
    return (Unknown(what="entity schemas", why=why, hint="correct the files, or read the schemas from your account"),)


def computed_count(checkout: Checkout, code: tuple[str, ...]) -> int:
    """Count the places where the name of an entity is computed."""
    texts = (checkout.text(path) for path in code)
    return sum(len(_COMPUTED.findall(without_comments(text))) for text in texts if "entities[" in text)


def _files(checkout: Checkout, folder: str) -> tuple[str, ...]:
    folders = dict.fromkeys((folder, *FOLDERS))
    return tuple(
        path
        for name in folders
        for path in checkout.below(name, suffixes=_SUFFIXES)
        if posixpath.dirname(path) == name.rstrip("/")
    )


def _declared(checkout: Checkout, folder: str) -> Iterable[RecordKind]:
    for path in _files(checkout, folder):
        schema = jsonc.read(checkout.text(path))
        if schema is not None and ("properties" in schema or schema.get("type") == "object"):
            yield _entity(schema, path)


def _entity(schema: dict[str, object], path: str) -> RecordKind:
    required = set(jsonc.texts(schema.get("required")))
    properties = jsonc.table(schema.get("properties"))
    return RecordKind(
        name=str(schema.get("name") or posixpath.basename(path).rpartition(".")[0]),
        kind="entity",
        fields=tuple(_field(name, jsonc.table(item), required) for name, item in properties.items()),
        rules=_rules(schema),
        schema=schema,
        places=(Place(path=path, line=1),),
    )


def _field(name: str, item: dict[str, object], required: set[str]) -> RecordField:
    kinds = item.get("type", "string")
    kind = " or ".join(jsonc.texts(kinds)) if isinstance(kinds, list) else str(kinds)
    if kind == "array":
        kind = f"array of {jsonc.table(item.get('items')).get('type', 'anything')}"
    return RecordField(
        name=name,
        type=kind,
        format=str(item.get("format", "")),
        required=name in required,
        choices=jsonc.texts(item.get("enum")),
        has_rules="rls" in item,
    )


def _rules(schema: dict[str, object]) -> dict[str, object] | None:
    """Give `rls` as written; the older `security` stands for it, with write for create, update and delete."""
    if isinstance(schema.get("rls"), dict):
        return jsonc.table(schema["rls"])
    if isinstance(schema.get("security"), dict):
        return jsonc.table(schema["security"])
    return None


def _used(checkout: Checkout, code: tuple[str, ...]) -> tuple[dict[str, list[Place]], Counter[str]]:
    """Give the places that name each entity, and how many of them call it."""
    found: dict[str, list[Place]] = {}
    calls: Counter[str] = Counter()
    for path in code:
        raw = checkout.text(path)
        if "entities" not in raw:
            continue
        text = without_comments(raw)
        index = lines(text)
        for pattern in (_CALL, _BY_TEXT):
            for match in pattern.finditer(text):
                if match[1] not in _NOT_ENTITIES and match[1][0].isupper():
                    found.setdefault(match[1], []).append(index.place(path, match.start()))
                    calls[match[1]] += bool(_METHOD.match(text, match.end()))
        for name, offset in _imported_calls(text):
            found.setdefault(name, []).append(index.place(path, offset))
            calls[name] += 1
    return found, calls


def _imported_calls(text: str) -> Iterable[tuple[str, int]]:
    """Give the calls of entities that a file imports by name, as the old export does it."""
    for match in _IMPORT.finditer(text):
        for part in match[1].split(","):
            name, _, alias = part.strip().partition(" as ")
            if name and name[0].isupper():
                calls = re.finditer(rf"\b{re.escape(alias.strip() or name)}\s*\.\s*(?:{_METHODS})\s*\(", text)
                yield from ((name, call.start()) for call in calls)
