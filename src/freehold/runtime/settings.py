"""Everything the runtime has to know, read once at start from one JSON file with mode 0600."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Literal, get_args

from freehold.core.errors import BadUsage
from freehold.core.secret import Secret

ServerRuntime = Literal["node", "python"]


@dataclass(frozen=True, kw_only=True)
class FunctionSettings:
    """One deployed edge function; `directory` holds its entry, import map and vendored imports."""

    name: str
    directory: Path
    entry: str
    verify_jwt: bool = True
    import_map: str = ""
    """The configuration with its imports, relative to `directory`."""
    npm_registry: str = ""
    """The registry it was built with, if not npm's own: packages are cached under its name."""
    problem: str = ""
    """Why it cannot start; a call is answered BOOT_ERROR."""


@dataclass(frozen=True, kw_only=True)
class FunctionLimits:
    """What edge functions may use. A function that goes over is ended, and its next call starts it again."""

    heap_megabytes: int = 256
    """JavaScript heap of one function."""
    memory_megabytes: int = 512
    """Resident memory of one function's process, buffers and WebAssembly included."""
    total_megabytes: int = 2048
    """Resident memory of all; over it, the functions that were used longest ago are stopped."""
    cpu_seconds: float = 10.0
    """CPU time without once coming back to the event loop."""
    boot_seconds: float = 30.0
    answer_seconds: float = 150.0
    """Until the answer's headers."""
    request_seconds: float = 400.0
    """Until the end of the answer; also how long work given to EdgeRuntime.waitUntil may go on."""
    idle_seconds: float = 300.0


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The app's own server: a Node program of the release, or a WSGI application in Python."""

    directory: Path
    runtime: ServerRuntime = "node"
    entry: str = ""
    """What Node runs, relative to `directory`."""
    application: str = ""
    """The WSGI application as module:name, looked for in `app`, such as config.wsgi:application."""
    settings_module: str = ""
    """Django's settings; empty for an application of another kind."""
    app: str = "app"
    """The folder with the Python code, relative to `directory`."""
    packages: str = "packages"
    """The folder with the Python packages, relative to `directory`."""
    serving: str = "serving"
    """The folder with what serves a WSGI application, relative to `directory`."""
    before: tuple[tuple[str, ...], ...] = ()
    """Python programs below `app`, with arguments, that have to succeed before it serves: migrations."""
    paths: tuple[str, ...] = ()
    """What it answers: prefixes such as /api/ and whole paths such as /feed.xml. Empty: all that is no file."""
    environment: dict[str, str] = field(default_factory=dict)
    """What the build baked in, for code that reads it when it runs; nothing secret."""
    reads: tuple[str, ...] = ()
    """Names that stand in its code: of the API's keys and the owner's secrets it gets these."""
    addons: bool = False
    """Whether it brings native code, which Node has to be allowed to load."""


@dataclass(frozen=True, kw_only=True)
class ServerLimits:
    """What the app's own server may use. When it goes over, it is ended and started again."""

    heap_megabytes: int = 512
    memory_megabytes: int = 1024
    """Resident memory of the process."""
    cpu_seconds: float = 30.0
    """CPU time without once coming back to the event loop."""
    hang_seconds: float = 60.0
    """Time without coming back to the event loop, where no CPU is used."""
    boot_seconds: float = 60.0
    answer_seconds: float = 150.0
    """Until the answer's headers."""


SMTP_PORT = 587
"""Of mail that is handed in, RFC 6409."""


@dataclass(frozen=True, kw_only=True)
class SmtpSettings:
    """Where mail goes; without one it goes to the local mail page."""

    host: str
    sender: str
    """An address, which may carry a name: Shop <shop@example.com>."""
    port: int = SMTP_PORT
    sender_name: str = ""
    """Goes before the name that `sender` carries."""
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The runtime's settings. Addresses have no trailing slash."""

    public_url: str
    """The app's own origin, such as http://127.0.0.1:8000."""
    rest_dsn: Secret
    """libpq connection string of the login role `authenticator`: may become anon, authenticated, service_role only."""
    auth_dsn: Secret
    """The same for `supabase_auth_admin`, the owner of schema auth."""
    storage_dsn: Secret
    """The same for `supabase_storage_admin`, the owner of schema storage."""
    server_dsn: Secret | None = None
    """The same for the role of the app's own server; only a Python server has one, and cannot do without."""
    server_secret_key: Secret | None = None
    """Signs what the app's own server gives out, such as sessions; the same for every release of an app."""
    jobs_dsn: Secret | None = None
    """The same for the owner of the app's own schema, as whom scheduled jobs run; without it none are run."""
    jwt_secret: Secret
    """HS256 secret, at least 32 characters: signs the anon and service_role keys."""
    signing_key: Secret
    """Private ES256 key as a JWK in JSON: signs users' access tokens."""
    publishable_key: str
    """sb_publishable_...: a name for the role anon."""
    secret_key: Secret
    """sb_secret_...: the role service_role."""
    anon_jwt: str
    """The anon key in its JWT form, for code that expects one."""
    service_role_jwt: Secret
    """The service_role key in its JWT form."""
    anon_names: tuple[str, ...] = ()
    """Published keys of the app's old back end: opaque names for anon."""
    require_apikey: bool = True
    storage_directory: Path = Path("storage")
    site_directory: Path | None = None
    server: ServerSettings | None = None
    """The app's own server, in JSON also the path of a folder with a server.json; None for an app of files alone."""
    server_limits: ServerLimits = field(default_factory=ServerLimits)
    node: str = "node"
    functions: tuple[FunctionSettings, ...] = ()
    function_secrets: dict[str, Secret] = field(default_factory=dict)
    function_state_directory: Path = Path("functions")
    function_limits: FunctionLimits = field(default_factory=FunctionLimits)
    function_hosts: dict[str, str] = field(default_factory=dict)
    """Hosts that functions must not reach, and the path below `public_url` that answers instead ("" for the root)."""
    function_denied_addresses: tuple[str, ...] = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
    """Networks closed to functions besides this machine, link-local addresses and clouds' metadata services."""
    api_address: str = ""
    """Where the runtime itself listens, for functions: http://host:port or unix:/path; "" is `public_url`."""
    deno: str = "deno"
    exposed_schemas: tuple[str, ...] = ("public", "graphql_public")
    extra_search_path: tuple[str, ...] = ("public", "extensions")
    max_rows: int = 1000
    pool_size: int = 10
    smtp: SmtpSettings | None = None
    mail_directory: Path = Path("mail")
    """Where mail is kept for the local mail page while no SMTP server is set."""
    mail_page: bool = False
    """Serve the local mail page at /_freehold/mail; only ever on loopback."""
    auth: dict[str, object] = field(default_factory=dict)
    """The [auth] table of supabase/config.toml; names and defaults as in the CLI's template."""
    loopback_providers: bool = False
    """Call a sign-in provider on this machine by http where the owner named one; only for an app on loopback."""
    old_issuers: dict[str, str] = field(default_factory=dict)
    """Issuers of moved users' tokens, each with its public keys as a JWKS in JSON: to verify until they expire."""
    old_hs256: dict[str, Secret] = field(default_factory=dict)
    """The same for issuers that still sign with a shared secret: whoever else knows it can make such tokens too."""
    base44: dict[str, Any] | None = None
    """For a Base44 app: app_id, visibility, name and providers of runtime/base44/context.py; it is served at /api."""
    storage_file_size_limit_bytes: int = 50 * 1024 * 1024
    live_link: Path | None = None
    """A symbolic link that names the live release; None where there is only one."""
    live_name: str = ""
    """What `live_link` ends in while this release is the live one. Only that one runs jobs and reads changes."""
    traffic_directory: Path | None = None
    """Where each process keeps its count of requests and failures; see runtime/traffic.py."""
    bus_directory: Path | None = None
    """Where the workers of one machine, of all running releases, find each other; None is the temporary folder."""


_SECRETS = {
    "server_dsn",
    "server_secret_key",
    "jobs_dsn",
    "rest_dsn",
    "auth_dsn",
    "storage_dsn",
    "jwt_secret",
    "signing_key",
    "secret_key",
    "service_role_jwt",
}
_PATHS = {"storage_directory", "site_directory", "function_state_directory", "mail_directory"} | {
    "live_link",
    "traffic_directory",
    "bus_directory",
}
_TUPLES = {"function_denied_addresses", "anon_names", "exposed_schemas", "extra_search_path"}


def parse(text: str, origin: str) -> Settings:
    """Read settings from JSON that came from `origin`; what is no JSON or has unknown keys raises BadUsage."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise BadUsage(f"{origin} holds no JSON", detail=str(error)) from error
    known = {item.name for item in fields(Settings)}
    unknown = sorted(set(raw) - known)
    if unknown:
        raise BadUsage(f"{origin} has settings Freehold does not know", detail=", ".join(unknown))
    values: dict[str, Any] = {name: _parse(name, value) for name, value in raw.items()}
    return Settings(**values)


def dump(settings: Settings) -> str:
    """Write settings as the JSON that `parse` reads, secrets included: the file must have mode 0600."""
    return json.dumps({item.name: _plain(getattr(settings, item.name)) for item in fields(Settings)}, indent=1)


def _parse(name: str, value: object) -> object:
    if value is None:
        return None
    if name in _SECRETS | _PATHS:
        return Secret(str(value)) if name in _SECRETS else Path(str(value))
    if name in _TUPLES and isinstance(value, list):
        return tuple(value)
    if name == "functions" and isinstance(value, list):
        return tuple(FunctionSettings(**(item | {"directory": Path(item["directory"])})) for item in value)
    if name == "server" and isinstance(value, str):
        value = json.loads(Path(value, "server.json").read_text()) | {"directory": value}
    if name in _TABLES and isinstance(value, dict):
        return _TABLES[name](value)
    return value


def _server(value: dict[str, Any]) -> ServerSettings:
    runtime = value.get("runtime", "node")
    if runtime not in get_args(ServerRuntime):
        raise BadUsage(f"this version of Freehold starts no server of the kind {runtime}")
    read = {
        "directory": Path(value["directory"]),
        "reads": tuple(value.get("reads", ())),
        "paths": tuple(value.get("paths", ())),
        "before": tuple(tuple(argv) for argv in value.get("before", ())),
    }
    return ServerSettings(**(value | read))


def _smtp(value: dict[str, Any]) -> SmtpSettings:
    value = {name: item.strip() if isinstance(item, str) else item for name, item in value.items()}
    port = str(value.get("port", SMTP_PORT))
    if re.fullmatch("[0-9]{1,5}", port) is None:
        raise BadUsage("the mail server's port is no number", hint=f"freehold secrets set SMTP_PORT   ({SMTP_PORT})")
    if "@" not in parseaddr(str(value["sender"]))[1]:
        hint = "freehold secrets set SMTP_ADMIN_EMAIL   (shop@example.com)"
        raise BadUsage("the address that mail comes from is none", hint=hint)
    return SmtpSettings(**(value | {"port": int(port), "password": Secret(str(value.get("password", "")))}))


_TABLES: dict[str, Callable[[dict[str, Any]], object]] = {
    "server": _server,
    "server_limits": lambda value: ServerLimits(**value),
    "function_secrets": lambda value: {key: Secret(str(item)) for key, item in value.items()},
    "old_hs256": lambda value: {key: Secret(str(item)) for key, item in value.items()},
    "function_limits": lambda value: FunctionLimits(**value),
    "smtp": _smtp,
}


def _plain(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, FunctionSettings | FunctionLimits | ServerSettings | ServerLimits | SmtpSettings):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
