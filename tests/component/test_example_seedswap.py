"""The Bolt sample with a Django server is what it says: what the reader finds is its expected.json."""

import json
from pathlib import Path

from freehold.core.app import App
from freehold.flows.read import read_app

SAMPLE = Path(__file__).parents[2] / "examples/bolt-seedswap"


def test_the_reader_finds_what_the_sample_expects() -> None:
    expected = json.loads((SAMPLE / "expected.json").read_text())
    inventory = read_app(App(root=SAMPLE, origin=str(SAMPLE), name="seedswap"))
    server = inventory.started_server
    assert server is not None
    found = {
        "builder": inventory.builder,
        "generation": inventory.generation,
        "server": server.entry,
        "application": server.application,
        "settings": server.settings,
        "paths": list(server.paths),
        "migrations": len(inventory.migrations),
    }
    assert found == expected


def test_its_lock_names_no_registry_and_has_a_hash_for_every_package() -> None:
    packages = {
        name: item for name, item in json.loads((SAMPLE / "package-lock.json").read_text())["packages"].items() if name
    }
    assert packages
    assert [name for name, item in packages.items() if "resolved" in item or "integrity" not in item] == []
