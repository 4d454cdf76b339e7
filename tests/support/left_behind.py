"""What a test leaves behind in asyncio: tasks that nobody ends, faults that nobody asks for, sessions nobody closes.

asyncio tells of them when they are collected, in the middle of a later test. Python 3.11 formats what it tells with
ast.parse, which breaks an ast.parse under way, as in an import that pytest rewrites: then the later test fails.
"""

import gc
import logging

FREEZE_EVERY = 200
"""Collections: what lives longer is looked at no more, so one takes 3 ms."""


class LeftBehind(logging.Handler):
    """Keeps what asyncio says of it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._told: list[str] = []
        self._collections = 0
        logging.getLogger("asyncio").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self._told.append(self.format(record))

    def collected(self) -> list[str]:
        """Collect what is left, and give what was told since the last time."""
        gc.collect()
        if self._collections % FREEZE_EVERY == 0:
            gc.freeze()
        self._collections += 1
        told, self._told = self._told, []
        return told
