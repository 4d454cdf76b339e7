"""Bring uploaded files over: a row is here only together with its bytes, and every byte was hashed on its way."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from freehold.core.errors import MoveRefused
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.data.move import ledger
from freehold.data.move.destination import FilePlace
from freehold.data.move.ledger import Item
from freehold.data.move.loading import Loader, target_columns
from freehold.data.sources.copy_text import lines
from freehold.data.sources.files import FileCut, FileMissing, FileSource, Folder, OpenFiles
from freehold.data.sources.toc import TEXT, Entry, Source
from freehold.kit import postgres
from freehold.kit.objects.store import object_key

AT_ONCE = 24
"""An address far away answers each within a tenth of a second or so: 20,000 small files are what takes long."""
ATTEMPTS = 3
"""So often a file is begun that the source breaks off."""
BATCH = 200
EXPORT_BUCKETS = "database\\_export\\_%"
SHOWN_ORPHANS = 50
EVERY = sql.SQL("")
AMONG_ADDED = sql.SQL("join pg_temp.source_objects as s on s.id = o.id and s.version is not distinct from o.version")
"""Rows that came from the source: what users have uploaded here is not there, and not asked for."""


@dataclass(frozen=True, slots=True)
class File:
    """One row of storage.objects; `size` is what its metadata says, None where it says nothing."""

    bucket: str
    name: str
    version: str
    size: int | None


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What came of a file: moved, missing, or different from what its row says."""

    file: File
    outcome: str
    size: int = 0
    sha256: str = ""


@dataclass(kw_only=True)
class FileMover:
    """Where files are and where they go."""

    source: Source
    files: FileSource | None
    admin: postgres.Connection
    place: FilePlace
    report: Report

    def move(self, entry: Entry, item: Item, loader: Loader) -> None:
        """Load the rows, fetch the bytes that are missing, take rows away that have none, and name both."""
        drop_exports(self.admin)
        if self.files is None:
            self._forget_rows(item)
            count = self._count(entry)
            note = (
                f"{count} files: say where their bytes are with --files, now or later"
                if count
                else "no file was uploaded"
            )
            ledger.settle(self.admin, item.position, "left" if count else "moved", note)
            return
        self.report(Event(name="step-started", text="Fetch the uploaded files"))
        loader.load(entry, item)
        ledger.settle(self.admin, item.position, "failed", "its files are not all fetched")
        drop_exports(self.admin)
        self._fetch_all(self.files)
        self._check_any(self.files)
        missing = self._drop_ghosts()
        self._name_orphans()
        note = f"{missing} rows without bytes at the source were left out" if missing else ""
        ledger.settle(self.admin, item.position, "moved", note)

    def add(self, entry: Entry, item: Item) -> None:
        """Bring files to a place that is in use: what is not here is added, and nothing is replaced."""
        if self.files is None:
            return
        ledger.settle(self.admin, item.position, "failed", "its files are not all fetched")
        taken = self._add_rows(entry)
        self._fetch_all(self.files, AMONG_ADDED)
        self._check_any(self.files)
        missing = self._drop_ghosts()
        self._name_orphans()
        notes = [f"{missing} rows without bytes at the source were left out"] if missing else []
        notes += [f"{taken} names were taken by uploads here, which stay"] if taken else []
        ledger.settle(self.admin, item.position, "moved", "; ".join(notes))

    def _add_rows(self, entry: Entry) -> int:
        """Give how many of the source's rows are here under another id."""
        have = set(target_columns(self.admin, entry))
        columns = tuple(name for name in self.source.columns(entry) if name in have)
        chosen = sql.SQL(", ").join(map(sql.Identifier, columns))
        self.admin.execute("create temporary table source_objects (like storage.objects)")
        with self.admin.transaction(), self.admin.cursor() as cursor:
            cursor.execute("set local session_replication_role = replica")
            with cursor.copy(sql.SQL("copy pg_temp.source_objects ({}) from stdin").format(chosen)) as copy:
                for part in self.source.parts(entry):
                    for piece in self.source.rows(entry, part, columns, TEXT):
                        copy.write(piece)
            cursor.execute("delete from pg_temp.source_objects where bucket_id like %s", (EXPORT_BUCKETS,))
            cursor.execute(
                sql.SQL(
                    "insert into storage.objects ({0}) select {0} from pg_temp.source_objects on conflict do nothing"
                ).format(chosen)
            )
        row = self.admin.execute(
            "select count(*) from pg_temp.source_objects as s"
            " where not exists (select from storage.objects as o where o.id = s.id)"
        ).fetchone()
        return int(str(row[0])) if row else 0

    def _forget_rows(self, item: Item) -> None:
        """Rows of an earlier run that looked for their bytes in a wrong place."""
        ledger.forget_parts(self.admin, item.position)
        with self.admin.transaction():
            self.admin.execute("set local storage.allow_delete_query = 'true'")
            self.admin.execute("delete from storage.objects")
            self.admin.execute("delete from freehold.move_files where outcome = 'missing'")

    def _count(self, entry: Entry) -> int:
        columns = self.source.columns(entry)
        place = columns.index("bucket_id")
        return sum(
            not line.split(b"\t")[place].startswith(b"database_export_")
            for part in self.source.parts(entry)
            for found in lines(self.source.rows(entry, part, columns, TEXT))
            for line in found
        )

    def _fetch_all(self, files: FileSource, among: sql.SQL = EVERY) -> None:
        query = sql.SQL(
            "select o.bucket_id, o.name, coalesce(o.version, ''), (o.metadata ->> 'size')::numeric::bigint"
            "  from storage.objects as o {} left join freehold.move_files as f"
            "    on (f.bucket, f.name, f.version) = (o.bucket_id, o.name, coalesce(o.version, ''))"
            "   and f.outcome = 'moved' where f.bucket is null order by 1, 2"
        )
        rows = self.admin.execute(query.format(among)).fetchall()
        pending = [File(str(row[0]), str(row[1]), str(row[2]), row[3]) for row in rows]
        if pending:
            asyncio.run(self._fetch(files, pending))

    async def _fetch(self, source: FileSource, pending: Sequence[File]) -> None:
        started, size = time.monotonic(), 0
        async with source.opened() as files:
            limit = asyncio.Semaphore(AT_ONCE)
            for start in range(0, len(pending), BATCH):
                batch = pending[start : start + BATCH]
                fetched = await asyncio.gather(*(self._fetch_one(files, file, limit) for file in batch))
                await self.place.settle()
                self._keep(fetched)
                size += sum(item.size for item in fetched)
                self._tell(start + len(batch), len(pending), size, time.monotonic() - started)

    async def _fetch_one(self, files: OpenFiles, file: File, limit: asyncio.Semaphore) -> Fetched:
        async with limit:
            for _ in range(ATTEMPTS - 1):
                with contextlib.suppress(FileCut):
                    return await self._put(files, file)
            try:
                return await self._put(files, file)
            except FileCut as cut:
                raise cut.error from None

    async def _put(self, files: OpenFiles, file: File) -> Fetched:
        digest = hashlib.sha256()

        async def hashed() -> AsyncIterator[bytes]:
            async for piece in files.read(file.bucket, file.name):
                digest.update(piece)
                yield piece

        try:
            stored = await self.place.put(object_key(file.bucket, file.name, file.version), hashed())
        except FileMissing:
            return Fetched(file=file, outcome="missing")
        outcome = "moved" if file.size in (None, stored.size) else "different"
        return Fetched(file=file, outcome=outcome, size=stored.size, sha256=digest.hexdigest())

    def _keep(self, fetched: Sequence[Fetched]) -> None:
        with self.admin.transaction(), self.admin.cursor() as cursor:
            cursor.executemany(
                "insert into freehold.move_files (bucket, name, version, outcome, size, sha256)"
                " values (%s, %s, %s, %s, %s, %s) on conflict (bucket, name, version) do update"
                " set outcome = excluded.outcome, size = excluded.size, sha256 = excluded.sha256",
                [
                    (item.file.bucket, item.file.name, item.file.version, item.outcome, item.size, item.sha256)
                    for item in fetched
                ],
            )

    def _check_any(self, files: FileSource) -> None:
        """Not one file there: then it is the wrong place, and rows are not taken for ones without bytes."""
        row = self.admin.execute(
            "select count(*), count(*) filter (where outcome <> 'missing') from freehold.move_files"
        ).fetchone()
        wanted, found = (int(str(row[0])), int(str(row[1]))) if row else (0, 0)
        if wanted and not found:
            raise MoveRefused(
                f"not one of the {wanted} files is at {files.described}",
                detail="it has to hold what the project's buckets hold, under the same names",
                hint="give the place where they are: --files FOLDER_OR_ADDRESS, or leave --files out",
            )

    def _drop_ghosts(self) -> int:
        """A row without bytes would block an upload under its name; bytes of another size than their row says stay."""
        with self.admin.transaction():
            self.admin.execute("set local storage.allow_delete_query = 'true'")
            rows = self.admin.execute(
                "delete from storage.objects as o using freehold.move_files as f where f.outcome = 'missing'"
                " and (f.bucket, f.name, f.version) = (o.bucket_id, o.name, coalesce(o.version, ''))"
                " returning f.bucket, f.name"
            ).fetchall()
            for bucket, name in rows:
                ledger.add(self.admin, "FILE", f"{bucket}/{name}", "left", "its row has no bytes at the source")
        wrong = self.admin.execute("select bucket, name, size from freehold.move_files where outcome = 'different'")
        for bucket, name, size in wrong.fetchall():
            ledger.add(
                self.admin, "FILE", f"{bucket}/{name}", "left", f"its row says another size than its {size} bytes"
            )
        row = self.admin.execute("select count(*) from freehold.move_files where outcome = 'missing'").fetchone()
        return int(str(row[0])) if row else 0

    def _name_orphans(self) -> None:
        """Bytes without a row: only a folder can be asked for them."""
        if not isinstance(self.files, Folder):
            return
        rows = self.admin.execute("select bucket, name from freehold.move_files").fetchall()
        orphans = sorted(self.files.names() - {(str(row[0]), str(row[1])) for row in rows})
        for bucket, name in orphans[:SHOWN_ORPHANS]:
            ledger.add(self.admin, "FILE", f"{bucket}/{name}", "left", "bytes without a row: nobody could open it")
        if len(orphans) > SHOWN_ORPHANS:
            ledger.add(self.admin, "FILE", f"{len(orphans) - SHOWN_ORPHANS} more files", "left", "bytes without a row")

    def _tell(self, done: int, of: int, size: int, seconds: float) -> None:
        rate = size / max(seconds, 0.001)
        left = (of - done) * seconds / max(done, 1)
        text = f"{done} of {of} files, {size / 1e6:.1f} MB, {rate / 1e6:.1f} MB/s, {left:.0f} s left"
        values = {"what": "files", "done": done, "of": of, "bytes": size, "seconds_left": round(left)}
        self.report(Event(name="progress", text=text, values=dict(values)))


def drop_exports(admin: postgres.Connection) -> None:
    """The old platform keeps its own export in a bucket of the app."""
    with admin.transaction():
        admin.execute("set local storage.allow_delete_query = 'true'")
        admin.execute("delete from storage.objects where bucket_id like %s", (EXPORT_BUCKETS,))
        rows = admin.execute("delete from storage.buckets where id like %s returning id", (EXPORT_BUCKETS,)).fetchall()
        for (name,) in rows:
            ledger.add(admin, "BUCKET", str(name), "replaced", "the old platform's own export")
