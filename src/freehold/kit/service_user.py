"""The user that PostgreSQL runs as when root calls: the server refuses to be root."""

import os
import pwd
import shutil
from pathlib import Path

from freehold.core.errors import DatabaseUnavailable
from freehold.kit import process
from freehold.kit.process import User

NAME = "freehold"
FALLBACK = "postgres"
TIMEOUT_SECONDS = 60


def for_data(folder: Path) -> User | None:
    """Give the user who shall run a server on `folder`; None when the caller is not root and runs it himself.

    Data that exists keeps its owner; else it is `freehold`, made when missing, or `postgres` where no user can be made.
    """
    if os.geteuid() != 0:
        return None
    if folder.is_dir() and folder.stat().st_uid != 0:
        return _of(pwd.getpwuid(folder.stat().st_uid))
    return _existing(NAME) or _made() or _existing(FALLBACK) or _refused()


def require_way(user: User | None, *folders: Path) -> None:
    """Raise DatabaseUnavailable, naming the first folder on the way to `folders` that `user` cannot pass through."""
    for folder in folders if user else ():
        for step in reversed((folder, *folder.parents)):
            if user and step.is_dir() and not _can_pass(user, step):
                raise DatabaseUnavailable(
                    f"PostgreSQL runs as user {user.name}, who cannot pass through {step}",
                    detail=f"on the way to {folder}; mode {step.stat().st_mode & 0o7777:o}",
                    hint=f"chmod o+x {step}, or choose a folder outside it (--data, FREEHOLD_CACHE)",
                )


def _can_pass(user: User, folder: Path) -> bool:
    """Decide by the mode bits; where they say no, an access list may still say yes: ask the kernel as that user."""
    status = folder.stat()
    bit = 0o100 if status.st_uid == user.uid else 0o010 if status.st_gid == user.gid else 0o001
    if status.st_mode & bit:
        return True
    return _run(["test", "-x", str(folder)], user).ok


def _existing(name: str) -> User | None:
    try:
        return _of(pwd.getpwnam(name))
    except KeyError:
        return None


def _made() -> User | None:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    program = shutil.which("useradd", path=path)
    if program is None:
        return None
    argv = [program, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    shell = ["--shell", shutil.which("nologin", path=path) or "/bin/false", NAME]
    _run([*argv, *shell], None)
    return _existing(NAME)  # also when another process was quicker


def _run(argv: list[str], user: User | None) -> process.Ended:
    environment = {"PATH": os.defpath}
    return process.run(argv, environment=environment, folder=Path("/"), user=user, timeout_seconds=TIMEOUT_SECONDS)


def _refused() -> User:
    raise DatabaseUnavailable(
        "PostgreSQL does not run as root, and there is no user for it",
        hint=f"useradd --system --no-create-home {NAME}, or run Freehold as another user than root",
    )


def _of(entry: pwd.struct_passwd) -> User:
    return User(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
