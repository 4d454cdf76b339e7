"""Edge functions at build time: every import is fetched now, so that a release starts without the internet.

Layout inside an artifact (all of it is read-only at run time):

    functions.json                   what `settings` reads: one object a function
    functions/.cache/{npm,remote}    everything fetched, shared by all functions, checked against each lock file
    functions/.shims/*.ts            our stand-ins for modules of deno.land/std
    functions/<name>/deno.json       the function's own import map and compiler options, with remote addresses turned
    functions/<name>/deno.lock       versions and digests of what it imports
    functions/<name>/supabase/...    its sources, and the files outside its folder that they import
"""

import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import FunctionUnreadable, ImportUnreachable
from freehold.core.event import Event
from freehold.core.inventory import EdgeFunction
from freehold.core.plan import Report
from freehold.kit import deno as deno_program
from freehold.kit import files, process
from freehold.releases import function_imports, function_problems, function_versions
from freehold.releases.function_config import OwnConfig, read_config

MANIFEST = "functions.json"
FOLDER = "functions"
SHIMS = Path(__file__).with_name("shims")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
ROUNDS = 8
"""Fetched modules may import more that has to be turned; real chains end after two rounds."""


@dataclass(frozen=True, kw_only=True)
class VendoredFunction:
    """A function as a release starts it. `problem` is None when everything it imports is there."""

    name: str
    entry: str
    """Relative to the function's folder in the artifact."""
    verify_jwt: bool
    problem: ImportUnreachable | FunctionUnreadable | None = None


@dataclass(frozen=True, kw_only=True)
class _Build:
    """What all functions of one build share."""

    app_root: Path
    destination: Path
    environment: dict[str, str]
    deno: str
    scratch: Path

    def folder(self, function: EdgeFunction) -> Path:
        return self.destination / FOLDER / function.name


def vendor(
    app_root: Path, functions: Sequence[EdgeFunction], destination: Path, *, deno: str, report: Report
) -> tuple[VendoredFunction, ...]:
    """Copy functions and everything they import into `destination`, and write the manifest.

    The app is only read and none of its code runs. A function whose imports cannot be fetched does not stop the
    others: it comes back with its `problem`, is reported, and answers BOOT_ERROR when it is called.
    """
    root, target = app_root.resolve(), destination.resolve()
    (target / FOLDER).mkdir(parents=True, exist_ok=True)
    shutil.copytree(SHIMS, target / FOLDER / ".shims", dirs_exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="freehold-functions-") as scratch:
        build = _Build(
            app_root=root,
            destination=target,
            environment=_environment(Path(scratch)),
            deno=deno,
            scratch=Path(scratch),
        )
        vendored = tuple(_vendor_one(build, function, report) for function in sorted(functions, key=lambda f: f.name))
        _keep_cache(Path(build.environment["DENO_DIR"]), target / FOLDER / ".cache")
    registry = build.environment.get("NPM_CONFIG_REGISTRY", "")
    files.write_text(target / MANIFEST, _manifest(vendored, registry))
    return vendored


def settings(artifact: Path) -> list[dict[str, object]]:
    """Give an artifact's functions as the runtime's FunctionSettings in JSON, with absolute folders."""
    manifest = artifact / MANIFEST
    if not manifest.exists():
        return []
    items: list[dict[str, object]] = json.loads(manifest.read_text())
    return [item | {"directory": str((artifact / str(item["directory"])).resolve())} for item in items]


def problems(vendored: Sequence[VendoredFunction]) -> dict[str, str]:
    """Names of the functions that cannot start, each with the reason in one sentence."""
    return {item.name: item.problem.message for item in vendored if item.problem is not None}


def _environment(scratch: Path) -> dict[str, str]:
    home = scratch / "home"
    home.mkdir()
    given = process.build_environment(home)
    registry = given.get("npm_config_registry", "")
    quiet = {"DENO_NO_PACKAGE_JSON": "1", "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
    return (
        given | quiet | {"DENO_DIR": str(scratch / "cache")} | ({"NPM_CONFIG_REGISTRY": registry} if registry else {})
    )


def _vendor_one(build: _Build, function: EdgeFunction, report: Report) -> VendoredFunction:
    """Copy, turn and fetch one function."""
    own = read_config(build.app_root, function)
    problem = _bad_name(function) or own.problem or _copy_and_fetch(build, function, own, report)
    if problem is not None:
        values: dict[str, object] = {"function": function.name, "detail": problem.detail, "hint": problem.hint}
        report(Event(name="warning", text=problem.message, values=values))
    return VendoredFunction(name=function.name, entry=function.entry, verify_jwt=function.verify_jwt, problem=problem)


def _copy_and_fetch(
    build: _Build, function: EdgeFunction, own: OwnConfig, report: Report
) -> ImportUnreachable | FunctionUnreadable | None:
    folder = build.folder(function)
    draft = build.scratch / f"{function.name}.json"
    draft.write_text(own.render(build.app_root, {}))
    entry = build.app_root / function.entry
    seen = deno_program.info(
        build.deno, entry, draft, folder=build.scratch, environment=build.environment, remote=False
    )
    _copy_sources(build, function, seen.modules)
    unreadable = _unreadable(build, function, seen)
    if unreadable is not None:
        return unreadable
    turned = _turned(seen)
    ended = _fetch(build, function, own, turned)
    for _ in range(ROUNDS):
        fetched = _look(build, function)
        missing = function_versions.nearest(fetched)
        more = {key: value for key, value in (_turned(fetched) | missing).items() if key not in turned}
        if not more:
            break
        turned |= more
        for specifier in more.keys() & missing.keys():
            text = function_versions.sentence(function.name, specifier, missing[specifier])
            report(Event(name="warning", text=text, values={"function": function.name}))
        ended = _fetch(build, function, own, turned)
    if not ended.ok and not function_problems.failed(folder, fetched, ended.lines):
        settled = _fetch(build, function, own, turned, least_age_days=function_versions.SETTLED_DAYS)
        if settled.ok:
            text = function_versions.settled(function.name, function_problems.last_words(ended.lines))
            report(Event(name="warning", text=text, values={"function": function.name}))
            return None
    return None if ended.ok else function_problems.unreachable(function, folder, fetched, ended.lines)


def _fetch(
    build: _Build, function: EdgeFunction, own: OwnConfig, turned: dict[str, str], *, least_age_days: int = 0
) -> process.Ended:
    folder = build.folder(function)
    config, lock = folder / "deno.json", folder / "deno.lock"
    lock.unlink(missing_ok=True)
    config.write_text(own.render(Path(), turned))
    entries = [folder / function.entry]
    return deno_program.cache(
        build.deno,
        entries,
        config,
        lock,
        folder=folder,
        environment=build.environment,
        least_age_days=least_age_days,
    )


def _look(build: _Build, function: EdgeFunction) -> deno_program.Graph:
    folder = build.folder(function)
    return deno_program.info(
        build.deno,
        folder / function.entry,
        folder / "deno.json",
        folder=folder,
        environment=build.environment,
        remote=True,
    )


def _turned(graph: deno_program.Graph) -> dict[str, str]:
    """Import map entries for what has to lead elsewhere: by the specifier as written, and by its full address."""
    entries: dict[str, str] = {}
    for item in graph.imports:
        wanted = function_imports.target(item.resolved) or function_imports.target(item.specifier)
        if not wanted:
            continue
        if not item.specifier.startswith("."):
            entries[item.specifier] = wanted
        if item.resolved.startswith("https:"):
            entries[item.resolved] = wanted
    return entries


def _copy_sources(build: _Build, function: EdgeFunction, modules: Sequence[Path]) -> None:
    """Copy the function's own folder whole, other files where they are imported; links out are not followed."""
    entry = build.app_root / function.entry
    shared = build.app_root / "supabase/functions/_shared"
    wanted = {entry, *modules}
    for folder in (entry.parent, shared):
        if folder.is_dir() and folder not in (build.app_root / "supabase/functions", build.app_root / "functions"):
            wanted.update(folder / name for name in files.list_files(folder))
    for path in sorted(wanted):
        inside = path.resolve()
        if inside.is_file() and inside.is_relative_to(build.app_root) and "node_modules" not in path.parts:
            copy = build.folder(function) / path.relative_to(build.app_root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(inside, copy)


def _bad_name(function: EdgeFunction) -> ImportUnreachable | None:
    if _NAME.fullmatch(function.name):
        return None
    return ImportUnreachable(
        f"The function {function.name!r} cannot start: its name cannot stand in an address",
        hint="Use letters, digits, - and _ only, then build again",
    )


def _unreadable(build: _Build, function: EdgeFunction, graph: deno_program.Graph) -> FunctionUnreadable | None:
    """Name the first of the app's own files that cannot be parsed."""
    for module, problem in graph.problems.items():
        if module.startswith("file:") and "SyntaxError" in problem:
            path = module.removeprefix(f"file://{build.app_root}/")
            said = problem.replace(f"file://{build.app_root}/", "")
            return FunctionUnreadable(
                f"The function {function.name} cannot start: {path} cannot be parsed: {said.splitlines()[0]}",
                detail=said,
                hint="correct the file, then build again",
            )
    return None


def _keep_cache(built: Path, destination: Path) -> None:
    """Keep what was fetched; leave out Deno's databases and npm's package lists, which differ from day to day."""
    for name in ("npm", "remote"):
        source = built / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("registry.json", ".deno_tmp*")
            shutil.copytree(source, destination / name, ignore=ignore, symlinks=True, dirs_exist_ok=True)
        else:
            (destination / name).mkdir(parents=True, exist_ok=True)


def _manifest(vendored: Sequence[VendoredFunction], registry: str) -> str:
    """Write FunctionSettings as JSON; folders are relative to the artifact."""
    items = [
        {
            "name": item.name,
            "directory": f"{FOLDER}/{item.name}",
            "entry": item.entry,
            "verify_jwt": item.verify_jwt,
            "import_map": "deno.json",
            "npm_registry": registry,
            "problem": item.problem.message if item.problem else "",
        }
        for item in vendored
    ]
    return json.dumps(items, indent=1, sort_keys=True) + "\n"
