"""The keys of an app on this machine: made once, and completed where an older Freehold made fewer."""

import json
from dataclasses import fields

from freehold.core.secret import Secret
from freehold.targets.local import keys


class _Store:
    def __init__(self, kept: dict[str, Secret] | None = None) -> None:
        self.kept = kept or {}

    def get(self, name: str) -> Secret | None:
        return self.kept.get(name)

    def put(self, name: str, value: Secret) -> None:
        self.kept[name] = value


def _stored(store: _Store) -> dict[str, str]:
    found: dict[str, str] = json.loads(store.kept[keys.ENTRY].reveal())
    return found


def test_keys_are_made_once() -> None:
    store = _Store()
    made = keys.load_or_make(store)
    assert keys.load_or_make(store) == made
    assert _stored(store).keys() == {item.name for item in fields(keys.Keys)}


def test_keys_that_an_older_freehold_did_not_make_are_added_and_the_others_stay() -> None:
    store = _Store()
    keys.load_or_make(store)
    older = {name: value for name, value in _stored(store).items() if not name.startswith("server_")}
    store.put(keys.ENTRY, Secret(json.dumps(older)))
    completed = keys.load_or_make(store)
    assert len(completed.server_password) >= keys.PASSWORD_BYTES
    assert _stored(store).items() > older.items()
    assert keys.load_or_make(store) == completed
