"""Addresses of files on the builder's hosts, and the links that stand in their place once a file is here."""

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from freehold.kit import postgres

HOSTS = (
    r"https://media\.base44\.com/",
    r"https://qtrypzzcjebvfcihiynt\.supabase\.co/storage/v1/object/public/base44-prod/",
    r"https://(?:app\.)?base44\.(?:app|com)/api/apps/[0-9a-f]{24}/files/",
)
"""Where the builder keeps what people have uploaded, as patterns of how addresses begin."""
BUCKET = "base44-public"
"""The bucket of the app's later uploads, too."""
FOLDER = "moved"
_END = r"""[^\s"'\\<>)\]}]+"""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def pattern(hosts: Sequence[str] = HOSTS) -> str:
    """A whole address; PostgreSQL and Python read it alike."""
    return f"(?:{'|'.join(hosts)}){_END}"


def name_of(address: str) -> str:
    """The file's name in the store: the same address has the same one, and no two share one."""
    shown = _UNSAFE.sub("_", unquote(urlsplit(address).path.rpartition("/")[2])).strip("._")[-80:]
    return f"{FOLDER}/{hashlib.sha256(address.encode()).hexdigest()[:24]}_{shown or 'file'}"


def link_of(address: str) -> str:
    """The link to the file at the app's own origin."""
    return f"/storage/v1/object/public/{BUCKET}/{quote(name_of(address))}"


@dataclass(frozen=True)
class Links:
    """`names` are the files that are here; addresses of others stay."""

    names: Collection[str]
    hosts: Sequence[str] = HOSTS

    @classmethod
    def of_moved(cls, admin: postgres.Connection) -> "Links":
        """Those that a move has brought."""
        query = "select name from freehold.move_files where bucket = %s and outcome = 'moved'"
        return cls(frozenset(str(row[0]) for row in admin.execute(query, (BUCKET,))))

    def here(self, value: object) -> Any:  # noqa: ANN401 - JSON is any value
        """Whole addresses only: one that was moved may be how another begins that was not."""
        if isinstance(value, str):
            return re.sub(pattern(self.hosts), self._link, value)
        if isinstance(value, list):
            return [self.here(item) for item in value]
        if isinstance(value, dict):
            return {name: self.here(item) for name, item in value.items()}
        return value

    def _link(self, match: re.Match[str]) -> str:
        return link_of(match[0]) if name_of(match[0]) in self.names else match[0]
