"""A signed URL is good for one object, one act and a while."""

import time

import nested
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from freehold.core.secret import Secret
from freehold.runtime.storage.errors import StorageError
from freehold.runtime.storage.tokens import Tokens

SECRET = "a secret of more than thirty-two characters"
TOKENS = Tokens(Secret(SECRET))


def signed(**claims: object) -> str:
    return jwt.encode({"alg": "HS256"}, {"exp": int(time.time()) + 60, **claims}, OctKey.import_key(SECRET))


def test_a_download_token_reads_its_object() -> None:
    token = TOKENS.for_download("b/k", 60)
    assert time.time() < TOKENS.verify_download(token, "b/k").expires_at <= time.time() + 60


def test_an_upload_token_says_who_owns_and_whether_it_replaces() -> None:
    said = TOKENS.verify_upload(TOKENS.for_upload("b/k", owner="ann", upsert=True), "b/k")
    assert (said.owner, said.upsert) == ("ann", True)


def test_a_token_is_for_one_act() -> None:
    with pytest.raises(StorageError, match="not scoped for upload"):
        TOKENS.verify_upload(TOKENS.for_download("b/k", 60), "b/k")
    with pytest.raises(StorageError, match="not scoped for download"):
        TOKENS.verify_download(TOKENS.for_upload("b/k", owner=None, upsert=False), "b/k")


def test_tokens_of_older_servers_are_told_apart_by_upsert() -> None:
    assert TOKENS.verify_download(signed(url="b/k"), "b/k")
    assert TOKENS.verify_upload(signed(url="b/k", upsert=False), "b/k")
    with pytest.raises(StorageError):
        TOKENS.verify_upload(signed(url="b/k"), "b/k")
    with pytest.raises(StorageError):
        TOKENS.verify_download(signed(url="b/k", upsert=False), "b/k")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "not-a-jwt", signed(url="b/k")[:-4] + "AAAA", *nested.tokens()])
def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(StorageError) as refused:
        TOKENS.verify_download(token, "b/k")
    assert refused.value.code == "InvalidJWT"


def test_an_unsigned_token_is_refused() -> None:
    head, body, _ = signed(url="b/k").split(".")
    none = "eyJhbGciOiJub25lIn0"
    assert head != none
    with pytest.raises(StorageError):
        TOKENS.verify_download(f"{none}.{body}.", "b/k")


@pytest.mark.parametrize("claims", [{"exp": 1}, {"exp": None}, {"exp": "later"}])
def test_a_token_without_time_left_is_refused(claims: dict[str, object]) -> None:
    with pytest.raises(StorageError, match="exp"):
        TOKENS.verify_download(signed(url="b/k", **claims), "b/k")


@pytest.mark.parametrize("claims", [{"url": "b/other"}, {}, {"url": ["b/k"]}, {"sub": "ann", "role": "service_role"}])
def test_a_token_for_something_else_is_refused(claims: dict[str, object]) -> None:
    with pytest.raises(StorageError) as refused:
        TOKENS.verify_download(signed(**claims), "b/k")
    assert refused.value.code == "InvalidSignature"
