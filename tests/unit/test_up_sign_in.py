"""The owner's secrets set providers up, and what an app uses without them is named."""

import pytest

from freehold.core.inventory import Inventory
from freehold.flows.up_sign_in import is_sign_in_secret, unset, with_secrets


def _inventory(*methods: str) -> Inventory:
    return Inventory(builder="lovable", generation="", sign_in_methods=methods)


def test_a_client_id_switches_a_provider_on() -> None:
    store = {"AUTH_GOOGLE_CLIENT_ID": "id", "AUTH_GOOGLE_SECRET": "s", "OPENAI_API_KEY": "k"}
    found = with_secrets({"site_url": "x"}, store, store.get)
    assert found == {"site_url": "x", "external": {"google": {"client_id": "id", "secret": "s", "enabled": True}}}


def test_a_secret_completes_what_the_file_says() -> None:
    table = {"external": {"github": {"enabled": True, "client_id": "id"}}}
    store = {"AUTH_GITHUB_SECRET": "s"}
    assert with_secrets(table, store, store.get)["external"] == {
        "github": {"enabled": True, "client_id": "id", "secret": "s"}
    }
    assert table == {"external": {"github": {"enabled": True, "client_id": "id"}}}


def test_what_is_used_and_not_set_up_is_named_with_what_to_set() -> None:
    found = unset(_inventory("password", "oauth:google", "oauth:microsoft", "oauth:lovable", "oauth:apple"), {})
    assert found == {
        "apple": ("AUTH_APPLE_CLIENT_ID", "AUTH_APPLE_KEY", "AUTH_APPLE_KEY_ID", "AUTH_APPLE_TEAM_ID"),
        "azure": ("AUTH_AZURE_CLIENT_ID", "AUTH_AZURE_SECRET"),
        "google": ("AUTH_GOOGLE_CLIENT_ID", "AUTH_GOOGLE_SECRET"),
        "lovable": (),
    }


def test_what_is_set_up_is_not_named() -> None:
    store = {"AUTH_GOOGLE_CLIENT_ID": "id", "AUTH_GOOGLE_SECRET": "s"}
    assert unset(_inventory("oauth:google"), with_secrets({}, store, store.get)) == {}


def test_what_the_file_switches_on_without_its_secret_is_named() -> None:
    table = {"external": {"keycloak": {"enabled": True, "client_id": "id"}, "discord": {"enabled": False}}}
    assert unset(_inventory(), table) == {"keycloak": ("AUTH_KEYCLOAK_SECRET", "AUTH_KEYCLOAK_URL")}


@pytest.mark.parametrize(("name", "expected"), [("AUTH_APPLE_KEY_ID", True), ("AUTH_OLD_JWKS", True), ("AUTH", False)])
def test_secrets_for_sign_in_are_told_from_those_of_functions(name: str, expected: bool) -> None:
    assert is_sign_in_secret(name) is expected
