"""What providers' claims mean, which addresses are called, and whose word a discovery document is."""

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from freehold.runtime import openid
from freehold.runtime.auth.providers.person import read_claims, read_github
from freehold.runtime.auth.providers.settings import read_providers
from freehold.runtime.openid import NotValid
from freehold.runtime.outbound import NotReached, check_address
from freehold.runtime.table import Table

MICROSOFT = "https://login.microsoftonline.com/common/v2.0"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize(
    ("claims", "is_one_tenant", "expected"),
    [
        ({"tid": "any"}, False, False),
        ({"tid": "any"}, True, True),
        ({"tid": PERSONAL}, False, True),
        ({"tid": "any", "xms_edov": True}, False, True),
        ({"tid": "any", "xms_edov": "1"}, False, True),
        ({"tid": "any", "xms_edov": False}, True, False),
        ({"tid": "any", "xms_edov": [True]}, True, False),
    ],
)
def test_an_address_from_any_microsoft_tenant_is_not_believed(
    claims: dict[str, object], is_one_tenant: bool, expected: bool
) -> None:
    person = read_claims("azure", {"sub": "s", "email": "a@example.com", **claims}, is_one_tenant=is_one_tenant)
    assert [item.is_verified for item in person.emails] == [expected]


@pytest.mark.parametrize(
    ("provider", "flag", "expected"),
    [
        ("google", True, True),
        ("google", "false", False),
        ("google", None, False),
        ("apple", "true", True),
        ("apple", "false", False),
        ("keycloak", None, False),
        ("keycloak", "true", True),
        ("keycloak", 1, True),
        ("keycloak", {"x": 1}, False),
    ],
)
def test_flags_are_read_as_providers_write_them(provider: str, flag: object, expected: bool) -> None:
    person = read_claims(provider, {"sub": "s", "email": "a@example.com", "email_verified": flag})
    assert bool(person.verified) is expected


def test_what_is_stored_is_what_gotrue_stores() -> None:
    claims = {
        "iss": "https://accounts.google.com",
        "sub": "1",
        "email": "a@example.com",
        "email_verified": True,
        "name": "A",
        "picture": "https://p.test",
        "hd": "example.com",
    }
    assert read_claims("google", claims).identity_data == {
        "iss": "https://accounts.google.com",
        "sub": "1",
        "name": "A",
        "picture": "https://p.test",
        "email": "a@example.com",
        "email_verified": True,
        "phone_verified": False,
        "custom_claims": {"hd": "example.com"},
        "full_name": "A",
        "avatar_url": "https://p.test",
        "provider_id": "1",
    }


@pytest.mark.parametrize("user", [{}, {"id": True}, {"id": "1"}, {"id": None}])
def test_github_names_nobody_without_a_number(user: dict[str, object]) -> None:
    assert read_github("https://api.github.com", user, [None, 1, {"email": ""}]).subject == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://accounts.example.com/",
        "https://127.0.0.1/",
        "https://localhost:8443/",
        "https://x.localhost/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00:ec2::254]/",
        "https://100.100.100.200/",
        "https://0.0.0.0/",
        "https://user@accounts.example.com/",
        "file:///etc/passwd",
        "https:///x",
        "https://[::1",
    ],
)
def test_addresses_of_this_machine_and_its_neighbours_are_not_called(url: str) -> None:
    with pytest.raises(NotReached):
        check_address(url, allow_loopback=False)


def test_a_provider_on_this_machine_may_be_named_and_nothing_else_beside_it() -> None:
    check_address("http://127.0.0.1:8080/realms/x", allow_loopback=True)
    check_address("https://10.0.0.8/realms/x", allow_loopback=False)
    for url in ("http://169.254.169.254/", "http://10.0.0.8/", "https://169.254.169.254/"):
        with pytest.raises(NotReached):
            check_address(url, allow_loopback=True)


def test_a_document_speaks_for_its_own_issuer_only() -> None:
    with pytest.raises(NotReached):
        openid.read_document("https://a.example.com", {"issuer": "https://b.example.com"})
    assert openid.read_document("https://a.example.com/", {"issuer": "https://a.example.com"}).issuer
    tenants = "https://login.microsoftonline.com/{tenantid}/v2.0"
    assert openid.read_document(MICROSOFT, {"issuer": tenants}).issuer == tenants


def test_only_public_keys_for_signatures_are_taken_from_a_jwks() -> None:
    secret, encryption = OctKey.generate_key(256, {"kid": "o"}), RSAKey.generate_key(2048, {"kid": "e", "use": "enc"})
    good = ECKey.generate_key("P-256", {"kid": "g"})
    rows = [secret.as_dict(private=True), encryption.as_dict(), good.as_dict(private=True), {"kty": "RSA"}, 1]
    keys = openid.read_keys({"keys": rows})
    assert list(keys.by_id) == ["g"]
    assert not keys.by_id["g"].is_private
    with pytest.raises(NotReached):
        openid.read_keys({"keys": rows[:2]})


@pytest.mark.parametrize("audience", ["other", ["other"], [], None, 1, ["app", "other"]])
def test_a_token_for_others_is_refused(audience: object) -> None:
    with pytest.raises(NotValid):
        openid.check_audience({"aud": audience}, ("app",))


def test_a_token_for_several_names_the_one_it_was_issued_to() -> None:
    openid.check_audience({"aud": ["app", "other"], "azp": "app"}, ("app",))
    openid.check_audience({"aud": "app", "azp": "phone"}, ("app",))


@pytest.mark.parametrize("times", [{"exp": True}, {"exp": "9999999999"}, {"exp": 9e9, "nbf": 8e9}, {"exp": 0}, {}])
def test_a_token_out_of_its_time_is_refused(times: dict[str, object]) -> None:
    with pytest.raises(NotValid):
        openid.check_times(times)


def test_a_redirect_uri_of_the_old_back_end_is_not_used() -> None:
    table = {
        "google": {"enabled": True, "client_id": "a, b", "redirect_uri": "https://old.supabase.co/auth/v1/callback"}
    }
    found = read_providers(Table(table, "auth.external"), "https://own.example.com/auth/v1/callback")["google"]
    assert found.redirect_uri == "https://own.example.com/auth/v1/callback"
    assert found.client_ids == ("a", "b")
    assert found.problem == "missing OAuth secret"
