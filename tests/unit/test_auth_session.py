"""Who a token says is asking: attacks on the reading of JWTs."""

import base64
import dataclasses
import hashlib
import hmac
import json
import time

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from freehold.core.secret import Secret
from freehold.platform.credentials import keys
from freehold.runtime.session import Refused, Sessions
from freehold.runtime.settings import Settings

KEYS = keys.new_keys()
NOW = int(time.time())
NOTHING = Secret("")
SETTINGS = Settings(
    public_url="https://app.example.com",
    rest_dsn=NOTHING,
    auth_dsn=NOTHING,
    storage_dsn=NOTHING,
    jwt_secret=KEYS.jwt_secret,
    signing_key=KEYS.signing_key,
    publishable_key=KEYS.publishable_key,
    secret_key=KEYS.secret_key,
    anon_jwt=KEYS.anon_jwt,
    service_role_jwt=KEYS.service_role_jwt,
    anon_names=("the old project's anon key",),
)
SESSIONS = Sessions(SETTINGS)
USER = {"sub": "5f1c1bd2-5f0a-4a0c-8e59-3c6d5b0c9a11", "role": "authenticated", "exp": NOW + 86400}


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def by_hmac(header: dict[str, str], claims: dict[str, object], secret: bytes) -> str:
    content = f"{part(header)}.{part(claims)}"
    return f"{content}.{part(hmac.digest(secret, content.encode(), 'sha256'))}"


def test_a_token_we_signed_says_who_is_asking() -> None:
    caller = SESSIONS.verify(SESSIONS.mint(USER))
    assert (caller.role, caller.user_id) == ("authenticated", USER["sub"])
    assert json.loads(caller.claims_json) == USER


def test_an_unsigned_token_is_refused() -> None:
    for algorithm in ("none", "None", "NONE", ""):
        token = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(USER | {'role': 'service_role'})}."
        with pytest.raises(Refused):
            SESSIONS.verify(token)


def test_the_public_key_is_no_hmac_secret() -> None:
    public = ECKey.import_key(json.loads(KEYS.signing_key.reveal()))
    kid = str(public.kid)
    shown = SESSIONS.jwks()["keys"][0]  # type: ignore[index]
    for secret in (public.as_pem(private=False), json.dumps(shown).encode(), str(shown["x"]).encode(), b""):
        for header in ({"alg": "HS256"}, {"alg": "HS256", "kid": kid}):
            with pytest.raises(Refused):
                SESSIONS.verify(by_hmac(header, USER | {"role": "service_role"}, secret))


def test_another_key_is_refused_even_under_our_kid() -> None:
    own = json.loads(KEYS.signing_key.reveal())
    other = ECKey.generate_key("P-256", {"kid": own["kid"]}, private=True)
    rsa = RSAKey.generate_key(2048, {"kid": own["kid"]}, private=True)
    for token in (
        jwt.encode({"alg": "ES256", "kid": own["kid"]}, USER, other),
        jwt.encode({"alg": "RS256", "kid": own["kid"]}, USER, rsa),
        jwt.encode({"alg": "ES256", "kid": "another"}, USER, ECKey.import_key(own)),
        jwt.encode({"alg": "HS256"}, USER, OctKey.import_key("another secret of more than 32 characters")),
    ):
        with pytest.raises(Refused):
            SESSIONS.verify(token)


def test_a_key_sent_inside_the_token_is_not_believed() -> None:
    other = ECKey.generate_key("P-256", private=True)
    header = {"alg": "ES256", "jwk": other.as_dict(private=False), "jku": "https://evil.example/jwks.json"}
    content = f"{part(header)}.{part(USER)}"
    with pytest.raises(Refused):
        SESSIONS.verify(f"{content}.{part(hashlib.sha256(content.encode()).digest() * 2)}")


def test_a_changed_token_is_refused() -> None:
    header, claims, signature = SESSIONS.mint(USER).split(".")
    forged = part(USER | {"role": "service_role"})
    for token in (f"{header}.{forged}.{signature}", f"{header}.{claims}.", f"{header}.{claims}", f"{claims}", "..", ""):
        with pytest.raises(Refused):
            SESSIONS.verify(token)


def signed(**claims: object) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(KEYS.jwt_secret.reveal()))


@pytest.mark.parametrize(
    "claims",
    [
        {"role": "authenticated", "sub": "x"},
        {"role": "anon", "session_id": "x"},
        {"role": "anon", "exp": NOW - 60},
        {"role": "anon", "exp": "never"},
        {"role": "anon", "exp": True},
        {"role": "anon", "nbf": NOW + 86400},
        {"role": "anon", "iat": NOW + 86400},
        {"role": "none"},
        {"role": ""},
        {"role": ["service_role"]},
        {"role": {"a": 1}},
    ],
)
def test_claims_that_do_not_hold_are_refused(claims: dict[str, object]) -> None:
    with pytest.raises(Refused):
        SESSIONS.verify(signed(**claims))


@pytest.mark.parametrize(("seconds", "reason"), [(91, "JWT expired"), (-41, "JWT not yet valid"), (-61, "JWT not yet")])
def test_a_token_is_refused_outside_its_time_though_it_was_seen_before(
    monkeypatch: pytest.MonkeyPatch, seconds: int, reason: str
) -> None:
    sessions = Sessions(SETTINGS)
    now = int(time.time())
    token = signed(role="anon", exp=now + 60, nbf=now - 10, iat=now - 10)
    for allowed in (0, 90, -40):
        monkeypatch.setattr(time, "time", lambda allowed=allowed: now + allowed)
        assert sessions.verify(token).role == "anon"
    monkeypatch.setattr(time, "time", lambda: now + seconds)
    with pytest.raises(Refused, match=reason):
        sessions.verify(token)


def test_a_missing_role_is_anon_and_never_more() -> None:
    assert SESSIONS.verify(signed(sub="x")).role == "anon"


def test_keys_are_names_for_roles() -> None:
    def role(apikey: str, bearer: str = "") -> str:
        headers = [(b"apikey", apikey.encode())]
        headers += [(b"authorization", f"Bearer {bearer}".encode())] if bearer else []
        return SESSIONS.identify(headers).role

    secret, service = KEYS.secret_key.reveal(), KEYS.service_role_jwt.reveal()
    assert role(KEYS.publishable_key, KEYS.publishable_key) == "anon"
    assert role("the old project's anon key", "the old project's anon key") == "anon"
    assert role(secret, secret) == role(service, service) == "service_role"
    assert role(KEYS.publishable_key, secret) == "anon", "a bearer that is a key is no token"
    assert role(secret, KEYS.anon_jwt) == "anon", "a bearer that is a token decides"
    for unknown in ("sb_secret_x", "sb_publishable_x", "x", "sb_"):
        with pytest.raises(Refused):
            role(unknown)
    with pytest.raises(Refused, match="No API key"):
        SESSIONS.identify([])


def test_an_rsa_key_signs_too_and_only_with_its_own_algorithm() -> None:
    key = RSAKey.generate_key(2048, private=True)
    settings = dataclasses.replace(SETTINGS, signing_key=Secret(json.dumps(key.as_dict(private=True))))
    sessions = Sessions(settings)
    token = sessions.mint(USER)
    assert sessions.verify(token).role == "authenticated"
    assert sessions.jwks()["keys"][0]["alg"] == "RS256"  # type: ignore[index]
    assert "d" not in sessions.jwks()["keys"][0]  # type: ignore[index]
    with pytest.raises(Refused):
        SESSIONS.verify(token)
    with pytest.raises(Refused):
        sessions.verify(SESSIONS.mint(USER))
