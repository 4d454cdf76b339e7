"""What is a secret, what only looks like one, and what is never printed."""

import flaws
import lovable_app
import nested
import pytest

from freehold.audit import environment, masking, registry
from freehold.audit.credentials import claims_of, credentials
from freehold.core.finding import Finding, Proof
from freehold.core.inventory import Inventory


def kinds(text: str) -> list[str]:
    return [item.kind for item in credentials(text)]


def test_a_service_key_is_known_by_its_role_and_an_anon_key_is_no_secret() -> None:
    assert kinds(f'key = "{lovable_app.SERVICE}"') == ["service key"]
    assert kinds(f'key = "{lovable_app.ANON}"') == []


@pytest.mark.parametrize(
    "text",
    [
        "sk_live_xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-proj-your-key-goes-here-your-key-goes-here-your",
        "postgresql://user:password@db.example.com/app",
        "postgres://app:${DB_PASSWORD}@db.shop-data.io/app",
        "postgres://app:s3cr3tvalue@localhost:5432/app",
        "task-risk-store_identity_of_the_large_thing",
        f"AIza{flaws.random_key(35)}",
        f"pk_live_{flaws.random_key(24)}",
    ],
)
def test_placeholders_and_published_keys_are_not_reported(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (flaws.STRIPE, "Stripe secret key"),
        (f"sk-ant-api03-{flaws.random_key(80)}", "Anthropic key"),
        (f"sb_secret_{flaws.random_key(31)}", "service key"),
        (f"bot 123456789:AA{flaws.random_key(33)} ", "Telegram bot token"),
        (flaws.PRIVATE, "private key"),
        (f"mysql://app:{flaws.random_key(16)}@db.shop-data.io/app", "database password"),
    ],
)
def test_keys_of_many_kinds_are_known(text: str, kind: str) -> None:
    assert kinds(text) == [kind]


def test_a_token_whose_claims_are_nested_without_end_has_none() -> None:
    assert claims_of(nested.tokens()[1]) == {}


def test_equal_keys_have_equal_fingerprints_that_give_nothing_away() -> None:
    first, second = (next(iter(credentials(f"{head} {flaws.STRIPE}"))) for head in ("a", "other"))
    assert first.shown == second.shown
    assert flaws.STRIPE[8:] not in first.shown
    assert flaws.STRIPE not in repr(first)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("VITE_SUPABASE_PUBLISHABLE_KEY", False),
        ("VITE_SUPABASE_ANON_KEY", False),
        ("VITE_GOOGLE_MAPS_API_KEY", False),
        ("VITE_FIREBASE_API_KEY", False),
        ("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", False),
        ("VITE_API_URL", False),
        ("VITE_SUPABASE_SERVICE_ROLE_KEY", True),
        ("VITE_OPENAI_API_KEY", True),
        ("REACT_APP_JWT_SECRET", True),
        ("EXPO_PUBLIC_RESEND_API_KEY", True),
    ],
)
def test_names_say_whether_they_are_secret(name: str, secret: bool) -> None:
    assert environment.is_secret_name(name) is secret


def test_masking_reaches_every_text_of_a_result() -> None:
    inventory = Inventory(
        builder="lovable",
        generation="",
        settings={
            "auth": {"external": {"google": {"secret": "hunter2-hunter2", "client_id": "env(ID)"}}},
            "x": [flaws.STRIPE],
        },
    )
    finding = Finding(
        rule="a",
        title=f"see {lovable_app.SERVICE}",
        severity="high",
        confidence="likely",
        proofs=(Proof(path="a", text="pw topsecretvalue"),),
        impact="",
        fix="",
    )
    shown = repr(masking.masked((inventory, finding), ["topsecretvalue"]))
    for secret in ("hunter2", flaws.STRIPE, lovable_app.SERVICE, "topsecretvalue"):
        assert secret not in shown
    assert "env(ID)" in shown


def test_a_critical_finding_has_to_be_proven() -> None:
    with pytest.raises(ValueError, match="proven"):
        Finding(
            rule="a", title="", severity="critical", confidence="likely", proofs=(Proof(path="a"),), impact="", fix=""
        )


def test_rules_have_ids_of_their_own_and_say_what_they_stay_silent_about() -> None:
    cards = [rule.card for rule in registry.RULES]
    assert len({card.id for card in cards}) == len(cards)
    for card in cards:
        assert card.title, card.id
        assert card.silent, card.id
        assert card.owasp.endswith(":2025"), card.id
        assert card.severity != "critical" or card.confidence == "proven", card.id
