"""What the steps of a move share, and how its source and its target are opened."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from freehold.core.app import App
from freehold.core.errors import SourceBroken
from freehold.core.inventory import Inventory
from freehold.core.secret import Secret
from freehold.data.move import decisions
from freehold.data.move.destination import Destination, StoredFiles
from freehold.data.sources import s3
from freehold.data.sources.csv_folder import CsvFolder
from freehold.data.sources.files import FileSource, Folder, StorageApi
from freehold.data.sources.live import open_live
from freehold.data.sources.opened import open_dump
from freehold.data.sources.toc import Source
from freehold.flows.move_papers import Papers
from freehold.flows.move_served import Address, Login
from freehold.flows.up_work import Work
from freehold.kit import postgres
from freehold.kit.objects.folder import FolderStore
from freehold.secrets.age import AgeStore
from freehold.targets.local import database_access, keys
from freehold.targets.local.place import Place, identity_file

TYPES = "**/integrations/supabase/types.ts"
_ADDRESS = re.compile(r"postgres(ql)?://|[a-z_]+ *=")
"""A URL, or libpq's own words in whatever order: taken for a path, its password would stand in an error."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the owner asked for. `source` may hold a password."""

    source: Secret
    app: str
    data: Path | None = None
    database_url: Secret | None = None
    files: str = ""
    files_key: Secret | None = None
    rewrite_to: str = ""
    """The address that takes the place of the old one in rows, functions and jobs; "" leaves them as they are."""
    starts_over: bool = False
    """Whether what lies on a server that nobody has used yet is thrown away first."""
    login: Login | None = None
    """Who is to sign in when everything was compared."""


class Described(Protocol):
    """What a move needs to know of every source."""

    @property
    def described(self) -> str:
        """What it is, for people: never a password."""


@dataclass(kw_only=True)
class Moving:
    """What every move knows, whatever its source. Mutable on purpose: each step fills in what the next ones need."""

    place: Place
    papers: Papers
    inventory: Inventory | None
    secrets: tuple[str, ...]
    """Names of secrets that are set at the target."""
    source: Described
    up: Work
    there: Destination | None = None
    """A server's database and files; None for this machine's own."""
    served_at: Address | None = None
    """Where the app answers now; None while it does not."""
    document: dict[str, object] = field(default_factory=dict)

    @property
    def destination(self) -> Destination:
        """Whereto. The place's own database and folder only after it was started and the platform installed."""
        return self.there or Destination(
            admin_dsn=self.up.database.admin_dsn,
            owner_dsn=self.up.database.dsn(self.up.owner_role, self.up.keys.owner_password),
            owner=self.up.owner_role,
            described=self.up.database.described,
            files=StoredFiles(FolderStore(self.place.objects)),
        )


@dataclass(kw_only=True)
class MoveWork(Moving):
    """The move of a database with its users and files."""

    request: Request
    source: Source
    files: FileSource | None
    is_later: bool | None = None
    """Whether the place was equal once and gets only what it lacks; None before anybody looked, see move_later.py."""


def up_work(place: Place, app: App, inventory: Inventory | None, database_url: Secret | None) -> Work:
    """What `freehold up` knows of a place that has been made."""
    return Work(
        place=place,
        app=app,
        inventory=inventory or Inventory(builder="", generation=""),
        keys=keys.load_or_make(AgeStore(place.keys, identity_file())),
        secrets=AgeStore(place.secrets, identity_file()),
        database_url=database_url,
    )


def running_destination(place: Place, access: database_access.Access) -> Destination:
    """The database of an app that is up."""
    return Destination(
        admin_dsn=_dsn(access.admin),
        owner_dsn=_dsn(access.owner),
        owner=access.owner.parameters.get("user", "postgres"),
        described=f"{access.admin.parameters.get('host', '')}:{access.admin.parameters.get('port', '')}",
        files=StoredFiles(FolderStore(place.objects)),
    )


@contextmanager
def open_source_of(text: Secret, app: Path | None = None) -> Iterator[Source]:
    """Open a live database by its address, a dump by its path, or a folder of CSV files with the app's types.ts."""
    plain = text.reveal().strip()
    if is_address(plain):
        with open_live(Secret(plain), decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS) as live:
            yield live
        return
    path = Path(plain).expanduser()
    if path.is_dir():
        yield CsvFolder.open_folder(path, _types_of(app))
        return
    with open_dump(path) as dump:
        yield dump


def _types_of(app: Path | None) -> str:
    """The builder's generated types; raises SourceBroken when the app has none."""
    found = sorted(app.glob(TYPES)) if app is not None else []
    if not found:
        raise SourceBroken(
            "CSV files have no types, and the app has no types.ts",
            detail=f"looked for {TYPES}",
            hint="give the app's folder with --app, or a dump instead of CSV files",
        )
    return found[0].read_text(encoding="utf-8", errors="replace")


def open_files(request: Request) -> FileSource | None:
    """Where uploaded files are: a folder, the old project's address with its service key, or an S3 endpoint."""
    if not request.files:
        return None
    if request.files.startswith(s3.PREFIX):
        return s3.S3(request.files, request.files_key or Secret(""))
    if request.files.startswith(("http://", "https://")):
        return StorageApi(request.files, request.files_key or Secret(""))
    return Folder(Path(request.files).expanduser())


def is_address(text: str) -> bool:
    """Whether this is a connection string, and no file of that name."""
    return _ADDRESS.match(text) is not None and not Path(text).is_file()


def _dsn(login: database_access.Login) -> Secret:
    return Secret(postgres.compose({**login.parameters, "password": login.password.reveal()}))
