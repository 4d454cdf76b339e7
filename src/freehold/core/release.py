"""What is served: code, configuration, secrets and schema as one thing, and what a target says about it."""

from dataclasses import dataclass, field

LIVE, WARM, COLD, STAGED = "live", "warm", "cold", "staged"
SITE, FUNCTIONS = "site", "functions"
"""The parts of a release: folders that are served."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """Artifact digest, config snapshot, secret version ids, schema revision with a window, runtime version.

    Written once and never changed; how it stands is the target's to say, as a `Standing`.
    """

    id: str
    number: int
    """Counted from 1 on each target."""
    app: str = ""
    artifact: str
    """SHA-256 over the parts before an address is filled in, in hex: the same build has the same one everywhere."""
    parts: dict[str, str] = field(default_factory=dict)
    """Names of parts and the digests of their file lists, as they are served."""
    config: dict[str, object]
    """The runtime's settings but for secrets, keys, logins and the target's own paths; see core/configuration.py."""
    secrets: dict[str, str]
    """Secret names and the ids of their versions; never values."""
    schema_revision: str
    schema_position: int = 0
    """The ledger's position of the newest migration that had run; 0 where none had."""
    runtime: str
    source: dict[str, str] = field(default_factory=dict)
    """Where the code came from: origin, commit, branch, changed ("yes" when the tree differed from the commit)."""
    parent: int = 0
    """The release that was live when this one was made; 0 for the first."""
    created_at: str
    """RFC 3339, UTC."""
    created_by: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What two releases are compared by. Kept beside the release; holds no secret."""

    code: dict[str, str] = field(default_factory=dict)
    """Paths of the app's sources and their SHA-256."""
    dependencies: dict[str, str] = field(default_factory=dict)
    """Names of locked packages and their versions."""
    functions: dict[str, str] = field(default_factory=dict)
    """Names of edge functions and a digest of each with all it imports."""
    environment: dict[str, str] = field(default_factory=dict)
    """Names that the build or the functions read, each with where: build or functions."""
    files: dict[str, int] = field(default_factory=dict)
    """Served files and their sizes in bytes."""
    schema: dict[str, str] = field(default_factory=dict)
    """Objects of the app's schemas (tables, columns, policies, functions ...) and their definitions."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A release and how it stands on its target."""

    release: Release
    state: str
    """live; warm: runs, gets no traffic; cold: was live, does not run; staged: never was live."""
    bad: str = ""
    """Why it is never to be gone back to by itself; "" for a good one."""
    pinned: bool = False
    live_since: str = ""
    """When it last became live, RFC 3339 by the target's clock; "" for never."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a release needs of a place; looked at before anything is copied."""

    runtime: str
    postgres_major: int = 15
    extensions: tuple[str, ...] = ()
    disk_bytes: int = 0
    memory_bytes: int = 0
    server_runtime: str = ""
    """What the app's own server needs besides Node: python, or "" for nothing."""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """The Python of a place, which runs an app's own Python server there: what wheels are chosen by."""

    version: str
    """Such as 3.11."""
    machine: str
    """x86_64 or aarch64."""
    glibc: str
    """Such as 2.36."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a place does not fit, for a person."""

    message: str
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How a place is. It fits when `problems` is empty; `facts` are shown as they are (system, disk, PostgreSQL)."""

    problems: tuple[Problem, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One look at a release: `name` is process, site, api, database or functions; `detail` says what was seen."""

    name: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Requests that a release has answered since it started, and those it answered with a 5xx."""

    requests: int
    failed: int


LEASE_SECONDS = 600
"""How long a lease lasts after its holder's last word."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Who changes a target just now. Times are the target's own, so that a laptop's clock does not count."""

    token: str
    holder: str
    """A person and a machine, such as anna@laptop."""
    purpose: str
    since: str
    until: str
    process: str = ""
    """The holder's process on that machine, to tell a killed one from a slow one."""
