"""Whether a trail is what was once written."""

from collections.abc import Sequence

from freehold.core import trail
from freehold.core.errors import TrailBroken


def verify(lines: Sequence[str]) -> str:
    """Give the hash of the last line when the chain holds; raises TrailBroken with the first line that does not."""
    fault = trail.fault(lines)
    if fault:
        raise TrailBroken(
            f"the trail was changed: {fault}",
            detail=f"{len(lines)} lines; those before it are as they were written",
            hint="compare it with a copy from a backup: every line is written once",
        )
    return trail.read(lines[-1]).hash if lines else trail.START
