"""The app's PostgreSQL on this server: a cluster of its own from Debian's packages, reached by a local socket only."""

import re
from pathlib import Path
from typing import Any

from freehold.core.errors import DatabaseUnavailable
from freehold.targets.server.remote import admission, disk, places, programs
from freehold.targets.server.remote.disk import Wanted
from freehold.targets.server.remote.machine import postgres_major
from freehold.targets.server.remote.places import App

SUPERUSER, NAME, FOLDER = "supabase_admin", "postgres", "/run/postgresql"
OWNER = "postgres"
"""The role that owns the app's schema, as on the builder's platform; the superuser has another name."""
MEGABYTE = 1 << 20
_LOGINS = {
    "rest_dsn": ("authenticator", "authenticator_password"),
    "auth_dsn": ("supabase_auth_admin", "auth_password"),
    "storage_dsn": ("supabase_storage_admin", "storage_password"),
    "jobs_dsn": (OWNER, "owner_password"),
}


def address(app: str) -> dict[str, Any]:
    """Where the app's database listens; who asks is let in there."""
    place = places.app_of(app)
    major, port = _cluster(place)
    admission.let_in(_folder(place, major), SUPERUSER, _unit(place, major), psql(place))
    return {"folder": FOLDER, "port": port, "superuser": SUPERUSER, "name": NAME, "owner": OWNER, "major": major}


def ask(place: App, statement: str) -> str:
    """Ask the app's database, as its superuser, for one text; raises DatabaseUnavailable."""
    argv = [*psql(place), "-At"]
    settings = {"PGOPTIONS": "-c search_path=pg_catalog,pg_temp -c statement_timeout=20s"}
    ended = programs.attempt(argv, content=statement.encode(), environment=settings)
    if ended.returncode != 0:
        raise DatabaseUnavailable(
            f"the database of {place.name} did not answer what this Freehold asks",
            detail=ended.stderr.decode(errors="replace").strip()[-600:],
            hint="freehold server upgrade   if it is of an older Freehold; else: freehold status",
        )
    return ended.stdout.decode()


def psql(place: App) -> list[str]:
    """Debian's `psql` is a script that chooses a version, which costs more than the question: this is the version."""
    major, port = _cluster(place)
    program = f"/usr/lib/postgresql/{major}/bin/psql"
    return [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", FOLDER, "-p", str(port), "-U", SUPERUSER, "-d", NAME]


def strings(place: App, own: dict[str, str]) -> dict[str, object]:
    """The runtime's connection strings."""
    return {key: _string(place, role, own[password]) for key, (role, password) in _LOGINS.items()}


def server_login(place: App, own: dict[str, str]) -> dict[str, object]:
    """What the app's own Python server has in the runtime's settings."""
    login = _string(place, "freehold_server", own["server_password"])
    return {"server_dsn": login, "server_secret_key": own["server_secret_key"]}


def _string(place: App, role: str, password: str) -> str:
    _, port = _cluster(place)
    return f"host={FOLDER} port={port} dbname={NAME} user={role} password={password}"


def is_ready(place: App, memory_bytes: int) -> bool:
    """Whether the cluster is there, set up so, and up."""
    try:
        major, port = _cluster(place)
    except DatabaseUnavailable:
        return False
    folder = _folder(place, major)
    is_set = disk.stamped(_stamp(place), _files(folder, memory_bytes))
    knows = set(admission.names(folder, SUPERUSER)) >= {*admission.ALWAYS, admission.asker()}
    return is_set and knows and Path(f"{FOLDER}/.s.PGSQL.{port}").exists()


def prepare(place: App, memory_bytes: int) -> None:
    """Make the cluster, or bring it to how it should be; it is started again only when its files changed."""
    try:
        major, _ = _cluster(place)
    except DatabaseUnavailable:
        major = postgres_major()
        options = ["--", f"--username={SUPERUSER}", "--auth=peer", "--data-checksums"]
        programs.run(["pg_createcluster", "--encoding=UTF8", "--locale=C.UTF-8", str(major), place.name, *options])
    folder, unit = _folder(place, major), _unit(place, major)
    files = _files(folder, memory_bytes)
    is_set = disk.stamped(_stamp(place), files)
    for file in files:
        file.write()
    if not is_set:
        admission.write(folder, SUPERUSER)
    programs.run(["systemctl", "start" if is_set else "restart", unit])
    admission.let_in(folder, SUPERUSER, unit, psql(place))
    disk.stamp(_stamp(place), files)


def _folder(place: App, major: int) -> Path:
    return Path(f"/etc/postgresql/{major}/{place.name}")


def _unit(place: App, major: int) -> str:
    return f"postgresql@{major}-{place.name}.service"


def _stamp(place: App) -> Path:
    return place.state / "database.started"


def _files(folder: Path, memory_bytes: int) -> tuple[Wanted, ...]:
    """pg_hba lets root in as the superuser by who it is, and everybody else by password; nobody by network."""
    postgres = {"owner": "postgres", "group": "postgres"}
    rights = f"local all {SUPERUSER} peer map={admission.MAP}\nlocal all all scram-sha-256\n"
    return (
        Wanted(path=folder / "conf.d/freehold.conf", content=_tuned(memory_bytes), mode=0o644, **postgres),
        Wanted(path=folder / "pg_hba.conf", content=f"# Written by Freehold.\n{rights}", mode=0o640, **postgres),
    )


def _tuned(memory_bytes: int) -> str:
    """Settings for a machine that also serves the app; in steps, so that they stay the same from run to run."""
    memory = memory_bytes // (256 * MEGABYTE) * 256
    shared = max(64, min(4096, memory // 4))
    values = {
        "listen_addresses": "''",
        "wal_level": "logical",
        "max_connections": "200",
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(128, memory // 2)}MB",
        "maintenance_work_mem": f"{max(32, min(512, memory // 16))}MB",
        "work_mem": f"{max(2, min(32, memory // 256))}MB",
        "max_wal_size": "2GB" if memory > 2048 else "512MB",  # noqa: PLR2004 - a small machine has a small disk
        "max_slot_wal_keep_size": "2GB" if memory > 2048 else "1GB",  # noqa: PLR2004 - likewise
        "max_replication_slots": "10",
        "max_wal_senders": "10",
        "password_encryption": "'scram-sha-256'",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "jit": "off",
        # A statement that fails can hold a password: the log keeps the error, not the text.
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": "0",
        "log_statement": "none",
    }
    return "# Written by Freehold.\n" + "".join(f"{name} = {value}\n" for name, value in values.items())


def _cluster(place: App) -> tuple[int, int]:
    """Major and port of the app's cluster; raises DatabaseUnavailable without one."""
    for file in sorted(Path("/etc/postgresql").glob(f"*/{place.name}/postgresql.conf")):
        port = re.search(r"^port = (\d+)", file.read_text(), re.MULTILINE)
        if port is not None:
            return int(file.parent.parent.name), int(port[1])
    raise DatabaseUnavailable(f"{place.name} has no PostgreSQL on this server", hint="freehold server add")
