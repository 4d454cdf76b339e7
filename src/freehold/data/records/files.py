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
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from psycopg import sql

from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.kit import postgres
from freehold.kit.objects.store import ObjectStore, object_key
from freehold.platform.entities import names

HOSTS = (
    r"https://media\.base44\.com/",
    r"https://qtrypzzcjebvfcihiynt\.supabase\.co/storage/v1/object/public/base44-prod/",
    r"https://(?:app\.)?base44\.(?:app|com)/api/apps/[0-9a-f]{24}/files/",
)
"""Where the builder keeps what people have uploaded, as patterns of how addresses begin."""
BUCKET = "base44-public"
"""The bucket of the app's later uploads, too."""
FOLDER = "moved"
LARGEST_BYTES = 50 * 1024 * 1024
TIMEOUT_SECONDS = 60
ATTEMPTS = 3
_END = r"""[^\s"'\\<>)\]}]+"""
_GONE = frozenset((403, 404, 410))
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


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


@dataclass(frozen=True, kw_only=True)
class FileMover:
    """`admin` is an administrator's connection; records and rows of the store are written by it."""

    admin: postgres.Connection
    objects: ObjectStore
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
        for address in addresses:
            try:
                done.bytes += self._keep(address)
            except (OSError, ValueError, http.client.HTTPException) as error:
                is_gone = isinstance(error, urllib.error.HTTPError) and error.code in _GONE
                (done.gone if is_gone else done.failed)[address] = str(error) or type(error).__name__
                continue
            done.moved += 1
            if done.moved % 20 == 0:
                self.report(Event(name="progress", text=f"{done.moved} of {len(addresses)} files"))
        left = done.gone.keys() | done.failed.keys()
        done.records = self._rewrite([item for item in addresses if item not in left])
        return done

    def _tables(self) -> list[sql.Identifier]:
        return [
            *(sql.Identifier(names.SCHEMA, name) for name in self.entities),
            sql.Identifier("base44", "person"),
        ]

    @property
    def _pattern(self) -> str:
        """A whole address; PostgreSQL and Python read it alike."""
        return f"(?:{'|'.join(self.hosts)}){_END}"

    def _addresses(self) -> list[str]:
        found: set[str] = set()
        for table in self._tables():
            query = sql.SQL(
                "select distinct m[1] from (select to_jsonb(t)::text as row from {} as t) as r,"
                " regexp_matches(r.row, %s, 'g') as m"
            ).format(table)
            found |= {str(row[0]) for row in self.admin.execute(query, (f"({self._pattern})",))}
        return sorted(found)

    def _make_bucket(self) -> None:
        self.admin.execute(
            "insert into storage.buckets (id, name, public, file_size_limit) values (%s, %s, true, %s)"
            " on conflict (id) do nothing",
            (BUCKET, BUCKET, LARGEST_BYTES),
        )

    def _keep(self, address: str) -> int:
        """Fetch one file unless it is here; gives how many bytes were fetched."""
        name = name_of(address)
        present = "select version from storage.objects where bucket_id = %s and name = %s"
        row = self.admin.execute(present, (BUCKET, name)).fetchone()
        if row is not None and asyncio.run(self.objects.exists(object_key(BUCKET, name, str(row[0])))):
            return 0
        content, kind = self._fetch(address)
        version = hashlib.sha256(content).hexdigest()[:32]
        asyncio.run(self.objects.put(object_key(BUCKET, name, version), _once(content)))
        self.admin.execute(
            "insert into storage.objects (bucket_id, name, version, metadata) values (%s, %s, %s, %s)"
            " on conflict (bucket_id, name) do update set version = excluded.version, metadata = excluded.metadata",
            (BUCKET, name, version, json.dumps(_metadata(content, kind))),
        )
        return len(content)

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

    def _rewrite(self, addresses: Sequence[str]) -> int:
        """Put the new links into records, without telling anybody's browser and without a new date of change."""
        links, whole = {address: link_of(address) for address in addresses}, re.compile(self._pattern)
        changed = 0
        with self.admin.transaction():
            self.admin.execute("set local session_replication_role = replica")
            for table in self._tables():
                query = sql.SQL("select to_jsonb(t) from {} as t where to_jsonb(t)::text ~ %s").format(table)
                for (record,) in self.admin.execute(query, (self._pattern,)).fetchall():
                    new = {name: _linked(value, whole, links) for name, value in record.items()}
                    if new != record:
                        self._write(table, record, new)
                        changed += 1
        return changed

    def _write(self, table: sql.Identifier, record: dict[str, Any], new: dict[str, Any]) -> None:
        touched = [name for name, value in new.items() if value != record[name]]
        sets = sql.SQL(", ").join(sql.SQL("{0} = r.{0}").format(sql.Identifier(name)) for name in touched)
        query = sql.SQL("update {0} as t set {1} from jsonb_populate_record(null::{0}, %s) as r where t.id = %s")
        self.admin.execute(query.format(table, sets), (json.dumps(new), record["id"]))


def name_of(address: str) -> str:
    """The file's name in the store: the same address has the same one, and no two share one."""
    shown = _UNSAFE.sub("_", unquote(urlsplit(address).path.rpartition("/")[2])).strip("._")[-80:]
    return f"{FOLDER}/{hashlib.sha256(address.encode()).hexdigest()[:24]}_{shown or 'file'}"


def link_of(address: str) -> str:
    """The link to the file at the app's own origin."""
    return f"/storage/v1/object/public/{BUCKET}/{quote(name_of(address))}"


def _linked(value: object, whole: re.Pattern[str], links: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    """Whole addresses only: one that was moved may be how another begins that was not."""
    if isinstance(value, str):
        return whole.sub(lambda match: links.get(match[0], match[0]), value)
    if isinstance(value, list):
        return [_linked(item, whole, links) for item in value]
    if isinstance(value, dict):
        return {name: _linked(item, whole, links) for name, item in value.items()}
    return value


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
