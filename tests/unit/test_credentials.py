import uuid

import pytest
from hashes import FIREBASE
from joserfc import jwt
from joserfc.jwk import OctKey

from freehold.platform.credentials import keys, one_time, passwords, refresh_tokens

SESSION = uuid.UUID("5f1c1bd2-5f0a-4a0c-8e59-3c6d5b0c9a11")


def argon2(algorithm: str, password: str) -> str:
    from argon2.low_level import Type, hash_secret  # noqa: PLC0415 - only this helper makes such hashes

    kind = Type.ID if algorithm == "argon2id" else Type.I
    return hash_secret(password.encode(), b"somesaltsomesalt", 2, 64, 1, 32, kind).decode()


def test_a_new_hash_is_bcrypt_with_cost_ten_and_verifies_only_its_password() -> None:
    stored = passwords.hash_password("correct horse")
    assert stored.startswith("$2b$10$")
    assert passwords.verify_password(stored, "correct horse")
    assert not passwords.verify_password(stored, "correct horsf")
    assert not passwords.verify_password(stored, "correct\0horse")


def test_a_password_of_a_firebase_user_is_verified_with_firebase_s_own_example() -> None:
    assert passwords.verify_password(FIREBASE, "user1password")
    assert not passwords.verify_password(FIREBASE, "user2password")


@pytest.mark.parametrize("algorithm", ["argon2i", "argon2id"])
def test_an_argon2_password_is_verified(algorithm: str) -> None:
    stored = argon2(algorithm, "pässword")
    assert passwords.verify_password(stored, "pässword")
    assert not passwords.verify_password(stored, "password")


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "plain text",
        "$2b$31$" + "a" * 53,
        "$argon2d$v=19$m=64,t=2,p=1$c29tZXNhbHQ$aGFzaA",
        "$argon2id$v=16$m=64,t=2,p=1$c29tZXNhbHQ$aGFzaA",
        "$argon2id$v=19$m=1048577,t=2,p=1$c29tZXNhbHQ$aGFzaA",
        "$argon2id$v=19$m=64,t=21,p=1$c29tZXNhbHQ$aGFzaA",
        "$argon2id$v=19$m=64,t=2,p=17$c29tZXNhbHQ$aGFzaA",
        "$argon2id$v=19$m=64,t=2,p=1,keyid=a$c29tZXNhbHQ$aGFzaA",
        "$fbscrypt$v=2,n=14,r=8,p=1$c2FsdA==$aGFzaA==",
        "$fbscrypt$v=1,n=0,r=8,p=1$c2FsdA==$aGFzaA==",
        "$fbscrypt$v=1,n=32,r=8,p=1$c2FsdA==$aGFzaA==",
    ],
)
def test_a_hash_that_is_unknown_or_too_costly_is_refused_before_any_work_is_done(stored: str) -> None:
    with pytest.raises(passwords.UnusableHash):
        passwords.check_hash(stored)
    with pytest.raises(passwords.UnusableHash):
        passwords.verify_password(stored, "any")


def test_the_kind_of_a_hash_tells_what_can_be_moved() -> None:
    encrypted = '{"key_id":"1","alg":"aes-gcm-hkdf","data":"YQ==","nonce":"YQ=="}'
    kinds = [passwords.kind_of_hash(item) for item in ("", encrypted, FIREBASE, argon2("argon2i", "a"), "x")]
    assert kinds == ["none", "encrypted", "firebase-scrypt", "argon2", "unknown"]
    assert passwords.kind_of_hash(passwords.stand_in_hash()) == "bcrypt"


def test_a_plain_refresh_token_has_twelve_characters() -> None:
    tokens = {refresh_tokens.new_plain_token() for _ in range(200)}
    assert len(tokens) == 200
    assert all(refresh_tokens.is_plain_token(token) for token in tokens)
    assert not refresh_tokens.is_plain_token("ABCDEFGHIJKL")
    assert not refresh_tokens.is_plain_token("abcdefghijklm")


@pytest.mark.parametrize("counter", [0, 1, 127, 128, 300, 2**40])
def test_a_counted_refresh_token_survives_the_way_out_and_back(counter: int) -> None:
    token = refresh_tokens.encode_counted_token(SESSION, counter, b"k" * 32)
    read = refresh_tokens.parse_counted_token(token)
    assert read is not None
    assert (read.session_id, read.counter) == (SESSION, counter)
    assert refresh_tokens.is_signed_with(read, b"k" * 32)
    assert not refresh_tokens.is_signed_with(read, b"j" * 32)


def test_a_damaged_counted_token_is_no_token() -> None:
    token = refresh_tokens.encode_counted_token(SESSION, 7, b"k" * 32)
    damaged = ("A" if token[5] != "A" else "B").join((token[:5], token[6:]))
    assert refresh_tokens.parse_counted_token(damaged) is None
    assert refresh_tokens.parse_counted_token("not base64 !") is None
    assert refresh_tokens.parse_counted_token("") is None


def test_an_encrypted_session_key_is_recognised() -> None:
    assert refresh_tokens.decode_hmac_key("a2V5") == b"key"
    assert refresh_tokens.decode_hmac_key('{"key_id":"1"}') is None


def test_a_link_token_does_not_follow_from_the_code() -> None:
    assert len(one_time.new_link_token()) == len(one_time.hash_of_code("a@example.com", "123456")) == 56
    assert one_time.new_link_token() != one_time.new_link_token()
    assert len(one_time.new_code(6)) == 6
    assert one_time.new_code(8).isdigit()


def test_new_keys_differ_and_name_their_roles() -> None:
    first, second = keys.new_keys(), keys.new_keys()
    assert first != second
    assert first.publishable_key.startswith("sb_publishable_")
    assert first.secret_key.reveal().startswith("sb_secret_")
    key = OctKey.import_key(first.jwt_secret.reveal())
    assert jwt.decode(first.anon_jwt, key).claims["role"] == "anon"
    assert jwt.decode(first.service_role_jwt.reveal(), key).claims["role"] == "service_role"
    assert repr(first.signing_key) == "Secret(…)"
