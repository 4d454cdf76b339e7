"""Where the owner's npm gets its packages from."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

_REGISTRY = re.compile(r"^\s*registry\s*=\s*(?P<value>.+?)\s*$", re.MULTILINE)
_VARIABLE = re.compile(r"(?<!\\)\$\{(?P<name>[^${}]+)\}")


def registry(environment: Mapping[str, str]) -> str:
    """Give the registry set in the environment, else in the owner's .npmrc, else "": npm's own default then holds."""
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if environment.get(name):
            return environment[name]
    return _from_file(_user_config(environment), environment)


def _user_config(environment: Mapping[str, str]) -> Path | None:
    for name in ("npm_config_userconfig", "NPM_CONFIG_USERCONFIG"):
        if environment.get(name):
            return Path(environment[name])
    home = environment.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - does not raise where there is no home
    return Path(home) / ".npmrc" if home else None


def _from_file(path: Path | None, environment: Mapping[str, str]) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if path else ""
    except OSError:
        return ""
    found = _REGISTRY.findall(text)
    value = found[-1].strip("\"'") if found else ""
    return _VARIABLE.sub(lambda match: environment.get(match["name"], match[0]), value)
