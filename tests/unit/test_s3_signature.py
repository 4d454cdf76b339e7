"""Requests to an object store are signed as its makers' own example is."""

from datetime import UTC, datetime

import pytest

from freehold.core.errors import BadUsage
from freehold.core.secret import Secret
from freehold.data.sources.s3 import S3, Signer

MOMENT = datetime(2013, 5, 24, tzinfo=UTC)
WANTED = (
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
    "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
    "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
)


def test_the_published_example_gets_the_published_signature() -> None:
    """Example "GET Object" of Amazon's description of version 4 signatures; its key opens nothing."""
    key = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    signer = Signer(key_id="AKIAIOSFODNN7EXAMPLE", key=key, region="us-east-1")
    sent = signer.signed("examplebucket.s3.amazonaws.com", "/test.txt", {"range": "bytes=0-9"}, MOMENT)
    assert sent["authorization"] == WANTED


def test_a_key_without_its_second_part_is_refused() -> None:
    with pytest.raises(BadUsage, match="two parts"):
        S3("s3+https://example.org/storage/v1/s3?region=eu-west-1", Secret("only-one"))


def test_no_key_stands_in_what_is_told() -> None:
    store = S3("s3+https://example.org:9000/storage/v1/s3?region=eu-west-1", Secret("id:canary"))
    assert store.described == "https://example.org:9000/storage/v1/s3"
