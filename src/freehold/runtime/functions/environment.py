"""What a function finds in its environment, and what its process may touch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from freehold.kit import deno
from freehold.runtime.settings import FunctionSettings, Settings
from freehold.runtime.workers import surroundings
from freehold.runtime.workers.program import Bounds, Program, relay_in, socket_in

RUNNER = Path(__file__).with_name("runner.js")
SERVE_WITHIN_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Place:
    """The folders of one process. `run` is short, because it holds sockets, and the only one it may write to."""

    run: Path
    cache: Path


def program(settings: Settings, function: FunctionSettings, place: Place, denied: tuple[str, ...]) -> Program:
    """Everything that the start of a function's process needs."""
    limits = settings.function_limits
    return Program(
        argv=tuple(argv(settings, function, place, denied)),
        environment=environment(settings, function, place),
        folder=function.directory,
        run=place.run,
        bounds=Bounds(
            memory_megabytes=limits.memory_megabytes,
            cpu_seconds=limits.cpu_seconds,
            boot_seconds=limits.boot_seconds,
            background_seconds=limits.request_seconds,
            idle_seconds=limits.idle_seconds,
        ),
    )


def prepare(function: FunctionSettings, place: Place) -> None:
    """Make the folders: what was fetched at build time is linked into a cache that Deno may write to."""
    place.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("npm", "remote"):
        link = place.cache / name
        source = _fetched(function) / name
        if source.is_dir() and (not link.is_symlink() or link.readlink() != source):
            link.unlink(missing_ok=True)
            link.symlink_to(source)


def argv(settings: Settings, function: FunctionSettings, place: Place, denied: tuple[str, ...]) -> list[str]:
    """The command line; it holds paths and limits, never a secret."""
    lock = function.directory / "deno.lock"
    limits = deno.Limits(
        heap_megabytes=settings.function_limits.heap_megabytes,
        read=(function.directory, _fetched(function), function.directory.parent / ".shims", place.cache / "npm"),
        write=(place.run,),
        denied_addresses=denied,
    )
    return deno.run_argv(
        settings.deno,
        RUNNER,
        config=function.directory / (function.import_map or "deno.json"),
        lock=lock if lock.exists() else None,
        limits=limits,
    )


def environment(settings: Settings, function: FunctionSettings, place: Place) -> dict[str, str]:
    """The whole environment of a function's process: the owner's secrets, the API's names, and Deno's own needs."""
    own = {
        "HOME": str(place.run / "tmp"),
        "DENO_DIR": str(place.cache),
        "DENO_NO_PACKAGE_JSON": "1",
        "DENO_NO_UPDATE_CHECK": "1",
        "DENO_TLS_CA_STORE": "system",
        "NO_COLOR": "1",
    }
    if function.npm_registry:
        own["NPM_CONFIG_REGISTRY"] = function.npm_registry
    hidden = sorted({*own, "FREEHOLD_FUNCTION", "PATH", "PWD", "HOSTNAME"})
    return {
        **surroundings.inherited(),
        **surroundings.secrets(settings),
        **surroundings.api(settings),
        "TMPDIR": str(place.run / "tmp"),
        **own,
        "FREEHOLD_FUNCTION": json.dumps(_setup(settings, function, place, hidden)),
    }


def _setup(settings: Settings, function: FunctionSettings, place: Place, hidden: list[str]) -> Mapping[str, object]:
    """What runner.js reads, and deletes before the function's code runs."""
    return {
        **surroundings.addresses(settings),
        "entry": (function.directory / function.entry).as_uri(),
        "socket": str(socket_in(place.run)),
        "relay": str(relay_in(place.run)),
        "hidden": hidden,
        "serveWithinSeconds": SERVE_WITHIN_SECONDS,
    }


def _fetched(function: FunctionSettings) -> Path:
    return function.directory.parent / ".cache"
