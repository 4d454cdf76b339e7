"""The settings that the `postgrest` program knows: names, defaults, where they may stand, and which are refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from freehold.core.errors import BadUsage
from freehold.core.secret import Secret
from freehold.runtime.rest import identity, jwtpath
from freehold.runtime.rest.settings import HOISTED, RestSettings
from freehold.runtime.rest.standalone import readers

APP_SETTINGS = "app.settings."
APP_ENVIRONMENT = "PGRST_APP_SETTINGS_"
LOG_LEVELS = ("crit", "error", "warn", "info", "debug")
SECRET_NAMES = frozenset({"db-uri", "jwt-secret"})
WITHOUT_EFFECT = {
    "log-query": "statements are not written to the log: use PostgreSQL's log_statement",
    "db-pool-automatic-recovery": "lost connections are always made again",
}
"""Settings that are read, and why a value other than the default changes nothing."""


@dataclass(frozen=True)
class Option:
    """One setting. `read` checks a text and gives the value, or raises ValueError with what is wanted instead."""

    name: str
    read: Callable[[str], Any]
    default: Any
    alias: str = ""
    in_database: bool = True
    """Whether `alter role ... set pgrst.x` counts, so that it can change while the server runs."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Everything a server was told. `values` is by PostgREST's names, defaults included."""

    values: Mapping[str, Any]
    app_settings: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    rest: RestSettings = field(repr=False)

    @property
    def db_uri(self) -> Secret:
        """Libpq's connection string."""
        return Secret(self.values["db-uri"])


def resolve(file: Mapping[str, str], environment: Mapping[str, str], database: Mapping[str, str]) -> Options:
    """Put the database's settings over the environment's over the file's; raises BadUsage that names the setting.

    `database` has the names without their `pgrst.` prefix. A name nobody knows is an error in the file, which belongs
    to this server alone, and a warning elsewhere.
    """
    own = {name: text for name, text in file.items() if not name.startswith(APP_SETTINGS)}
    _refuse_unknown(own)
    values: dict[str, Any] = {}
    for option in OPTIONS:
        text = _text(option, own, environment, database)
        values[option.name] = option.default if text is None else _read(option, text)
    if values["server-port"] == values["admin-server-port"] != 0:
        raise BadUsage("admin-server-port cannot be the same as server-port", hint="Choose another admin-server-port.")
    values["admin-server-host"] = values["admin-server-host"] or values["server-host"]
    app = _app_settings(file, environment)
    rest = _rest(values, app)
    _check_secret(rest)
    return Options(values=values, app_settings=app, warnings=_warnings(values, environment, database), rest=rest)


def dump(options: Options, *, with_secrets: bool) -> str:
    """Write settings in the form of the configuration file; without their values, secrets are written as `***`."""
    lines = []
    for option in OPTIONS:
        value = options.values[option.name]
        if option.name in SECRET_NAMES and value and not with_secrets:
            value = "***"
        lines.append(f"{option.name} = {_written(option, value)}")
    lines += [f"{name} = {_quoted(value if with_secrets else '***')}" for name, value in options.app_settings]
    return "\n".join(lines) + "\n"


def example() -> str:
    """Write a configuration file with every default, all commented out."""
    lines = [f"# {option.name} = {_written(option, option.default)}" for option in OPTIONS]
    return "\n".join(["# Every setting with its default.", *lines]) + "\n"


def database_names() -> list[str]:
    """Give the settings that may be made in the database, as `pgrst.` names."""
    return ["pgrst." + option.name.replace("-", "_") for option in OPTIONS if option.in_database]


def _text(
    option: Option, file: Mapping[str, str], environment: Mapping[str, str], database: Mapping[str, str]
) -> str | None:
    for name in filter(None, (option.name, option.alias)):
        key = name.replace("-", "_")
        if option.in_database and key in database:
            text = database[key]
        elif (variable := "PGRST_" + key.upper()) in environment:
            text = environment[variable]
        elif name in file:
            text = file[name]
        else:
            continue
        if text or option.name == "db-extra-search-path":
            return text
    return None


def _read(option: Option, text: str) -> Any:  # noqa: ANN401 - one type a setting
    try:
        return option.read(text)
    except ValueError as error:
        shown = "" if option.name in SECRET_NAMES else f": {text!r}"
        raise BadUsage(f"{option.name} cannot be used{shown}", detail=str(error)) from error


def _refuse_unknown(file: Mapping[str, str]) -> None:
    known = {name for option in OPTIONS for name in (option.name, option.alias) if name}
    unknown = sorted(set(file) - known)
    if unknown:
        near = get_close_matches(unknown[0], known, 1)
        raise BadUsage(
            "the configuration file has settings that are not known",
            detail=", ".join(unknown),
            hint=f"Did you mean {near[0]}?" if near else "freehold serve rest --example prints those that are.",
        )


def _warnings(
    values: Mapping[str, Any], environment: Mapping[str, str], database: Mapping[str, str]
) -> tuple[str, ...]:
    variables = {
        "PGRST_" + name.replace("-", "_").upper() for option in OPTIONS for name in (option.name, option.alias)
    }
    in_database = {option.name.replace("-", "_"): option.in_database for option in OPTIONS}
    found = [
        f"{name} is not known and is ignored"
        for name in sorted(environment)
        if name.startswith("PGRST_") and name not in variables and not name.startswith(APP_ENVIRONMENT)
    ]
    for name in sorted(database):
        if not in_database.get(name, False):
            reason = "cannot be set in the database" if name in in_database else "is not known"
            found.append(f"pgrst.{name} {reason} and is ignored")
    defaults = {option.name: option.default for option in OPTIONS}
    found += [f"{name}: {why}" for name, why in WITHOUT_EFFECT.items() if values[name] != defaults[name]]
    return tuple(found)


def _app_settings(file: Mapping[str, str], environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    found = {name: text for name, text in file.items() if name.startswith(APP_SETTINGS)}
    for name, text in environment.items():
        if name.startswith(APP_ENVIRONMENT):
            found[APP_SETTINGS + name.removeprefix(APP_ENVIRONMENT).lower()] = text
    return tuple(sorted(found.items()))


def _rest(values: Mapping[str, Any], app: tuple[tuple[str, str], ...]) -> RestSettings:
    same = {
        name: values[name.replace("_", "-")]
        for name in (
            "db_schemas", "db_extra_search_path", "db_max_rows", "db_pre_request", "db_pre_config", "db_config",
            "db_root_spec", "db_aggregates_enabled", "db_plan_enabled", "db_channel", "db_channel_enabled",
            "db_hoisted_tx_settings", "jwt_secret", "jwt_secret_is_base64", "jwt_aud", "jwt_role_claim_key",
            "jwt_cache_max_entries", "openapi_mode", "openapi_security_active", "openapi_server_proxy_uri",
            "server_cors_allowed_origins", "server_timing_enabled", "server_trace_header",
        )
    }  # fmt: skip
    end = values["db-tx-end"]
    return RestSettings(
        **same,
        db_anon_role=values["db-anon-role"] or None,
        db_tx_rollback_all=end.startswith("rollback"),
        db_tx_allow_override=end.endswith("-allow-override"),
        app_settings=app,
    )


def _check_secret(rest: RestSettings) -> None:
    try:
        identity.Tokens(rest)
    except ValueError as error:
        raise BadUsage("jwt-secret cannot be used", detail=str(error)) from error


def _written(option: Option, value: Any) -> str:  # noqa: ANN401 - one type a setting
    if value is None:
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return _quoted(("." if option.read is readers.function else ",").join(value))
    if option.name == "jwt-role-claim-key":
        return _quoted(jwtpath.written(jwtpath.parse(value)))
    return str(value) if isinstance(value, int) else _quoted(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


OPTIONS = (
    Option("db-aggregates-enabled", readers.flag, False),
    Option("db-anon-role", str, ""),
    Option("db-channel", str, "pgrst", in_database=False),
    Option("db-channel-enabled", readers.flag, True, in_database=False),
    Option("db-extra-search-path", readers.names, ("public",)),
    Option("db-hoisted-tx-settings", readers.names, HOISTED),
    Option("db-max-rows", readers.number, None, alias="max-rows"),
    Option("db-plan-enabled", readers.flag, False),
    Option("db-pool", readers.positive, 10, in_database=False),
    Option("db-pool-acquisition-timeout", readers.positive, 10, in_database=False),
    Option("db-pool-max-lifetime", readers.positive, 1800, in_database=False),
    Option("db-pool-max-idletime", readers.positive, 30, alias="db-pool-timeout", in_database=False),
    Option("db-pool-automatic-recovery", readers.flag, True, in_database=False),
    Option("db-pre-request", readers.function, (), alias="pre-request"),
    Option("db-prepared-statements", readers.flag, True),
    Option("db-root-spec", str, "", alias="root-spec"),
    Option("db-schemas", readers.names, ("public",), alias="db-schema"),
    Option("db-config", readers.flag, True, in_database=False),
    Option("db-pre-config", readers.function, ()),
    Option(
        "db-tx-end", readers.one_of("commit", "commit-allow-override", "rollback", "rollback-allow-override"), "commit"
    ),
    Option("db-uri", str, "postgresql://", in_database=False),
    Option("jwt-aud", readers.audience, ""),
    Option("jwt-role-claim-key", readers.claim_path, ".role", alias="role-claim-key"),
    Option("jwt-secret", str, ""),
    Option("jwt-secret-is-base64", readers.flag, False, alias="secret-is-base64"),
    Option("jwt-cache-max-entries", readers.number, 1000),
    Option("log-level", readers.one_of(*LOG_LEVELS), "error", in_database=False),
    Option("log-query", readers.flag, False, in_database=False),
    Option("openapi-mode", readers.one_of("follow-privileges", "ignore-privileges", "disabled"), "follow-privileges"),
    Option("openapi-security-active", readers.flag, False),
    Option("openapi-server-proxy-uri", readers.proxy_uri, ""),
    Option("server-cors-allowed-origins", readers.names, ()),
    Option("server-host", str, "!4", in_database=False),
    Option("server-port", readers.number, 3000, in_database=False),
    Option("server-trace-header", str, ""),
    Option("server-timing-enabled", readers.flag, False),
    Option("server-unix-socket", str, "", in_database=False),
    Option("server-unix-socket-mode", readers.socket_mode, "660", in_database=False),
    Option("admin-server-host", str, "", in_database=False),
    Option("admin-server-port", readers.number, None, in_database=False),
)
