"""A function's own deno.json or import map, and how it reads in a release."""

import json
import posixpath
from dataclasses import dataclass, field
from pathlib import Path

import json5

from freehold.core.errors import ImportUnreachable
from freehold.core.inventory import EdgeFunction
from freehold.releases import function_imports

SHIM_FOLDER = "../.shims/"
_COMPILER_OPTIONS = ("jsx", "jsxImportSource", "jsxFactory", "jsxFragmentFactory", "experimentalDecorators")


@dataclass(frozen=True, kw_only=True)
class OwnConfig:
    """`imports` and `scopes` have relative addresses that start at the app's root."""

    imports: dict[str, str] = field(default_factory=dict)
    scopes: dict[str, dict[str, str]] = field(default_factory=dict)
    compiler_options: dict[str, object] = field(default_factory=dict)
    problem: ImportUnreachable | None = None

    def render(self, root: Path, turned: dict[str, str]) -> str:
        """Give the deno.json of a folder that holds the app's tree; `root` is where that is, if not beside the file."""
        imports = {key: _address(value, root) for key, value in self.imports.items()}
        imports |= {key: _address(value, root) for key, value in turned.items()}
        scopes = {
            _address(scope, root): {key: _address(value, root) for key, value in entries.items()}
            for scope, entries in self.scopes.items()
        }
        values: dict[str, object] = {"imports": imports, "scopes": scopes, "compilerOptions": self.compiler_options}
        return json.dumps({key: value for key, value in values.items() if value}, indent=1, sort_keys=True) + "\n"


def read_config(app_root: Path, function: EdgeFunction) -> OwnConfig:
    """Read what stands beside a function; text that is no JSON comes back as `problem`."""
    own = f"{posixpath.dirname(function.entry)}/deno.json"
    path = function.import_map
    try:
        values = _load(app_root, path)
        beside = _load(app_root, own) if path != own else values
        map_path, mapping = path, values
        if isinstance(values.get("importMap"), str):
            map_path = posixpath.normpath(posixpath.join(posixpath.dirname(path), str(values["importMap"])))
            mapping = _load(app_root, map_path)
    except ValueError as error:
        return OwnConfig(problem=_unreadable(function, path, str(error)))
    options = _table(values, "compilerOptions") or _table(beside, "compilerOptions")
    base = posixpath.dirname(map_path)
    return OwnConfig(
        imports=_package_json(app_root, function) | _addresses(_table(mapping, "imports"), base),
        scopes={
            _rebased(scope, base): _addresses(entries, base)
            for scope, entries in _table(mapping, "scopes").items()
            if isinstance(entries, dict)
        },
        compiler_options={key: options[key] for key in _COMPILER_OPTIONS if key in options},
    )


def _load(app_root: Path, path: str) -> dict[str, object]:
    file = app_root / path
    if not path or not file.is_file() or not file.resolve().is_relative_to(app_root):
        return {}
    values = json5.loads(file.read_text())
    return values if isinstance(values, dict) else {}


def _table(values: dict[str, object], name: str) -> dict[str, object]:
    table = values.get(name)
    return table if isinstance(table, dict) else {}


def _package_json(app_root: Path, function: EdgeFunction) -> dict[str, str]:
    """Dependencies of a package.json beside the function, as Deno reads them."""
    values = _load(app_root, f"{posixpath.dirname(function.entry)}/package.json")
    found: dict[str, str] = {}
    for name, version in _table(values, "dependencies").items():
        if isinstance(version, str) and ":" not in version:
            found[name] = f"npm:{name}@{version}"
            found[f"{name}/"] = f"npm:/{name}@{version}/"
    return found


def _addresses(entries: dict[str, object], base: str) -> dict[str, str]:
    return {
        _rebased(key, base): function_imports.target(value) or _rebased(value, base)
        for key, value in entries.items()
        if isinstance(value, str)
    }


def _rebased(address: str, base: str) -> str:
    """Turn an address that is relative to its map's folder into one relative to the app's root."""
    if not address.startswith((".", "/")):
        return address
    tail = "/" if address.endswith("/") else ""
    return "./" + posixpath.normpath(posixpath.join(base, address.lstrip("/"))) + tail


def _address(target: str, root: Path) -> str:
    if target.startswith(function_imports.SHIM):
        return SHIM_FOLDER + target.removeprefix(function_imports.SHIM)
    if target.startswith("./") and root != Path():
        return (root / target[2:]).as_uri() + ("/" if target.endswith("/") else "")
    return target


def _unreadable(function: EdgeFunction, path: str, detail: str) -> ImportUnreachable:
    return ImportUnreachable(
        f"The function {function.name} cannot start: {path} is no JSON",
        detail=detail,
        hint=f"Correct {path}, then build again",
    )
