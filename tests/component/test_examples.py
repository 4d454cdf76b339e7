"""The sample apps are what they say: what a reader finds, and what stands in their files, is their expected.json."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from freehold.core.app import App
from freehold.core.inventory import Inventory
from freehold.flows.read import read_app

SAMPLE = Path(__file__).parents[2] / "examples/lovable-tasklight"
KNOWN_HOSTS = {
    "qzvtxkmwplrnhbsdcfjg.supabase.co",
    "ai.gateway.lovable.dev",
    "deno.land",
    "esm.sh",
    "lovable.dev",
    "ui.shadcn.com",
    "vitejs.dev",
    "www.w3.org",
}


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    values: dict[str, Any] = json.loads((SAMPLE / "expected.json").read_text())
    return values


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return read_app(App(root=SAMPLE, origin=str(SAMPLE), name="tasklight"))


@pytest.fixture(scope="module")
def migrations() -> str:
    return "\n".join(path.read_text() for path in sorted((SAMPLE / "supabase/migrations").iterdir()))


def test_the_reader_finds_what_the_sample_expects(inventory: Inventory, expected: dict[str, Any]) -> None:
    assert (inventory.builder, inventory.generation) == (expected["builder"], expected["generation"])
    assert inventory.backend is not None
    assert inventory.backend.project_ref == expected["project_ref"]
    assert {item.name: {"verify_jwt": item.verify_jwt} for item in inventory.functions} == expected["functions"]
    assert sorted({name for item in inventory.functions for name in item.secrets}) == expected["secrets"]
    assert sorted(inventory.pages) == expected["pages"]
    assert sorted(inventory.tables_used) == expected["tables_used"]
    assert sorted(inventory.rpcs_used) == expected["rpcs_used"]
    assert sorted(inventory.buckets_used) == sorted(expected["buckets"])
    assert sorted(inventory.sign_in_methods) == expected["sign_in_methods"]
    assert sorted(inventory.ai_endpoints) == expected["ai_endpoints"]
    assert len(inventory.migrations) == expected["migrations"]


def test_every_table_of_the_sample_has_row_security_and_a_type(migrations: str, expected: dict[str, Any]) -> None:
    assert sorted(re.findall(r"CREATE TABLE public\.(\w+)", migrations)) == expected["tables"]
    assert sorted(re.findall(r"ALTER TABLE public\.(\w+) ENABLE ROW LEVEL SECURITY", migrations)) == expected["tables"]
    types = (SAMPLE / "src/integrations/supabase/types.ts").read_text()
    assert sorted(re.findall(r"^      (\w+): \{\n        Row:", types, re.MULTILINE)) == expected["tables"]
    assert sorted(re.findall(r"CREATE TYPE public\.(\w+) AS ENUM", migrations)) == expected["enums"]


def test_the_samples_key_is_an_anon_key_and_the_address_is_its_projects(expected: dict[str, Any]) -> None:
    lines = (SAMPLE / ".env").read_text().splitlines()
    environment = {name: value.strip('"') for name, value in (line.split("=", 1) for line in lines)}
    claims = environment["VITE_SUPABASE_PUBLISHABLE_KEY"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["role"] == "anon"
    assert environment["VITE_SUPABASE_PROJECT_ID"] == expected["project_ref"]
    assert environment["VITE_SUPABASE_URL"] == f"https://{expected['project_ref']}.supabase.co"


def test_the_samples_lock_names_no_registry_and_has_a_hash_for_every_package() -> None:
    lock = json.loads((SAMPLE / "package-lock.json").read_text())
    packages = {path: item for path, item in lock["packages"].items() if path and not item.get("link")}
    assert packages
    assert [path for path, item in packages.items() if "resolved" in item] == []
    assert [path for path, item in packages.items() if not item.get("integrity", "").startswith("sha512-")] == []


def test_the_samples_lock_holds_every_platforms_packages() -> None:
    """`npm ci` refuses a lock that lacks one of them, on every platform."""
    packages = json.loads((SAMPLE / "package-lock.json").read_text())["packages"]
    locked = {path.rpartition("node_modules/")[2] for path in packages}
    wanted = {name for item in packages.values() for name in item.get("optionalDependencies", {})}
    assert wanted - locked == set()


def test_the_sample_names_no_host_but_its_builders() -> None:
    skipped = {"node_modules", "dist"}
    files = [path for path in SAMPLE.rglob("*") if path.is_file() and not skipped & {*path.parts}]
    found = {
        host
        for path in files
        if path.name != "package-lock.json"
        for host in re.findall(r"https?://([a-z0-9.-]+)", path.read_text(encoding="utf-8"))
    }
    assert found <= KNOWN_HOSTS
