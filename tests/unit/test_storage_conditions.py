"""Conditional and partial reads by RFC 9110."""

import pytest

from freehold.runtime.storage.conditions import not_modified, wanted_range
from freehold.runtime.storage.errors import StorageError

ETAG = '"abc"'
CHANGED = 1_700_000_000
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({}, False),
        ({"if-none-match": '"abc"'}, True),
        ({"if-none-match": 'W/"abc"'}, True),
        ({"if-none-match": '"x", "abc"'}, True),
        ({"if-none-match": "*"}, True),
        ({"if-none-match": '"x"'}, False),
        ({"if-modified-since": DATE}, True),
        ({"if-modified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}, False),
        ({"if-modified-since": "yesterday"}, False),
        ({"if-none-match": '"x"', "if-modified-since": DATE}, False),
    ],
)
def test_what_the_client_has_is_not_sent_again(headers: dict[str, str], same: bool) -> None:
    assert not_modified(headers, ETAG, CHANGED) is same


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-5", (2, 4)),
        ("bytes=2-", (2, 8)),
        ("bytes=2-999", (2, 8)),
        ("bytes=-3", (7, 3)),
        ("bytes=-999", (0, 10)),
    ],
)
def test_a_part_is_cut_to_what_there_is(text: str, part: tuple[int, int]) -> None:
    assert wanted_range({"range": text}, ETAG, CHANGED, 10) == part


@pytest.mark.parametrize(
    "text", ["bytes=10-", "bytes=5-2", "bytes=-", "bytes=-0", "bytes=0-1,3-4", "lines=0-1", "bytes=x-"]
)
def test_a_part_outside_of_the_object_is_416(text: str) -> None:
    with pytest.raises(StorageError) as refused:
        wanted_range({"range": text}, ETAG, CHANGED, 10)
    assert refused.value.http_status == 416


@pytest.mark.parametrize(("if_range", "part"), [('"abc"', (2, 8)), ('"x"', None), (DATE, (2, 8))])
def test_a_client_continues_only_what_has_not_changed(if_range: str, part: tuple[int, int] | None) -> None:
    assert wanted_range({"range": "bytes=2-", "if-range": if_range}, ETAG, CHANGED, 10) == part
