"""Where everything lies on a server.

/srv/freehold/blobs/<sha256>                uploaded files and wheels, by content
/srv/freehold/hosts/<hostname>           -> ../<app>
/srv/freehold/<app>/parts/<digest>/         what was pushed, read-only
/srv/freehold/<app>/releases/<n>/           a release: site/, functions -> part, runtime -> /opt, settings.cred
/srv/freehold/<app>/assets/                 hard links: hashed assets of every release that is here
/srv/freehold/<app>/current              -> releases/<n>, what is live, also after a reboot
/run/freehold/<app>/<n>.sock                one socket a running release
/run/freehold/<app>/current.sock         -> <n>.sock, THE switch
/run/freehold/hosts/<hostname>.sock      -> ../<app>/current.sock
/var/lib/freehold/<app>/                    records, keys, secrets, backups: root's alone
/var/lib/freehold/<app>/data/               files and state of the app: its user's alone
/opt/freehold/wheels/<id>/                  unpacked wheels, read-only
/opt/freehold/runtimes/<id>/                Freehold itself, and a link to its wheels
"""

import re
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import BadUsage

SRV, RUN, STATE = Path("/srv/freehold"), Path("/run/freehold"), Path("/var/lib/freehold")
RUNTIMES, WHEELS = Path("/opt/freehold/runtimes"), Path("/opt/freehold/wheels")
BLOBS, HOSTS = SRV / "blobs", SRV / "hosts"
HASHED = ("assets", "_next/static", "_build/assets")
"""Folders of a site whose file names change with their content."""
LONGEST_HOST = 82
"""A socket's path may have 107 bytes, and /run/freehold/hosts/<hostname>.sock is one."""
_APP = re.compile(r"[a-z][a-z0-9-]{0,23}")
_PROGRAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,199}")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")
_TAKEN = {"hosts", "blobs"}


@dataclass(frozen=True)
class App:
    """The places of one app."""

    name: str

    @property
    def home(self) -> Path:
        """What Caddy may pass through."""
        return SRV / self.name

    @property
    def run(self) -> Path:
        """Sockets."""
        return RUN / self.name

    @property
    def state(self) -> Path:
        """Records."""
        return STATE / self.name

    @property
    def data(self) -> Path:
        """The app's own files."""
        return self.state / "data"

    @property
    def printed(self) -> Path:
        """What functions and the app's own server have printed: <name>.log each."""
        return self.data / "functions/logs"

    def printed_by(self, program: str) -> Path:
        """What one of them has; its name becomes part of a path."""
        if _PROGRAM.fullmatch(program) is None:
            raise BadUsage(f"{program[:40]!r} is no program of an app", hint="freehold logs --help")
        return self.printed / f"{program}.log"

    @property
    def user(self) -> str:
        """Whom its processes run as."""
        return f"fh-{self.name}"

    @property
    def current(self) -> Path:
        """The link that says what is live."""
        return self.home / "current"

    @property
    def switch(self) -> Path:
        """The link that traffic takes."""
        return self.run / "current.sock"

    def release(self, number: int) -> Path:
        """A release's folder."""
        return self.home / "releases" / str(int(number))

    def socket(self, number: int) -> Path:
        """A release's socket."""
        return self.run / f"{int(number)}.sock"

    def unit(self, number: int) -> str:
        """A release's unit."""
        return f"fh-{self.name}@{int(number)}.service"

    def part(self, digest: str) -> Path:
        """A part's folder."""
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise BadUsage(f"{digest!r} is no digest")
        return self.home / "parts" / digest


def app_of(name: str) -> App:
    """Check an app's name; it becomes part of paths, units and a user."""
    if _APP.fullmatch(name) is None or name in _TAKEN or name.endswith(("-worker", "-cron", "-")):
        raise BadUsage(
            f"{name!r} cannot be an app's name on a server",
            detail="up to 24 of a-z, 0-9 and -, starting with a letter",
            hint="--app shop",
        )
    return App(name)


def part_of(name: str) -> str:
    """Check the name of a release's part; it becomes a file beside the release's own."""
    if name not in ("site", "functions", "server"):
        raise BadUsage(f"{name[:40]!r} is no part of a release")
    return name


def host_of(name: str) -> str:
    """Check a host name; it becomes part of paths."""
    if len(name) > LONGEST_HOST or _HOST.fullmatch(name) is None:
        raise BadUsage(
            f"{name[:100]!r} cannot be served as a host name",
            detail=f"lower-case letters, digits, - and dots, at most {LONGEST_HOST} in all",
            hint="--domain shop.example.org",
        )
    return name
