"""The Base44 sample is what it says: what the reader finds is its expected.json, and its lock names no registry."""

import json
from pathlib import Path

from freehold.core.app import App
from freehold.flows.read import read_served_app

SAMPLE = Path(__file__).parents[2] / "examples/base44-potluck"


def test_the_reader_finds_what_the_sample_expects() -> None:
    expected = json.loads((SAMPLE / "expected.json").read_text())
    inventory = read_served_app(App(root=SAMPLE, origin=str(SAMPLE), name="potluck"))
    settings = inventory.runtime_settings["base44"]
    assert isinstance(settings, dict)
    found = {
        "builder": inventory.builder,
        "generation": inventory.generation,
        "app_id": inventory.app_id,
        "entities": [item.name for item in inventory.records],
        "described": [item.name for item in inventory.records if item.declared],
        "functions": [item.name for item in inventory.functions],
        "pages": sorted(inventory.pages),
        "sign_in_methods": list(inventory.sign_in_methods),
        "integrations": sorted({item.service for item in inventory.builder_services} - {"API"}),
        "visibility": settings["visibility"],
    }
    assert found == expected


def test_locks_name_no_registry_and_have_a_hash_for_every_package() -> None:
    parcel = Path(__file__).parents[2] / "src/freehold/releases/clients/base44-sdk"
    for lock in (SAMPLE / "package-lock.json", parcel / "package-lock.json"):
        packages = {name: item for name, item in json.loads(lock.read_text())["packages"].items() if name}
        assert packages
        assert [name for name, item in packages.items() if "resolved" in item or "integrity" not in item] == []
