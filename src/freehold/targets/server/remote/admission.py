"""Who reaches the app's database as its superuser: root, and who becomes root by sudo, each by who they are.

The connection to the database is one of the user who logged in by SSH. Whoever may run this program by sudo may do
anything here, and is written into PostgreSQL's map of users when they first ask for the database.
"""

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from freehold.core.errors import TargetUnfit
from freehold.targets.server.remote import programs
from freehold.targets.server.remote.disk import Wanted

MAP = "freehold"
ALWAYS = ("root", "postgres")
WITHIN_SECONDS = 10.0
ASK_EVERY_SECONDS = 0.05
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def asker() -> str:
    """Who asks: root, or the user who became root by sudo. Raises TargetUnfit for what PostgreSQL would misread."""
    name = os.environ.get("SUDO_USER") or "root"
    if _USER.fullmatch(name) is None:
        raise TargetUnfit(
            f"the user {name[:64]!r} cannot be let in to the database",
            detail="a name of letters, digits, dots, dashes and underscores can",
            hint="log in as another user, or as root",
        )
    return name


def names(folder: Path, superuser: str) -> tuple[str, ...]:
    """Whom the map below a cluster's folder lets in."""
    file = folder / "pg_ident.conf"
    text = file.read_text() if file.exists() else ""
    return tuple(re.findall(rf"(?m)^{MAP} (\S+) {superuser}$", text))


def write(folder: Path, superuser: str) -> bool:
    """Let in who asks, beside those who were let in before; says whether anything was changed."""
    people = dict.fromkeys((*ALWAYS, *names(folder, superuser), asker()))
    lines = "".join(f"{MAP} {name} {superuser}\n" for name in people)
    content = f"# Written by Freehold: root, and who came by sudo.\n{lines}"
    path, postgres = folder / "pg_ident.conf", {"owner": "postgres", "group": "postgres"}
    return Wanted(path=path, content=content, mode=0o640, **postgres).write()


def let_in(folder: Path, superuser: str, unit: str, psql: Sequence[str]) -> None:
    """The same in a cluster that runs; when this returns, who asks is let in."""
    if asker() in names(folder, superuser) or not write(folder, superuser):
        return
    programs.run(["systemctl", "reload", unit])
    deadline = time.monotonic() + WITHIN_SECONDS
    # PostgreSQL reads the map some time after it was told, and says nothing.
    while programs.attempt(["runuser", "-u", asker(), "--", *psql], content=b"select 1").returncode != 0:
        if time.monotonic() > deadline:
            raise TargetUnfit(f"PostgreSQL does not let {asker()} in", hint=f"journalctl -u {unit}")
        time.sleep(ASK_EVERY_SECONDS)
