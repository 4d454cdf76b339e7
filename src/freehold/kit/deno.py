"""Deno: what a program imports, fetching that, and the arguments that start it with nothing but what it is given."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.kit import process

INFO_TIMEOUT_SECONDS = 120.0
CACHE_TIMEOUT_SECONDS = 600.0
HARMLESS_FACTS = ("cpus", "gid", "homedir", "hostname", "osRelease", "systemMemoryInfo", "uid")
"""What popular npm packages (AWS's and Vercel's among them) ask about the system while they are loaded."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import as written. `line` counts from 1; `resolved` is where Deno's resolution leads, "" if nowhere."""

    specifier: str
    resolved: str
    module: str
    line: int
    dynamic: bool
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """What `deno info` sees. `modules` are local files; `problems` maps a specifier that did not load to the reason."""

    imports: tuple[Import, ...]
    modules: tuple[Path, ...]
    problems: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a running program may use."""

    heap_megabytes: int
    read: tuple[Path, ...]
    write: tuple[Path, ...]
    denied_addresses: tuple[str, ...]


def info(  # noqa: PLR0913 - what to look at, and where
    deno: str, entry: Path, config: Path, *, folder: Path, environment: Mapping[str, str], remote: bool
) -> Graph:
    """List what `entry` imports, through local files and, with `remote`, through fetched ones too."""
    offline = [] if remote else ["--no-remote", "--no-npm"]
    argv = [deno, "info", "--json", "--quiet", "--no-lock", "--config", str(config), *offline, str(entry)]
    lines: list[str] = []
    ended = process.run(
        argv, environment=environment, folder=folder, timeout_seconds=INFO_TIMEOUT_SECONDS, on_line=lines.append
    )
    start = lines.index("{") if "{" in lines else len(lines)
    stop = len(lines) - lines[::-1].index("}") if "}" in lines else len(lines)
    if not ended.ok or start >= stop:
        return Graph(imports=(), modules=(), problems={str(entry): "\n".join(ended.lines[-5:])})
    return _graph(json.loads("\n".join(lines[start:stop])))


def cache(  # noqa: PLR0913 - what to fetch, and where to
    deno: str,
    entries: Sequence[Path],
    config: Path,
    lock: Path,
    *,
    folder: Path,
    environment: Mapping[str, str],
    least_age_days: int = 0,
) -> process.Ended:
    """Fetch everything that `entries` import into DENO_DIR and write down versions and digests in `lock`.

    Where a range of versions may be met by several, those younger than `least_age_days` are passed by.
    """
    argv = [deno, "cache", "--quiet", "--node-modules-dir=none", "--allow-import", "--config", str(config)]
    if least_age_days:  # what is kept of the registry's answers may not say how old a version is
        argv += [f"--minimum-dependency-age=P{least_age_days}D", "--reload=npm:"]
    argv += ["--lock", str(lock), "--frozen=false", *map(str, entries)]
    return process.run(argv, environment=environment, folder=folder, timeout_seconds=CACHE_TIMEOUT_SECONDS)


def run_argv(deno: str, program: Path, *, config: Path, lock: Path | None, limits: Limits) -> list[str]:
    """Arguments that start `program` from what is cached, closed to everything that `limits` does not name."""
    return [
        deno,
        "run",
        "--quiet",
        "--no-prompt",
        "--cached-only",
        "--node-modules-dir=none",
        f"--config={config}",
        *([f"--lock={lock}", "--frozen"] if lock else ["--no-lock"]),
        f"--v8-flags=--max-old-space-size={limits.heap_megabytes}",
        "--allow-env",
        "--allow-import",
        f"--allow-sys={','.join(HARMLESS_FACTS)}",
        f"--allow-read={_paths((*limits.read, *limits.write))}",
        f"--allow-write={_paths(limits.write)}",
        "--allow-net",
        f"--deny-net={','.join(limits.denied_addresses)}",
        "--deny-run",
        "--unstable-no-legacy-abort",
        "--deny-ffi",
        str(program),
    ]


def _paths(paths: Sequence[Path]) -> str:
    """Join paths as Deno's list options want it: a comma inside a path is doubled."""
    return ",".join(str(path).replace(",", ",,") for path in paths)


def _graph(values: dict[str, list[dict[str, object]]]) -> Graph:
    imports: list[Import] = []
    modules: list[Path] = []
    problems: dict[str, str] = {}
    for module in values["modules"]:
        specifier = str(module["specifier"])
        if "error" in module:
            problems[specifier] = str(module["error"])
            continue
        if specifier.startswith("file:") and "local" in module:
            modules.append(Path(str(module["local"])))
        dependencies = module.get("dependencies", [])
        if isinstance(dependencies, list):
            imports.extend(_import(specifier, item) for item in dependencies if "code" in item)
    return Graph(imports=tuple(imports), modules=tuple(modules), problems=problems)


def _import(module: str, item: dict[str, object]) -> Import:
    code = item["code"]
    values = code if isinstance(code, dict) else {}
    return Import(
        specifier=str(item["specifier"]),
        resolved=str(values.get("specifier", "")),
        module=module,
        line=int(values.get("span", {}).get("start", {}).get("line", 0)) + 1,
        dynamic=bool(item.get("isDynamic", False)),
        problem=str(values.get("error", "")),
    )
