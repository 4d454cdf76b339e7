"""JSON from outside is read as ever, and whatever is wrong with it is a ValueError."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import nested
import pytest

from freehold.kit import json_text

SOURCE = Path(__file__).parents[2] / "src/freehold"
OUR_OWN = {
    "what it wrote itself, on this machine": {
        "core/trail.py", "flows/move_papers.py", "flows/up_build.py", "releases/functions.py", "releases/server.py",
        "releases/site_artifact.py", "runtime/mail/page.py", "runtime/settings.py", "runtime/site/server.py",
        "targets/records.py", "targets/local/database_access.py", "targets/local/keys.py", "targets/local/state.py",
        "targets/server/remote/keys.py", "targets/server/remote/own_server.py", "targets/server/remote/runtimes.py",
        "targets/server/remote/state.py", "targets/server/remote/units.py",
    },
    "what its own programs say": {
        "kit/confinement/__init__.py", "kit/deno.py", "kit/postgres_programs.py",
        "runtime/site/python/doors.py", "runtime/site/python/inside/entry.py",
        "targets/local/control.py", "targets/server/agent.py", "targets/server/remote/main.py",
    },
    "what its own statements give": {
        "data/closing.py", "runtime/storage/buckets.py", "runtime/storage/downloads.py", "runtime/storage/listing.py",
        "runtime/storage/objects.py", "runtime/storage/uploads.py",
    },
    "the owner's keys": {"runtime/rest/identity.py", "runtime/session.py"},
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        "[NaN,Infinity,-Infinity]",
        "123456789012345678901234567890",
        '"\\ud800"',
        b"\xef\xbb\xbf[1]",
        '{"a":1.10}'.encode("utf-16"),
        bytearray(b"[1e400]"),
    ],
)
def test_what_can_be_read_is_read_as_the_standard_library_does(text: str | bytes | bytearray) -> None:
    assert repr(json_text.read(text)) == repr(json.loads(text))


@pytest.mark.parametrize("text", ["", "{", b"\xff", '"\n"', nested.text(), nested.text().encode()])
def test_what_cannot_be_read_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_text.read(text)


def test_control_characters_stand_in_texts_where_they_may() -> None:
    assert json_text.read('"\n"', strict=False) == "\n"


def test_the_standard_library_reads_what_is_our_own_and_nothing_else() -> None:
    reading = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if any(_reads(path))}
    assert reading - {"kit/json_text.py"} == set().union(*OUR_OWN.values())


def _reads(path: Path) -> Iterator[ast.Attribute]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"json.load", "json.loads", "json.JSONDecoder"}:
            yield node
