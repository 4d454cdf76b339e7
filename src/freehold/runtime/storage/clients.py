"""Old clients that break on what newer ones expect."""

import re
from collections.abc import Mapping

_SUPABASE_PY = re.compile(r"supabase-py/(\d+)\.(\d+)\.(\d+)")
_STORAGE3 = re.compile(r"supabase-py/storage3 v(\d+)\.(\d+)\.(\d+)")


def reads_bucket_types(headers: Mapping[str, str]) -> bool:
    """False for supabase-py before 2.18.0 and storage3 before 0.12.1, which fail on an unknown property `type`."""
    old_python = _before(_SUPABASE_PY, headers.get("x-client-info", ""), (2, 18, 0))
    old_storage = _before(_STORAGE3, headers.get("user-agent", ""), (0, 12, 1))
    return not old_python and not old_storage


def _before(pattern: re.Pattern[str], text: str, version: tuple[int, int, int]) -> bool:
    match = pattern.search(text)
    return match is not None and tuple(int(part) for part in match.groups()) < version
