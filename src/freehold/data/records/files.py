"""Uploaded files that records point at on the builder's hosts: fetched, kept in the app's own store, links rewritten.

A link becomes a path of the app's own origin, so that it holds wherever the app lives. What cannot be fetched keeps its
link and is named: nothing is rewritten to a file that is not there.
"""

import asyncio
import hashlib
import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from psycopg import sql

from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.data.move.destination import FilePlace
from freehold.data.records.links import BUCKET, HOSTS, Links, name_of, pattern
from freehold.kit import postgres
from freehold.kit.objects.store import object_key
from freehold.platform.entities import names

LARGEST_BYTES = 50 * 1024 * 1024
TIMEOUT_SECONDS = 60
ATTEMPTS = 3
BATCH = 50
_GONE = frozenset((403, 404, 410))


@dataclass(kw_only=True)
class MovedFiles:
    """`gone` are files that the builder has not any more, `failed` says why others did not come; their links stay."""

    found: int = 0
    moved: int = 0
    bytes: int = 0
    records: int = 0
    """Records whose links were rewritten."""
    gone: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Fetched:
    name: str
    sha256: str
    size: int
    metadata: dict[str, object]

    @property
    def version(self) -> str:
        """The same bytes have the same one."""
        return self.sha256[:32]


@dataclass(frozen=True, kw_only=True)
class FileMover:
    """`admin` is an administrator's connection; records and rows of the store are written by it."""

    admin: postgres.Connection
    place: FilePlace
    entities: Sequence[str]
    report: Report
    hosts: Sequence[str] = HOSTS
    largest_bytes: int = LARGEST_BYTES

    def move(self) -> MovedFiles:
        """Fetch every file that a record names, then rewrite; run again, only what is new is fetched."""
        addresses = self._addresses()
        done = MovedFiles(found=len(addresses))
        if not addresses:
            return done
        self.report(Event(name="step-started", text=f"Fetch {len(addresses)} files that records point at"))
        self._make_bucket()
        here = asyncio.run(self._present())
        for start in range(0, len(addresses), BATCH):
            self._bring([item for item in addresses[start : start + BATCH] if name_of(item) not in here], done)
            self.report(Event(name="progress", text=f"{min(start + BATCH, len(addresses))} of {len(addresses)} files"))
        done.moved = len(addresses) - len(done.gone) - len(done.failed)
        done.records = self._rewrite(Links.of_moved(self.admin).names)
        return done

    def _bring(self, addresses: Sequence[str], done: MovedFiles) -> None:
        """Fetch some; their rows are written once their bytes are there for good."""
        fetched = []
        for address in addresses:
            try:
                content, kind = self._fetch(address)
            except (OSError, ValueError, http.client.HTTPException) as error:
                is_gone = isinstance(error, urllib.error.HTTPError) and error.code in _GONE
                (done.gone if is_gone else done.failed)[address] = str(error) or type(error).__name__
                continue
            found = _Fetched(
                name_of(address), hashlib.sha256(content).hexdigest(), len(content), _metadata(content, kind)
            )
            asyncio.run(self.place.put(object_key(BUCKET, found.name, found.version), _once(content)))
            fetched.append(found)
            done.bytes += found.size
        asyncio.run(self.place.settle())
        with self.admin.transaction():
            for found in fetched:
                self._write_down(found)

    def _write_down(self, found: "_Fetched") -> None:
        self.admin.execute(
            "insert into storage.objects (bucket_id, name, version, metadata) values (%s, %s, %s, %s)"
            " on conflict (bucket_id, name) do update set version = excluded.version, metadata = excluded.metadata",
            (BUCKET, found.name, found.version, json.dumps(found.metadata)),
        )
        self.admin.execute(
            "insert into freehold.move_files (bucket, name, version, outcome, size, sha256)"
            " values (%s, %s, %s, 'moved', %s, %s) on conflict (bucket, name, version) do update"
            " set outcome = excluded.outcome, size = excluded.size, sha256 = excluded.sha256",
            (BUCKET, found.name, found.version, found.size, found.sha256),
        )

    async def _present(self) -> set[str]:
        """Names of files that an earlier run has brought, and whose bytes are still there."""
        query = "select name, version, sha256 from freehold.move_files where bucket = %s and outcome = 'moved'"
        rows = [tuple(map(str, row)) for row in self.admin.execute(query, (BUCKET,)).fetchall()]
        digests = await self.place.digests([object_key(BUCKET, name, version) for name, version, _ in rows])
        return {row[0] for row, digest in zip(rows, digests, strict=True) if digest == row[2]}

    def _tables(self) -> list[sql.Identifier]:
        return [
            *(sql.Identifier(names.SCHEMA, name) for name in self.entities),
            sql.Identifier("base44", "person"),
        ]

    def _addresses(self) -> list[str]:
        found: set[str] = set()
        for table in self._tables():
            query = sql.SQL(
                "select distinct m[1] from (select to_jsonb(t)::text as row from {} as t) as r,"
                " regexp_matches(r.row, %s, 'g') as m"
            ).format(table)
            found |= {str(row[0]) for row in self.admin.execute(query, (f"({pattern(self.hosts)})",))}
        return sorted(found)

    def _make_bucket(self) -> None:
        self.admin.execute(
            "insert into storage.buckets (id, name, public, file_size_limit) values (%s, %s, true, %s)"
            " on conflict (id) do nothing",
            (BUCKET, BUCKET, LARGEST_BYTES),
        )

    def _fetch(self, address: str) -> tuple[bytes, str]:
        for attempt in range(ATTEMPTS):
            try:
                return self._ask(address)
            except urllib.error.HTTPError as error:
                if error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR or attempt == ATTEMPTS - 1:
                    raise
            except (OSError, http.client.HTTPException):
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError(address)

    def _ask(self, address: str) -> tuple[bytes, str]:
        opener = urllib.request.build_opener(_SameHosts(self.hosts))
        with opener.open(address, timeout=TIMEOUT_SECONDS) as answer:
            content = answer.read(self.largest_bytes + 1)
            if len(content) > self.largest_bytes:
                message = f"it is larger than {self.largest_bytes // 1024 // 1024} MB"
                raise ValueError(message)
            expected = answer.headers.get("content-length")
            if expected and expected.isdigit() and int(expected) != len(content):
                message = f"it broke off after {len(content)} of {expected} bytes"
                raise OSError(message)
            return content, answer.headers.get_content_type()

    def _rewrite(self, here: Collection[str]) -> int:
        """Put the new links into records, without telling anybody's browser and without a new date of change."""
        links, changed = Links(here, self.hosts), 0
        with self.admin.transaction():
            self.admin.execute("set local session_replication_role = replica")
            for table in self._tables():
                query = sql.SQL("select to_jsonb(t) from {} as t where to_jsonb(t)::text ~ %s").format(table)
                for (record,) in self.admin.execute(query, (pattern(self.hosts),)).fetchall():
                    new = links.here(record)
                    if new != record:
                        self._write(table, record, new)
                        changed += 1
        return changed

    def _write(self, table: sql.Identifier, record: dict[str, Any], new: dict[str, Any]) -> None:
        touched = [name for name, value in new.items() if value != record[name]]
        sets = sql.SQL(", ").join(sql.SQL("{0} = r.{0}").format(sql.Identifier(name)) for name in touched)
        query = sql.SQL("update {0} as t set {1} from jsonb_populate_record(null::{0}, %s) as r where t.id = %s")
        self.admin.execute(query.format(table, sets), (json.dumps(new), record["id"]))


def _metadata(content: bytes, kind: str) -> dict[str, object]:
    return {
        "eTag": f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"', "size": len(content), "mimetype": kind,
        "cacheControl": "max-age=3600", "contentLength": len(content), "httpStatusCode": 200,
        "lastModified": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }  # fmt: skip


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


class _SameHosts(urllib.request.HTTPRedirectHandler):
    """A record may hold any address of these hosts; a redirect must not lead the move into another network."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self._known = re.compile("|".join(hosts))

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:  # noqa: ANN401, PLR0913, PLR0917
        if not self._known.match(newurl):
            message = f"it leads to {urlsplit(newurl).netloc}, which is not the builder's"
            raise OSError(message)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
