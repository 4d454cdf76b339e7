"""What an app is made of, and what could not be determined."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in the app's sources something stands; `path` is relative to the app's root, `line` counts from 1."""

    path: str
    line: int = 0


@dataclass(frozen=True, kw_only=True)
class Frontend:
    """A part of the app that is built and served."""

    root: str
    """Folder relative to the app's root, "" for the root itself."""
    package_manager: str
    """npm, bun, pnpm or yarn, by the lock file."""
    lock_file: str
    """Relative path of the lock file, "" if there is none."""
    framework: str
    """vite-spa, tanstack-start, next or expo."""
    build_command: tuple[str, ...]
    output: str
    """Folder of the built files, relative to `root`."""
    server: bool = False
    """True when the built app needs a Node process to serve pages."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentName:
    """A name that code reads from its environment."""

    name: str
    kind: str
    """import.meta.env, process.env or Deno.env."""
    places: tuple[Place, ...]
    function: str = ""
    """The edge function that reads it, "" for the front end."""


@dataclass(frozen=True, kw_only=True)
class BackendAddress:
    """The builder's API that the app was made against."""

    url: str
    """For example https://<ref>.supabase.co, without a trailing slash."""
    project_ref: str
    publishable_key: str = ""
    """The published anon or publishable key: a name for the role anon, not a secret."""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EdgeFunction:
    """A Deno function under supabase/functions."""

    name: str
    entry: str
    """Entry file relative to the app's root."""
    verify_jwt: bool = True
    import_map: str = ""
    """Import map or deno.json relative to the app's root, "" if there is none."""
    imports: tuple[str, ...] = ()
    """Remote specifiers as written."""
    secrets: tuple[str, ...] = ()
    """Names it reads that the owner must set."""


@dataclass(frozen=True, kw_only=True)
class MigrationFile:
    """One SQL file, in the order in which it has to run."""

    path: str
    version: str
    sql: str


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """Something that could not be determined; printed, never guessed around."""

    what: str
    why: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """Everything a builder's reader could find in an app."""

    builder: str
    generation: str
    frontends: tuple[Frontend, ...] = ()
    backend: BackendAddress | None = None
    environment: tuple[EnvironmentName, ...] = ()
    functions: tuple[EdgeFunction, ...] = ()
    migrations: tuple[MigrationFile, ...] = ()
    pages: tuple[str, ...] = ()
    tables_used: tuple[str, ...] = ()
    rpcs_used: tuple[str, ...] = ()
    buckets_used: tuple[str, ...] = ()
    tables_subscribed: tuple[str, ...] = ()
    sign_in_methods: tuple[str, ...] = ()
    ai_endpoints: tuple[str, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    settings: dict[str, object] = field(default_factory=dict)
    """supabase/config.toml as read, with the template's defaults left out."""
