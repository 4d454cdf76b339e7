"""The tutorial's commands print what the tutorial says."""

import runpy
import socket
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]


def test_the_first_hour_goes_as_it_is_told() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 8000))
        except OSError:
            pytest.skip("port 8000, which the tutorial uses, is taken on this machine")
    page = (ROOT / "docs/tutorial/first-hour.md").read_text()
    play = runpy.run_path(str(ROOT / "scripts/play_tutorial.py"))["play"]
    assert play(page) == page
