"""The collections of MongoDB that Python code names; nothing declares them."""

import re

from freehold.builders.shared.checkout import Checkout, lines
from freehold.core.inventory import Place, RecordKind

_METHODS = (
    "find", "find_one", "find_one_and_update", "find_one_and_delete", "find_one_and_replace", "insert_one",
    "insert_many", "update_one", "update_many", "delete_one", "delete_many", "replace_one", "count_documents",
    "estimated_document_count", "aggregate", "distinct", "create_index", "create_indexes", "drop", "bulk_write",
    "watch",
)  # fmt: skip
_DATABASE = r"\b(?:self\.)?(?:db|database|_db|mongo_db|mongodb)"
_CALL = rf"\s*\.(?:{'|'.join(_METHODS)})\s*\("
_BY_ATTRIBUTE = re.compile(rf"{_DATABASE}\.([A-Za-z]\w*){_CALL}")
_BY_TEXT = re.compile(rf"""{_DATABASE}(?:\[\s*|\.get_collection\(\s*)f?["']([\w.-]+)["']\s*[\])]""")
_BY_NAME = re.compile(rf"{_DATABASE}\[\s*([A-Za-z_]\w*|f[\"'][^\"']*\{{[^\"']*[\"'])\s*\]")
_NOT_COLLECTIONS = frozenset({"client", "command", "name", "list_collection_names", "create_collection", "rollback"})


def collections(checkout: Checkout, files: tuple[str, ...]) -> tuple[RecordKind, ...]:
    """List the collections that code calls, by name, with how many calls name each and where the first ones are."""
    if not speaks_mongo(checkout, files):
        return ()
    places: dict[str, list[Place]] = {}
    for path in files:
        text = checkout.text(path)
        if "db" not in text and "database" not in text:
            continue
        index = lines(text)
        for pattern in (_BY_ATTRIBUTE, _BY_TEXT):
            for match in pattern.finditer(text):
                if match[1] not in _NOT_COLLECTIONS and not match[1].startswith("_"):
                    places.setdefault(match[1], []).append(index.place(path, match.start()))
    return tuple(
        RecordKind(name=name, kind="collection", declared=False, uses=len(found), places=tuple(found[:5]))
        for name, found in sorted(places.items())
    )


def computed_count(checkout: Checkout, files: tuple[str, ...]) -> int:
    """Count the places where the name of a collection is computed."""
    if not speaks_mongo(checkout, files):
        return 0
    return sum(len(_BY_NAME.findall(checkout.text(path))) for path in files)


def speaks_mongo(checkout: Checkout, files: tuple[str, ...]) -> bool:
    """Say whether any file imports a driver of MongoDB's."""
    return any("motor" in text or "pymongo" in text for text in map(checkout.text, files))
