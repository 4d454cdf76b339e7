"""Where an app lives on this machine: one folder, and what each part of it is for."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import BadUsage, NotRunning

ROOT_DATA = Path("/var/lib/freehold")


@dataclass(frozen=True)
class Place:
    """The data folder of one app. Everything the app is lies below `root`, except the key that opens its secrets."""

    root: Path

    @property
    def postgres(self) -> Path:
        """The embedded PostgreSQL cluster."""
        return self.root / "postgres"

    @property
    def artifacts(self) -> Path:
        """Built sites and functions, one folder a digest."""
        return self.root / "artifacts"

    @property
    def releases(self) -> Path:
        """What was served, one JSON file a release."""
        return self.root / "releases"

    @property
    def rendered(self) -> Path:
        """Sites as served: an artifact with this place's address and key filled in."""
        return self.root / "rendered"

    @property
    def work(self) -> Path:
        """Scratch copies and caches; may be deleted while nothing runs."""
        return self.root / "work"

    @property
    def objects(self) -> Path:
        """The bytes of uploaded files."""
        return self.root / "storage"

    @property
    def mail(self) -> Path:
        """Mail for the local mail page."""
        return self.root / "mail"

    @property
    def functions(self) -> Path:
        """State and logs of edge functions."""
        return self.root / "functions"

    @property
    def printed(self) -> Path:
        """What functions and the app's own server have printed: <name>.log each."""
        return self.functions / "logs"

    @property
    def logs(self) -> Path:
        """Logs of builds and of the runtime."""
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        """The owner's secrets, encrypted with age."""
        return self.root / "secrets"

    @property
    def keys(self) -> Path:
        """Freehold's own keys and passwords for this app, encrypted with age."""
        return self.root / "keys"

    @property
    def journal(self) -> Path:
        """What plans did here."""
        return self.root / "journal.jsonl"

    @property
    def state(self) -> Path:
        """What runs now; see targets/local/state.py."""
        return self.root / "up.json"

    @property
    def run(self) -> Path:
        """Sockets and counters of the releases that run."""
        return self.root / "run"

    @property
    def live(self) -> Path:
        """A link whose text is the number of the release that has the traffic."""
        return self.root / "live"

    @property
    def control(self) -> Path:
        """The socket on which `freehold up` takes orders from other commands."""
        return self.run / "control.sock"

    @property
    def runtime_log(self) -> Path:
        """What the releases log."""
        return self.logs / "runtime.log"

    @property
    def lock(self) -> Path:
        """Held while `freehold up` runs."""
        return self.root / "up.lock"

    def prepare(self) -> None:
        """Make the folders. `root` can be passed through by PostgreSQL's own user; the rest is the owner's alone."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711)
        private = (self.artifacts, self.releases, self.rendered, self.work, self.objects, self.mail, self.functions)
        for folder in (*private, self.run, self.logs, self.secrets, self.keys):
            folder.mkdir(exist_ok=True, mode=0o700)


def identity_file() -> Path:
    """The age identity that opens secrets: $FREEHOLD_AGE_IDENTITY, else below the configuration folder."""
    named = os.environ.get("FREEHOLD_AGE_IDENTITY")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "freehold" / "age-identity.txt"


def data_root() -> Path:
    """Where the data folders of all apps lie: $XDG_DATA_HOME, else ~/.local/share; /var/lib for root.

    Root's home is closed to the user that PostgreSQL runs as, so root's data lies outside it.
    """
    base = os.environ.get("XDG_DATA_HOME")
    if base:
        return Path(base) / "freehold"
    return ROOT_DATA if os.geteuid() == 0 else Path.home() / ".local/share/freehold"


def place_of(origin: str, data: Path | None) -> Place:
    """Give the place of an app by what its owner typed: `data` when named, else one folder per origin."""
    if data is not None:
        return Place(data.expanduser().absolute())
    resolved = str(Path(origin).expanduser().resolve()) if "://" not in origin and "@" not in origin else origin
    stem = re.sub(r"[^a-z0-9]+", "-", Path(origin.rstrip("/")).name.removesuffix(".git").lower()).strip("-")
    digest = hashlib.sha256(resolved.encode()).hexdigest()[:8]
    return Place(data_root() / f"{(stem or 'app')[:40]}-{digest}")


def known_places() -> tuple[Place, ...]:
    """Every place below `data_root` that was ever brought up."""
    root = data_root()
    if not root.is_dir():
        return ()
    return tuple(Place(folder) for folder in sorted(root.iterdir()) if (folder / "journal.jsonl").exists())


def find_place(origin: str | None, data: Path | None) -> Place:
    """Find the place that a command is about; raises NotRunning or BadUsage with the choices.

    Named by `data` or `origin`, else that of the current folder, else the only one there is.
    """
    if data is not None or origin is not None:
        place = place_of(origin or "", data)
        if not place.journal.exists():
            raise NotRunning(f"nothing was brought up from {origin or data}", hint=f"freehold up {origin or '.'}")
        return place
    here = place_of(".", None)
    if here.journal.exists():
        return here
    places = known_places()
    if len(places) == 1:
        return places[0]
    if not places:
        raise NotRunning("nothing was brought up on this machine", hint="freehold up PATH")
    listing = "\n".join(f"--data {place.root}" for place in places)
    raise BadUsage("there is more than one app here: say which", detail=listing, hint="add PATH or --data DIR")
