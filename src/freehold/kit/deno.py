"""Deno: what a program imports, fetching that, and starting a program that may do nothing but what it is given."""

import asyncio
import contextlib
import ctypes
import ipaddress
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.kit import process

INFO_TIMEOUT_SECONDS = 120.0
CACHE_TIMEOUT_SECONDS = 600.0
NEVER_REACHABLE = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "168.63.129.16",
    "100.100.100.200",
    "[::]",
    "[::1]",
    "[fd00:ec2::254]",
)
"""This machine, link-local addresses and clouds' metadata services. Deno checks them after resolving a name, too."""
HARMLESS_FACTS = ("cpus", "gid", "homedir", "hostname", "osRelease", "systemMemoryInfo", "uid")
"""What popular npm packages (AWS's and Vercel's among them) ask about the system while they are loaded."""
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


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


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used: seconds of CPU and bytes of memory that are resident."""

    cpu_seconds: float
    memory_bytes: int


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
    deno: str, entries: Sequence[Path], config: Path, lock: Path, *, folder: Path, environment: Mapping[str, str]
) -> process.Ended:
    """Fetch everything that `entries` import into DENO_DIR and write down versions and digests in `lock`."""
    argv = [deno, "cache", "--quiet", "--node-modules-dir=none", "--allow-import", "--config", str(config)]
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


async def start(argv: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> asyncio.subprocess.Process:
    """Start a program with pipes on its output. It is killed when this process ends, however it ends.

    Must be called on the thread that runs the loop: the kernel ties the child's life to the thread that starts it.
    """
    return await asyncio.create_subprocess_exec(
        *argv,
        env=dict(environment),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_bind_to(os.getpid()),
    )


def usage(pid: int) -> Usage | None:
    """Read what a process has used from /proc; None when it is gone, or where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    return Usage((int(fields[11]) + int(fields[12])) / ticks, int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))


def own_addresses() -> tuple[str, ...]:
    """The addresses of this machine's interfaces in the form that Deno's permissions want, sorted."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        previous = ""
        for line in Path("/proc/net/fib_trie").read_text().splitlines():
            if "host LOCAL" in line:
                found.add(previous)
            previous = line.split()[-1] if line.split() else ""
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text().splitlines():
            found.add(f"[{ipaddress.IPv6Address(int(line.split()[0], 16))}]")
    return tuple(sorted(item for item in found if not item.startswith("127.")))


def _bind_to(parent: int) -> Callable[[], None]:
    """Make what a child does between fork and exec: die with its parent, be the first that the kernel kills."""

    def bind() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        try:
            descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
            os.write(descriptor, b"800")
            os.close(descriptor)
        except OSError:
            pass

    return bind


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
