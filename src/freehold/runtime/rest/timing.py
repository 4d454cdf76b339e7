"""How long the stages of a request took, for the Server-Timing header."""

import time

STAGES = ("jwt", "parse", "plan", "transaction", "response")


class Timing:
    """A stop watch."""

    def __init__(self) -> None:
        """Start it."""
        self._last = time.perf_counter()
        self._milliseconds = dict.fromkeys(STAGES, 0.0)

    def mark(self, stage: str) -> None:
        """Say that a stage ended now."""
        now = time.perf_counter()
        self._milliseconds[stage] = (now - self._last) * 1000
        self._last = now

    def header(self) -> bytes:
        """Write the header's value, durations in milliseconds."""
        return ", ".join(f"{stage};dur={value:.1f}" for stage, value in self._milliseconds.items()).encode()
