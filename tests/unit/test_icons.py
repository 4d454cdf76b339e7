"""A picture that is none does not stop a build."""

import json
from pathlib import Path

import pytest

from freehold.releases import icons

APP = {"expo": {"name": "pots", "web": {"bundler": "metro", "favicon": "./icon.png"}}}


@pytest.mark.parametrize(("content", "kept"), [(b"\x89PNG\r\n", True), (b"data placeholder", False), (b"", False)])
def test_an_icon_that_is_no_picture_is_left_out_and_told(tmp_path: Path, content: bytes, kept: bool) -> None:
    (tmp_path / "app.json").write_text(json.dumps(APP))
    (tmp_path / "icon.png").write_bytes(content)
    note = icons.leave_out(tmp_path)
    assert ("favicon" in json.loads((tmp_path / "app.json").read_text())["expo"]["web"]) is kept
    assert ("icon.png" in note) is not kept


@pytest.mark.parametrize("text", [None, "{broken", "[]", '{"expo": {}}', '{"expo": {"web": {"favicon": "gone.png"}}}'])
def test_what_cannot_be_read_is_left_as_it_is(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "app.json").write_text(text)
    assert icons.leave_out(tmp_path) == ""
    assert text is None or (tmp_path / "app.json").read_text() == text
