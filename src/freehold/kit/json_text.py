"""JSON that somebody else wrote."""

import json
from typing import Any


def read(text: str | bytes | bytearray, *, strict: bool = True) -> Any:  # noqa: ANN401 - JSON is any value
    """Read a value; ValueError for what cannot be read, be it broken or nested without end.

    What is read is what `json.loads` reads, which says RecursionError of the latter. With `strict` off, control
    characters may stand in texts.
    """
    try:
        return json.loads(text, strict=strict)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
