"""Frames, joins, presence, values and filters of realtime: what needs no server."""

import contextlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.runtime.realtime import frames, joins
from freehold.runtime.realtime.changes import bindings, filters, values
from freehold.runtime.realtime.changes.bindings import Index
from freehold.runtime.realtime.changes.filters import BadFilter, is_like
from freehold.runtime.realtime.changes.pgoutput import Change
from freehold.runtime.realtime.frames import BadFrame, UserBroadcast
from freehold.runtime.realtime.joins import BadJoin
from freehold.runtime.realtime.limits import Allowance
from freehold.runtime.realtime.presence import Presences


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60)), st.sampled_from(frames.VERSIONS))
def test_no_frame_does_more_than_be_refused(frame: str | bytes, version: str) -> None:
    with contextlib.suppress(BadFrame):
        frames.read(frame, version)


def test_a_broadcast_whose_name_is_too_long_for_a_binary_frame_goes_as_text() -> None:
    sent = UserBroadcast("e" * 300, b'{"a":1}')
    text = frames.broadcast("2.0.0", "realtime:x", sent)
    assert isinstance(text, str)
    assert orjson.loads(text)[4]["payload"] == {"a": 1}


def test_bytes_are_not_sent_to_the_old_protocol() -> None:
    assert frames.broadcast("1.0.0", "realtime:x", UserBroadcast("e", b"\xff", is_json=False)) is None


@pytest.mark.parametrize(
    "payload",
    [
        {"config": {"postgres_changes": {}}},
        {"config": {"postgres_changes": [1]}},
        {"config": {"postgres_changes": [{"event": "SOMETIMES"}]}},
        {"config": {"postgres_changes": [{"table": "t", "filter": "nonsense"}]}},
        {"config": {"postgres_changes": [{"table": "*", "filter": "a=eq.1"}]}},
        {"config": {"postgres_changes": [{"table": "t"}] * 101}},
        {"config": {"presence": {"key": "k" * 300}}},
        {"config": {"broadcast": {"replay": {"since": -1}}, "private": True}},
    ],
)
def test_a_join_that_cannot_be_read_is_refused(payload: dict[str, object]) -> None:
    with pytest.raises(BadJoin):
        joins.read("realtime:x", payload)


def test_a_topic_needs_its_prefix() -> None:
    for topic in ("x", "realtime:", "phoenix"):
        with pytest.raises(BadJoin):
            joins.read(topic, {})


@pytest.mark.parametrize(
    ("text", "type_name", "element", "expected"),
    [
        ("t", "bool", "", b"true"),
        ("-5", "int8", "", b"-5"),
        ("9223372036854775807", "int8", "", b"9223372036854775807"),
        ("1.50", "numeric", "", b"1.50"),
        ("NaN", "numeric", "", b'"NaN"'),
        ("1e+20", "float8", "", b"1e+20"),
        ('{"a": 1}', "jsonb", "", b'{"a": 1}'),
        ("2026-01-02 03:04:05+00", "timestamptz", "", b'"2026-01-02T03:04:05+00:00"'),
        ("2026-01-02 03:04:05.5", "timestamp", "", b'"2026-01-02T03:04:05.5"'),
        ("infinity", "timestamptz", "", b'"infinity"'),
        ("2026-01-02", "date", "", b'"2026-01-02"'),
        ("{}", "_int4", "int4", b"[]"),
        ("{1,NULL,3}", "_int4", "int4", b"[1,null,3]"),
        ("[0:1]={1,2}", "_int4", "int4", b"[1,2]"),
        ("{{a,b},{c,d}}", "_text", "text", b'[["a","b"],["c","d"]]'),
        ('{"a \\"b\\"","NULL","{x,y}",""}', "_text", "text", b'["a \\"b\\"","NULL","{x,y}",""]'),
        ('{"{\\"a\\": [1]}"}', "_jsonb", "jsonb", b'[{"a": [1]}]'),
    ],
)
def test_values_become_the_json_that_to_jsonb_gives(text: str, type_name: str, element: str, expected: bytes) -> None:
    assert orjson.dumps(values.to_json(text, type_name, element)) == expected


def test_conditions_are_joined_by_commas_and_values_may_hold_them() -> None:
    found = filters.read('a=eq.x, y,b=not.in.(1,"2,3",4),"c d"=is.null')
    assert [(one.column, one.operator, one.values, one.negated) for one in found] == [
        ("a", "eq", ("x, y",), False),
        ("b", "in", ("1", "2,3", "4"), True),
        ("c d", "is", ("null",), False),
    ]
    for bad in ("a", "a=b", "=eq.1", "a=is.x", "a=in.1", f"a=in.({','.join('1' * 101)})"):
        with pytest.raises(BadFilter):
            filters.read(bad)


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [("abc", "a%", True), ("abc", "_b_", True), ("abc", "b", False), ("a%c", r"a\%c", True), ("abc", r"a\%c", False)],
)
def test_like_is_sqls(text: str, pattern: str, *, expected: bool) -> None:
    assert is_like(text, pattern) is expected


def test_like_takes_no_exponential_time() -> None:
    assert not is_like("a" * 2000, "%a" * 40 + "b")


def test_an_index_finds_by_value_and_forgets() -> None:
    index: Index[str] = Index()
    asked = {"event": "*", "schema": "public", "table": "t", "filter": "owner=eq.ann"}
    binding = bindings.read(asked)
    everything = bindings.read({"event": "DELETE", "schema": "*"})
    index.add("one", binding)
    index.add("two", everything)
    row = {"id": "1", "owner": "ann"}
    insert = Change("INSERT", 1, "public", "t", row, {}, 0, 1, 1)
    delete = Change("DELETE", 1, "public", "t", {}, row, 0, 1, 1)
    other = Change("INSERT", 1, "public", "t", {"owner": "ben"}, {}, 0, 1, 1)
    assert [name for name, _ in index.candidates(insert)] == ["one"]
    assert [name for name, _ in index.candidates(delete)] == ["one", "two"]
    assert index.candidates(other) == []
    index.remove("one", binding)
    index.remove("two", everything)
    index.remove("two", everything)
    assert index.size == 0
    assert index.candidates(delete) == []


def test_presences_of_a_worker_that_ended_are_gone() -> None:
    presences = Presences()
    room = (False, "room")
    presences.track(room, "a.1", "ann", {"x": 1}, "a")
    presences.track(room, "b.1", "ben", {}, "b")
    ((gone_room, diff),) = presences.drop_worker("a")
    assert (gone_room, list(diff.leaves), diff.joins) == (room, ["ann"], {})
    assert list(presences.state(room)) == ["ben"]
    assert not presences.untrack(room, "a.1")


def test_an_allowance_refills_evenly() -> None:
    now = [0.0]
    allowance = Allowance(2, 1, lambda: now[0])
    assert [allowance.take() for _ in range(3)] == [True, True, False]
    now[0] = 0.5
    assert [allowance.take() for _ in range(2)] == [True, False]
