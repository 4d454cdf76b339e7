"""What a page says and hears on its WebSockets."""

from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE_SECONDS = 60


class PageFrames:
    """The frames of one direction, from every WebSocket that the page opens from now on."""

    def __init__(self, page: "Page", direction: Literal["framesent", "framereceived"]) -> None:
        self.texts: list[str] = []
        self._page = page
        page.on("websocket", lambda live: live.on(direction, lambda frame: self.texts.append(str(frame))))

    def wait_for(self, text: str) -> None:
        """Wait until a frame holds the text; the page goes on meanwhile."""
        for _ in range(PATIENCE_SECONDS * 10):
            if any(text in frame for frame in self.texts):
                return
            self._page.wait_for_timeout(100)
        pytest.fail(f"no frame of the page holds {text}: {self.texts}")
