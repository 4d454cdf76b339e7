"""A request's head is read once for all requests that bring the same headers, and never for others."""

import json

from freehold.runtime.rest import request
from freehold.runtime.rest.request import Heads

Raw = list[tuple[bytes, bytes]]


def test_headers_are_read_by_name_and_those_sent_twice_are_joined() -> None:
    head = Heads().read(scope([(b"accept", b"a/b"), (b"x", b"1"), (b"x", b"2"), (b"y", b"\xc3\xa9"), (b"z", b"\xe9")]))
    assert head.headers == {"accept": "a/b", "x": "1, 2", "y": "é", "z": "é"}
    assert dict(zip(request.SHAPING, head.fields.shaping, strict=True))["accept"] == "a/b"
    assert json.loads(head.fields.as_json) == head.headers


def test_cookies_stand_apart() -> None:
    fields = Heads().read(scope([(b"cookie", b"a=1; b=x=y; c"), (b"host", b"h")])).fields
    assert json.loads(fields.as_json) == {"host": "h"}
    assert json.loads(fields.cookies_as_json) == {"a": "1", "b": "x=y", "c": ""}
    assert Heads().read(scope([])).fields.cookies_as_json == b"{}"


def test_the_same_headers_are_read_once_and_others_are_not_mistaken_for_them() -> None:
    heads = Heads()
    ann = heads.read(scope([(b"authorization", b"Bearer ann")]))
    again = heads.read(scope([(b"authorization", b"Bearer ann")], path="/other"))
    ben = heads.read(scope([(b"authorization", b"Bearer ben")]))
    assert again.fields is ann.fields
    assert (again.path, ben.headers["authorization"]) == ("/other", "Bearer ben")


def test_neither_many_heads_nor_long_ones_fill_the_memory() -> None:
    heads = Heads()
    half = b"y" * (request.REMEMBERED_HEAD_BYTES // 2)
    for headers in ([(b"x", half + half)], [(b"x", half), (b"z", half)], [(b"cookie", b";" * len(half + half))]):
        assert heads.read(scope(headers)).fields is not heads.read(scope(headers)).fields
    first = heads.read(scope([(b"n", b"0")])).fields
    for number in range(1, request.REMEMBERED_HEADS + 1):
        heads.read(scope([(b"n", b"%d" % number)]))
    assert heads.read(scope([(b"n", b"0")])).fields is not first


def scope(headers: Raw, path: str = "/x") -> dict[str, object]:
    """What an ASGI server says of a request."""
    return {"method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers}
