"""The data of an embedded PostgreSQL: made by initdb, whole or not at all, of one major version for good."""

import errno
import os
import secrets
from pathlib import Path

from freehold.core.errors import DatabaseUnavailable
from freehold.core.secret import Secret
from freehold.kit import files, postgres_address, postgres_processes, private, process
from freehold.kit.postgres_programs import PostgresPrograms

INITDB_TIMEOUT_SECONDS = 300
PASSWORD_BYTES = 32
LINES_SHOWN = 12
LOG = "server.log"
_DISK_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "Check free disk space")


def make(folder: Path, programs: PostgresPrograms, user: process.User | None) -> None:
    """Run initdb beside the final place, so that data that is there is whole. Raises DatabaseUnavailable."""
    new = folder / "data.new"
    if new.exists():
        postgres_processes.clear_remains(new)
        files.remove_tree(new)
    new.mkdir(mode=0o700)
    private.create(folder / "password", secrets.token_urlsafe(PASSWORD_BYTES).encode())
    if user:
        os.chown(new, user.uid, user.gid)
    ended = _initdb(new, programs, user, postgres_address.password_of(folder))
    if not ended.ok:
        files.remove_tree(new)
        raise unavailable(folder, "the database cannot be made", "\n".join(ended.lines[-LINES_SHOWN:]))
    new.rename(folder / "data")
    _sync_folder(folder)


def _initdb(new: Path, programs: PostgresPrograms, user: process.User | None, password: Secret) -> process.Ended:
    """The password travels in memory: /proc/self/fd opens it again for initdb, whoever runs that."""
    memory = os.memfd_create("password", os.MFD_CLOEXEC)
    try:
        os.write(memory, password.reveal().encode() + b"\n")
        argv = [str(programs.initdb), "--pgdata", str(new), "--username", postgres_address.SUPERUSER]
        locale = ["--encoding", "UTF8", "--locale", "C.UTF-8"]
        if programs.major >= 17:  # noqa: PLR2004 - the first with a provider of its own
            locale += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        safety = ["--data-checksums", "--auth", "scram-sha-256", "--pwfile", f"/proc/self/fd/{memory}"]
        return process.run(
            [*argv, *locale, *safety],
            environment=environment(),
            folder=new.parent,
            user=user,
            timeout_seconds=INITDB_TIMEOUT_SECONDS,
            pass_fds=(memory,),
        )
    finally:
        os.close(memory)


def major_of(folder: Path) -> int | None:
    """The PostgreSQL major whose data lies in a cluster's folder; None when there is none yet."""
    try:
        return int((folder / "data/PG_VERSION").read_text().split(".")[0])
    except (FileNotFoundError, ValueError):
        return None


def require_major(folder: Path, programs: PostgresPrograms) -> None:
    """Raise DatabaseUnavailable for data of another major than the programs."""
    major = major_of(folder)
    if major is not None and major != programs.major:
        raise DatabaseUnavailable(
            f"the data in {folder / 'data'} is PostgreSQL {major}'s, the programs are {programs.major}'s",
            hint=f"install PostgreSQL {major} with pgvector, or restore a backup into a new folder (--data)",
        )


def unavailable(folder: Path, message: str, said: str) -> DatabaseUnavailable:
    """Give the error with the last words of a program; a full disk is named as such."""
    if any(words in said for words in _DISK_FULL):
        return DatabaseUnavailable(
            f"{message}: the disk of {folder} is full", detail=said, hint=f"make room: df -h {folder}"
        )
    return DatabaseUnavailable(message, detail=said, hint=f"the whole log: {folder / LOG}")


def environment() -> dict[str, str]:
    """Nothing of the caller's: no secret of his can be read through the server."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
