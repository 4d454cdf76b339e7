"""What an app is made of, and what could not be determined."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, order=True)
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
    environment_prefixes: tuple[str, ...] = ("VITE_",)
    """Names with these prefixes are baked into the built files; no other name is given to the build."""


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
    url_names: tuple[str, ...] = ()
    """Build-time names that hold the address, such as VITE_SUPABASE_URL."""
    key_names: tuple[str, ...] = ()
    """Build-time names that hold the publishable key."""
    ref_names: tuple[str, ...] = ()
    """Build-time names that hold the project ref alone."""
    build_values: dict[str, str] = field(default_factory=dict)
    """Further build-time names with the values that the builder's own build gives them."""


@dataclass(frozen=True, kw_only=True)
class PublishedKey:
    """A key of the builder's API that stands in the sources."""

    role: str
    """anon, service_role or what the key's own claims say; publishable and secret for the opaque forms."""
    value: str
    """The key itself when its role is anon or publishable, else "": the others are secrets."""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ClientUpgrade:
    """A newer version of the builder's client, built in where the app's own cannot be told which server to call."""

    package: str
    parcel: str
    """The folder of releases/clients that holds its lock file and what the older version's callers expect of it."""


@dataclass(frozen=True, kw_only=True)
class ServiceUse:
    """A service of the builder's platform, or another's, that code names by its address."""

    service: str
    """A short name such as "AI gateway"."""
    address: str
    """The address as written in the code."""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostedAsset:
    """A file whose bytes are in the builder's store and not in the sources."""

    address: str
    """A full address, or a path on the app's own origin."""
    size: int = 0
    """Bytes, as the builder says; 0 when it does not."""
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

    @property
    def order(self) -> tuple[bool, str, str]:
        """By file name, whatever the folder; those without a number come last."""
        return (not self.version, self.path.rpartition("/")[2], self.path)


@dataclass(frozen=True, kw_only=True)
class RecordField:
    """One field of a kind of record, as declared."""

    name: str
    type: str
    """As the declaration writes it: string, number, array of string, or a column type such as varchar."""
    format: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    has_rules: bool = False
    """Whether the field has access rules of its own."""


@dataclass(frozen=True, kw_only=True)
class RecordKind:
    """What an app keeps many of: an entity, a collection or a table that is not made by a migration."""

    name: str
    kind: str
    """entity (Base44), collection (MongoDB) or table (declared in code)."""
    declared: bool = True
    """False when no file describes it and it is inferred from the code that uses it."""
    fields: tuple[RecordField, ...] = ()
    rules: dict[str, object] | None = None
    """Access rules by operation, as written; None when there are none, which at Base44 means open to everyone."""
    schema: dict[str, object] | None = None
    """The declaration itself where it is JSON, else None."""
    uses: int = 0
    """How many calls in code name it."""
    places: tuple[Place, ...] = ()
    """Where it is declared, else where it is used."""


@dataclass(frozen=True, kw_only=True)
class AppServer:
    """A server of the app's own that answers its API."""

    framework: str
    """express, fastapi, django, flask, ..."""
    root: str
    """Folder relative to the app's root, "" for the root itself."""
    entry: str
    """The file that starts it, relative to the app's root, "" when it could not be told."""
    runtime: str
    """node, python or deno."""
    build_command: tuple[str, ...] = ()
    start_command: tuple[str, ...] = ()
    routes: int = 0
    """How many routes its code declares."""
    system_packages: tuple[str, ...] = ()
    """System libraries that the builder installs for it, under the names that the builder uses."""
    requirements: str = ""
    """The file that names its packages, relative to the app's root, "" when there is none or it was not looked for."""
    settings: str = ""
    """The module with a Django project's settings."""
    application: str = ""
    """What Freehold starts: module:name of a WSGI application; "" for a server that it does not start."""
    paths: tuple[str, ...] = ()
    """What such a server answers: below an entry with a slash at its end, and at one without."""


@dataclass(frozen=True, kw_only=True)
class ServerFunction:
    """Code of a server-rendered app that answers calls: a function that pages call by name, or a route of its own."""

    name: str
    """The function's name, or the route's path."""
    kind: str
    """server function or server route."""
    methods: tuple[str, ...] = ()
    """HTTP methods in upper case; ANY where the code does not say."""
    middleware: tuple[str, ...] = ()
    """What runs before it, by name; what runs before all of them included."""
    every_right: bool = False
    """Whether it takes the key that passes over row security."""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Automation:
    """Something that runs without a person asking: on a schedule, or when a record changes."""

    name: str
    kind: str
    """scheduled, entity or connector."""
    function: str
    """What it calls."""
    detail: str = ""
    """The schedule or the events, in short."""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Agent:
    """A chat agent that the builder's platform runs."""

    name: str
    entities: tuple[str, ...] = ()
    """Entities it may reach, each with the operations it may do: "Order (create, read)"."""
    functions: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Connector:
    """A third party's account that the builder's platform holds the grant for."""

    type: str
    """googlecalendar, slack, stripe, ..."""
    scopes: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AiCall:
    """A way in which code asks a language model."""

    through: str
    """The call or package: InvokeLLM, LlmChat, openai, ..."""
    models: tuple[str, ...] = ()
    """Models that the calls name; () when none is named."""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NativeShell:
    """A way in which the app is built for phones."""

    kind: str
    """capacitor or expo."""
    identifier: str = ""
    """The app's identifier in the stores, "" when it is not written down."""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Break:
    """Something that works at the builder and will not anywhere else without an answer."""

    what: str
    answer: str
    """What has to be put in its place, and by whom."""
    places: tuple[Place, ...] = ()


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
    other_backends: tuple[BackendAddress, ...] = ()
    """Further projects of the same kind that code calls: they stay where they are."""
    published_keys: tuple[PublishedKey, ...] = ()
    builder_services: tuple[ServiceUse, ...] = ()
    """Services of the builder's platform that the app calls when it runs."""
    builder_links: tuple[ServiceUse, ...] = ()
    """Links to the app's pages at the builder."""
    hosted_assets: tuple[HostedAsset, ...] = ()
    builder_hosts: tuple[str, ...] = ()
    """Hosts of the builder that a served page must not load scripts from; a host includes its subdomains."""
    package_mirrors: tuple[str, ...] = ()
    """Host and path of the builder's package cache, as lock files name it; the registry has the same packages."""
    client_versions: dict[str, str] = field(default_factory=dict)
    """Wanted versions of the packages that speak the builder's protocol, by package name."""
    client_upgrades: tuple[ClientUpgrade, ...] = ()
    runtime_settings: dict[str, object] = field(default_factory=dict)
    """What the server that speaks the builder's protocol has to know; names as in runtime/settings.py."""
    settings: dict[str, object] = field(default_factory=dict)
    """supabase/config.toml as read, with the template's defaults left out."""
    app_id: str = ""
    """The builder's identifier of the app, where its API needs one."""
    records: tuple[RecordKind, ...] = ()
    """Entities, collections or tables that no migration creates."""
    servers: tuple[AppServer, ...] = ()
    server_functions: tuple[ServerFunction, ...] = ()
    """Functions and routes that run in the front end's own server."""
    third_parties: tuple[ServiceUse, ...] = ()
    """Back ends of others that hold data or users of the app: they stay where they are."""
    secrets: tuple[str, ...] = ()
    """Names that the app's own servers read and the owner has to set; those of functions stand with the functions."""
    automations: tuple[Automation, ...] = ()
    agents: tuple[Agent, ...] = ()
    connectors: tuple[Connector, ...] = ()
    ai_calls: tuple[AiCall, ...] = ()
    native_shells: tuple[NativeShell, ...] = ()
    breaks: tuple[Break, ...] = ()
    """What breaks off the builder."""
    not_served: str = ""
    """Why `freehold up` cannot serve the app yet, "" when it can."""

    @property
    def started_server(self) -> AppServer | None:
        """The app's own server that Freehold starts beside files; pages that need a process are served by that."""
        if any(frontend.server for frontend in self.frontends):
            return None
        return next((server for server in self.servers if server.application), None)

    @property
    def served(self) -> bool:
        """Whether `freehold up` can serve the app."""
        return not self.not_served
