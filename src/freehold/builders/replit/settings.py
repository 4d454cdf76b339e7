"""The .replit file: how the app is built and run, and what of the platform it integrates. Values are never kept."""

import re
import shlex
from dataclasses import dataclass

from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.servers import without_values
from freehold.core.errors import BadUsage
from freehold.kit import toml

FILE = ".replit"
_INTEGRATION = re.compile(r"^(?:javascript|python|flask|nodejs)_")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What .replit says; empty when there is none."""

    build: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    deployment: str = ""
    """autoscale, vm, static, ..."""
    modules: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    """Without language and version: log_in_with_replit, object_storage, stripe, ..."""
    system_packages: tuple[str, ...] = ()
    environment_names: tuple[str, ...] = ()
    """Names whose values stand in the file."""
    problem: str = ""
    """Why the file cannot be read."""


def read(checkout: Checkout) -> Settings:
    """Read the file; one that is no TOML is told in `problem`."""
    try:
        values = toml.parse(checkout.text(FILE), FILE)
    except BadUsage as error:
        return Settings(problem=error.detail)
    deployment = toml.table(values, "deployment")
    agent = toml.table(values, "agent")
    environment = [toml.table(values, "env"), *(toml.table(values, "userenv", name) for name in _scopes(values))]
    return Settings(
        build=_command(deployment.get("build")),
        run=_command(deployment.get("run")) or _command(values.get("run")),
        deployment=str(deployment.get("deploymentTarget", "")),
        modules=_texts(values.get("modules")),
        integrations=tuple(sorted({_plain(name) for name in _texts(agent.get("integrations"))})),
        system_packages=_texts(toml.table(values, "nix").get("packages")),
        environment_names=tuple(sorted({name for table in environment for name in table})),
    )


def _scopes(values: dict[str, object]) -> tuple[str, ...]:
    return tuple(name for name, inner in toml.table(values, "userenv").items() if isinstance(inner, dict))


def _plain(name: str) -> str:
    return _INTEGRATION.sub("", re.split(r"==|:", name)[0])


def _command(value: object) -> tuple[str, ...]:
    """Give a command as a list; a text is split as a shell would."""
    if isinstance(value, list):
        return without_values(_texts(value))
    try:
        return without_values(shlex.split(value)) if isinstance(value, str) else ()
    except ValueError:
        return ()


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
