"""A project at the source and an empty place at the target."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from supabase_project import Scale, build, content_of

from freehold.core.event import Event
from freehold.core.secret import Secret
from freehold.data.move import decisions
from freehold.data.move.destination import Destination, StoredFiles
from freehold.data.move.run import Moved, move
from freehold.data.sources.files import Folder
from freehold.data.sources.live import open_live
from freehold.data.sources.opened import open_dump
from freehold.data.sources.toc import Source
from freehold.kit.objects.folder import FolderStore
from freehold.testing import database as databases

CHILD = Path(__file__).with_name("move_child.py")


@dataclass
class Target:
    """An empty database with the platform in it, and what was told while something was moved into it."""

    database: databases.FreshDatabase
    objects: Path
    events: list[Event] = field(default_factory=list)

    @property
    def destination(self) -> Destination:
        with psycopg.connect(self.database.superuser_dsn) as connection:
            row = connection.execute("select owner from freehold.installation").fetchone()
        return Destination(
            admin_dsn=Secret(self.database.superuser_dsn),
            owner_dsn=Secret(self.database.owner_dsn),
            owner=row[0] if row else "",
            described=self.database.name,
            files=StoredFiles(FolderStore(self.objects)),
        )

    def take(self, source: Source, files: Path | None = None) -> Moved:
        return move(source, self.destination, (), self.events.append, files=Folder(files) if files else None)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database.superuser_dsn) as connection:
            return connection.execute(query.encode()).fetchall()


@contextlib.contextmanager
def project(server: databases.Server, scale: Scale | None = None) -> Iterator[databases.FreshDatabase]:
    with databases.fresh_database(server) as database:
        build(database.superuser_dsn, database.owner_dsn, scale)
        try:
            yield database
        finally:
            with psycopg.connect(database.superuser_dsn) as connection:
                connection.execute("drop owned by app_reporter")


@contextlib.contextmanager
def live(database: databases.FreshDatabase) -> Iterator[Source]:
    with open_live(Secret(database.superuser_dsn), decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS) as source:
        yield source


@contextlib.contextmanager
def dump(path: Path) -> Iterator[Source]:
    with open_dump(path) as source:
        yield source


def child(source: databases.FreshDatabase, target: Target, files: Path | None) -> tuple[list[str], dict[str, str]]:
    """Command line and environment of a move as a process of its own; without `files` it brings none."""
    argv = [sys.executable, str(CHILD), str(target.objects), str(files or "-")]
    logins = {"MOVE_ADMIN_DSN": target.database.superuser_dsn, "MOVE_OWNER_DSN": target.database.owner_dsn}
    return argv, os.environ | logins | {"MOVE_SOURCE_DSN": source.superuser_dsn}


def write_files(folder: Path, count: int) -> Path:
    """The bytes of a project's uploads, as an export lays them out."""
    for number in range(1, count + 1):
        path = folder / ("papers" if number % 2 else "avatars") / f"folder/file {number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content_of(number))
    return folder
