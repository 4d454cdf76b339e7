"""Read what the processes of a release have counted; the runtime writes it, see runtime/traffic.py."""

import struct
from pathlib import Path

from freehold.core.release import Traffic

FORMAT = struct.Struct("<QQ")


def read(directory: Path) -> Traffic:
    """Sum up all processes; all zero where none has counted."""
    requests = failed = 0
    for file in sorted(directory.iterdir()) if directory.is_dir() else ():
        content = file.read_bytes()
        if len(content) == FORMAT.size:
            counted = FORMAT.unpack(content)
            requests, failed = requests + counted[0], failed + counted[1]
    return Traffic(requests=requests, failed=failed)
