"""A trail is a chain: what was written cannot be changed, moved or left out unseen."""

import json

import pytest

from freehold.core import trail

HOSTILE = ('a"b', "../../etc", "x\ny", "ü" * 300, "", "\u2028", "'; drop table x; --")


def chain(*whats: str) -> list[str]:
    lines: list[str] = []
    for what in whats:
        act = trail.Act(who=f"anna {what}", what=what, result="done", plan=("Upload", what))
        lines.append(trail.following(lines[-1] if lines else "", act, "2026-01-02T03:04:05+00:00"))
    return lines


def test_a_chain_of_any_texts_is_whole_and_reads_back() -> None:
    lines = chain(*HOSTILE)
    assert trail.fault(lines) == ""
    assert [trail.read(line).act.what for line in lines] == list(HOSTILE)
    assert all("\n" not in line for line in lines)


@pytest.mark.parametrize("position", range(3))
def test_a_changed_line_is_named(position: int) -> None:
    lines = chain("deploy", "rollback", "prune", "deploy")
    changed = json.loads(lines[position])
    changed["who"] = "nobody"
    lines[position] = json.dumps(changed, sort_keys=True)
    assert f"line {position + 1} was changed" in trail.fault(lines)


def test_lines_that_were_taken_out_or_moved_are_noticed() -> None:
    lines = chain("a", "b", "c", "d")
    assert "line 2 does not follow" in trail.fault([lines[0], *lines[2:]])
    assert "line 1 does not follow" in trail.fault(lines[1:])
    assert "line 2 does not follow" in trail.fault([lines[0], lines[2], lines[1], lines[3]])
    assert "line 2 does not follow" in trail.fault([lines[0], lines[0]])


@pytest.mark.parametrize("line", ["", "{}", "[]", "nonsense", '{"number": 1}', "3"])
def test_what_is_no_entry_is_said_to_be_none(line: str) -> None:
    assert "line 1 cannot be read" in trail.fault([line])


def test_a_changed_line_with_a_new_hash_breaks_the_next_one() -> None:
    lines = chain("a", "b", "c")
    forged = trail.following(lines[0], trail.Act(who="eve", what="b", result="done"), "2026-01-02T03:04:05+00:00")
    assert "line 3 does not follow" in trail.fault([lines[0], forged, lines[2]])
