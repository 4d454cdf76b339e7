"""Files by S3's protocol, from moto's server, which checks every signature as AWS does."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from freehold.core.errors import DatabaseUnavailable
from freehold.core.secret import Secret
from freehold.data.sources.files import FileMissing
from freehold.data.sources.s3 import S3

NAMES = ("plain.txt", "folder/a (1) & b+c's é.txt", "a//b", "ünï/%41?x=#.png", "~tilde", "dot./x")
PREPARATIONS = 4 + len(NAMES)
"""What is asked before a signature counts: a bucket, its objects, and a user who may read them."""
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[str, str]]:
    """Its address and the key of a user of it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    plain = {"content-type": "text/plain"}
    wanted = urllib.request.Request(f"{url}/moto-api/reset-auth", str(PREPARATIONS).encode(), plain)
    urllib.request.urlopen(wanted, timeout=10).close()
    yield url, _filled(url)
    server.stop()


def _filled(url: str) -> str:
    def client(service: str) -> Any:
        return boto3.client(
            service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )

    client("s3").create_bucket(Bucket="private")
    for name in NAMES:
        client("s3").put_object(Bucket="private", Key=name, Body=name.encode() * 100)
    client("iam").create_user(UserName="mover")
    client("iam").put_user_policy(UserName="mover", PolicyName="read", PolicyDocument=json.dumps(POLICY))
    key = client("iam").create_access_key(UserName="mover")["AccessKey"]
    return f"{key['AccessKeyId']}:{key['SecretAccessKey']}"


async def _read(url: str, key: str, name: str) -> bytes:
    async with S3(f"s3+{url}?region=us-east-1", Secret(key)).opened() as files:
        return b"".join([piece async for piece in files.read("private", name)])


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_comes_whatever_it_is_called(store: tuple[str, str], name: str) -> None:
    assert await _read(*store, name) == name.encode() * 100


async def test_a_file_that_is_not_there_is_missing(store: tuple[str, str]) -> None:
    with pytest.raises(FileMissing):
        await _read(*store, "nowhere.txt")


async def test_a_wrong_key_is_refused_and_no_file_is_taken_for_missing(store: tuple[str, str]) -> None:
    url, key = store
    with pytest.raises(DatabaseUnavailable, match="refuses the key"):
        await _read(url, key[:-1] + ("A" if key[-1] != "A" else "B"), "plain.txt")
