"""How the app's Python is started: what it sees of the files, and its whole environment."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import freehold
from freehold.kit import confinement
from freehold.runtime.mail.mailer import open_mailer
from freehold.runtime.settings import ServerSettings, Settings
from freehold.runtime.site import environment
from freehold.runtime.site.python.database import Address, DatabaseDoor, address
from freehold.runtime.site.python.doors import Doors
from freehold.runtime.site.python.inside import media
from freehold.runtime.site.python.mail import MailDoor
from freehold.runtime.site.python.outside import OutsideDoor
from freehold.runtime.workers import surroundings
from freehold.runtime.workers.log import WorkerLog
from freehold.runtime.workers.program import Program, socket_in

RELEASE = "/freehold/server"
OWN = "/freehold/own/freehold"
INSIDE = "runtime/site/python/inside"
DATABASE_PORT, OUTSIDE_PORT, MAIL_PORT = 5432, 3128, 25
PORTS = (DATABASE_PORT, OUTSIDE_PORT, MAIL_PORT)
THREADS = 256
_PACKAGES = ("__init__.py", "runtime/__init__.py", "runtime/site/__init__.py", "runtime/site/python/__init__.py")
_KEY_NAMES = ("SECRET_KEY", "DJANGO_SECRET_KEY", "DJANGO_SECRET", "APP_SECRET_KEY")
_ADDRESS_NAMES = (
    "DATABASE_URL", "DB_URL", "DATABASE_URI", "SUPABASE_DB_URL", "POSTGRES_URL", "POSTGRES_PRISMA_URL",
    "POSTGRES_URL_NON_POOLING", "POSTGRESQL_URL", "DATABASE_PRIVATE_URL", "DATABASE_PUBLIC_URL", "DIRECT_URL",
)  # fmt: skip
_PREFIXES = ("PG", "DB_", "POSTGRES_", "DATABASE_", "SQL_", "POSTGRESQL_", "SUPABASE_DB_", "DJANGO_DB_")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def doors_in(run: Path) -> Path:
    """Where the launcher comes."""
    return run / "doors"


def program(settings: Settings, server: ServerSettings, run: Path, argv: tuple[str, ...] = ()) -> Program:
    """Everything that the start needs: of the server, or of one of the app's programs with its arguments."""
    uploads = settings.function_state_directory.resolve() / "media"
    uploads.mkdir(mode=0o700, parents=True, exist_ok=True)
    confined = confinement.Confinement(
        argv=("-I", "-S", "-B", f"{OWN}/{INSIDE}/entry.py"),
        folder=f"{RELEASE}/{server.app}",
        binds=_binds(server),
        writable=((str(uploads), media.FOLDER),),
        work=str(run / "tmp"),
        socket=str(socket_in(run)),
        doors=str(doors_in(run)),
        ports=PORTS,
        threads=THREADS,
    )
    return Program(
        argv=confinement.command(confined),
        environment=_environment(settings, server, argv),
        folder=server.directory,
        run=run,
        bounds=environment.bounds(settings.server_limits, THREADS),
    )


def doors(settings: Settings, run: Path, log: WorkerLog) -> Doors:
    """Give the program's ways out, in the order of its ports."""
    answers = (DatabaseDoor(database(settings)), OutsideDoor(settings), MailDoor(open_mailer(settings)))
    return Doors(doors_in(run), answers, log)


def database(settings: Settings) -> Address:
    """Where the server's data is. Python servers always have one: flows see to it."""
    if settings.server_dsn is None:
        raise ValueError("a Python server wants server_dsn in the settings")
    return address(settings.server_dsn)


def hidden(settings: Settings) -> tuple[str, ...]:
    """What the server knows beside the keys of the API, and what must stand in no log and in no answer."""
    return tuple(
        value for value in (_key(settings), database(settings).password if settings.server_dsn else "") if value
    )


def _key(settings: Settings) -> str:
    return settings.server_secret_key.reveal() if settings.server_secret_key else ""


def _binds(server: ServerSettings) -> tuple[tuple[str, str], ...]:
    own = Path(freehold.__file__).parent
    ours = [(str(own / name), f"{OWN}/{name}") for name in (*_PACKAGES, INSIDE)]
    certificates = [os.environ[name] for name in _CERTIFICATES if Path(os.environ.get(name, "")).is_absolute()]
    found = [(os.path.realpath(path), path) for path in certificates if Path(path).exists()]
    return ((str(server.directory.resolve()), RELEASE), *ours, *found)


def _environment(settings: Settings, server: ServerSettings, argv: tuple[str, ...]) -> dict[str, str]:
    """What the build baked in, and of keys, secrets and addresses those whose names stand in the code."""
    secrets = surroundings.secrets(settings)
    # The old database may stand among the owner's secrets: it is not there any more.
    offered = {
        **environment.offered(settings),
        **dict.fromkeys(_KEY_NAMES, _key(settings)),
        **secrets,
        **_database(settings),
    }
    proxy = f"http://127.0.0.1:{OUTSIDE_PORT}"
    owner_key = any(name in secrets and name in server.reads for name in _KEY_NAMES)
    return {
        **{name: os.environ[name] for name in _CERTIFICATES if name in os.environ},
        **server.environment,
        **{name: value for name, value in offered.items() if name in server.reads},
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy),
        "HOME": "/tmp",  # noqa: S108 - the program's own
        "TMPDIR": "/tmp",  # noqa: S108 - the program's own
        "LANG": "C.UTF-8",
        # A migration may take longer than a request may.
        **({"PGOPTIONS": "-c statement_timeout=0"} if argv else {}),
        "FREEHOLD_SERVER": json.dumps(_setup(settings, server, argv, owner_key=owner_key)),
    }


def _database(settings: Settings) -> dict[str, str]:
    """The database under every name that apps ask for it: as one address, and in parts."""
    target = database(settings)
    where = f"127.0.0.1:{DATABASE_PORT}"
    url = f"postgresql://{quote(target.user, '')}:{quote(target.password, '')}@{where}/{quote(target.name, '')}"
    parts = {
        "HOST": "127.0.0.1", "PORT": str(DATABASE_PORT), "USER": target.user, "USERNAME": target.user,
        "PASSWORD": target.password, "NAME": target.name, "DATABASE": target.name, "DB": target.name,
    }  # fmt: skip
    named = {f"{prefix}{name}": value for prefix in _PREFIXES for name, value in parts.items()}
    return named | dict.fromkeys(_ADDRESS_NAMES, url) | {"PGSSLMODE": "disable"}


def _setup(
    settings: Settings, server: ServerSettings, argv: tuple[str, ...], *, owner_key: bool
) -> Mapping[str, object]:
    """What entry.py reads, and takes out of the environment before the app's code runs."""
    target = database(settings)
    return {
        "application": server.application,
        "settings_module": server.settings_module,
        "app": f"{RELEASE}/{server.app}",
        "packages": f"{RELEASE}/{server.packages}",
        "serving": f"{RELEASE}/{server.serving}",
        "program": argv,
        "origin": settings.public_url,
        "secret_key": _key(settings),
        "owner_key": owner_key,
        "longest_seconds": settings.server_limits.answer_seconds,
        "database": {
            "NAME": target.name,
            "USER": target.user,
            "PASSWORD": target.password,
            "HOST": "127.0.0.1",
            "PORT": str(DATABASE_PORT),
        },
    }
