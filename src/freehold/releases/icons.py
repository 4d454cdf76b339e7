"""Icons that are none: some builders save a text where a picture should be, and Expo's export stops at it."""

import json
from pathlib import Path

from freehold.kit import json_text

_PICTURES = (b"\x89PNG", b"\xff\xd8", b"GIF8", b"RIFF", b"\x00\x00\x01\x00", b"BM", b"<svg", b"<?xml")


def leave_out(folder: Path) -> str:
    """Take a favicon that is no picture out of app.json in the scratch folder; gives a note, "" for nothing done."""
    path = folder / "app.json"
    try:
        settings = json_text.read(path.read_text(encoding="utf-8-sig"))
        icon = settings["expo"]["web"]["favicon"]
        first = (folder / icon).read_bytes()[:8].lstrip()
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if first.startswith(_PICTURES):
        return ""
    del settings["expo"]["web"]["favicon"]
    path.write_text(json.dumps(settings, indent=2), encoding="utf-8")
    return f"The app's icon {icon} is no picture: built without it"
