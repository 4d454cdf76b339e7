"""Build an app's site in a scratch copy, once for every address it will be served at."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from freehold.core.app import App
from freehold.core.errors import BuildFailed
from freehold.core.event import Event
from freehold.core.inventory import Frontend, Inventory
from freehold.core.plan import Report
from freehold.core.release import Interpreter
from freehold.kit import files, json_text, pip, process
from freehold.releases import (
    clients,
    dependencies,
    frameworks,
    icons,
    output,
    python_packages,
    python_server,
    scratch,
    server,
    site_artifact,
    toolchain,
    words,
)
from freehold.releases.site_artifact import SiteArtifact, Told
from freehold.releases.toolchain import Toolchain

TIMEOUT_SECONDS = 1800
BUILD_REVISION = 2
"""Counted up when the same sources and tools would give another site."""


def build_site(  # noqa: PLR0913 - what is built, for what, and where to, each by name
    app: App,
    inventory: Inventory,
    destination: Path,
    *,
    report: Report,
    cache: Path,
    interpreter: Interpreter | None = None,
) -> SiteArtifact:
    """Give the app's built site, from <destination> when nothing has changed since the last build.

    `interpreter` is the Python that an app's own server will run in; None is the one that runs this.
    `cache` keeps packages, scratch folders and logs, and has to be on the file system of `destination`. The owner's
    folder is only read. Raises BuildFailed with the last relevant lines, and ProgramMissing. Killed at any point it
    leaves nothing that looks finished; two builds of one app wait for each other.
    """
    frontend = _frontend(inventory)
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "build.lock", report):
        home = cache / "home"
        home.mkdir(exist_ok=True)
        environment = process.build_environment(home)
        tools = toolchain.choose(frontend, environment)
        wanted = interpreter or pip.own()
        key = build_key(app, inventory, frontend, tools, wanted)
        known = site_artifact.recall(destination, key)
        if known is not None:
            return known
        # Metro and others keep caches under fixed names there, with paths of other apps' builds in them.
        with tempfile.TemporaryDirectory(prefix="fh-build-", ignore_cleanup_errors=True) as temporary:
            own = environment | {"TMPDIR": temporary}
            return _Build(app, inventory, frontend, tools, wanted, cache, report, own).run(destination, key)


def build_key(app: App, inventory: Inventory, frontend: Frontend, tools: Toolchain, interpreter: Interpreter) -> str:
    """Hash everything that a build depends on."""
    total = hashlib.sha256()
    values = scratch.environment(app, frontend, inventory.backend)
    backend = inventory.backend
    names = (backend.url, backend.publishable_key, backend.project_ref) if backend else ()
    plan = [BUILD_REVISION, tools.described, asdict(frontend), values, names, inventory.builder_hosts]
    plan += [asdict(upgrade) for upgrade in inventory.client_upgrades]
    if inventory.started_server is not None:
        plan += [asdict(inventory.started_server), python_packages.described(interpreter)]
    total.update(json.dumps(plan, sort_keys=True).encode())
    for name in scratch.sources(app):
        total.update(f"\0{name}\0{files.sha256(app.root / name)}".encode())
    return total.hexdigest()


@dataclass(frozen=True)
class _Build:
    app: App
    inventory: Inventory
    frontend: Frontend
    tools: Toolchain
    interpreter: Interpreter
    cache: Path
    report: Report
    environment: dict[str, str]

    def run(self, destination: Path, key: str) -> SiteArtifact:
        """Copy, install, build, tidy, store."""
        root = self.cache / "scratch"
        files.remove_tree(root)
        try:
            return self._run_in(root, destination, key)
        finally:
            files.remove_tree(root)

    def _run_in(self, root: Path, destination: Path, key: str) -> SiteArtifact:
        self.report(Event(name="progress", text="Copy the app to a scratch folder"))
        copied = scratch.fill(self.app, self.inventory, self.frontend, root / "app")
        folder = root / "app" / self.frontend.root
        lock = self._lock(root / "app")
        log = self._new_log()
        notes = [*self._notes(copied)]
        staged = self._staged(copied, root / "server", log)
        packages = dependencies.packages(folder, self.tools, lock, self.cache)
        told = dependencies.install(packages, environment=self._with(copied), log=log, report=self.report)
        for upgrade in self.inventory.client_upgrades:
            notes += clients.upgrade(folder, upgrade, self.cache, self._with(copied), log)
        try:
            self._compile(folder, copied, log)
            built = frameworks.find(
                frameworks.Scene(folder=folder, frontend=self.frontend, environment=self._with(copied), log=log)
            )
        finally:
            if not told.chosen:  # other versions than the lock file's are installed anew, in the hope of the right ones
                dependencies.keep(packages)
        tidy = output.tidy(built.pages, self.inventory)
        if built.server is not None:
            output.tidy(built.server.folder, self.inventory)
        removed = tuple(sorted({*copied.removed_scripts, *tidy.removed_scripts}))
        self._tell(removed, tidy.leftovers)
        parcel = _packed(built, root / "parcel", copied.environment)
        if staged is not None:
            python_server.store(staged, parcel)
            notes += staged.notes
        return site_artifact.store(
            parcel, destination, Told(key, removed, tidy.leftovers, (*notes, *told.chosen, *told.scripts))
        )

    def _staged(self, copied: scratch.Scratch, folder: Path, log: Path) -> python_server.Staged | None:
        """Put the app's Python server together, if it brings one: it is told in seconds when a package is missing."""
        server = self.inventory.started_server
        if server is None:
            return None
        return python_server.stage(
            server, self.interpreter, copied.root, folder, cache=self.cache, log=log, report=self.report
        )

    def _lock(self, root: Path) -> Path | None:
        fits = self.tools.manager == self.frontend.package_manager
        return root / self.frontend.lock_file if self.frontend.lock_file and fits else None

    def _new_log(self) -> Path:
        logs = self.cache / "logs"
        logs.mkdir(exist_ok=True)
        log = logs / "build.log"
        log.unlink(missing_ok=True)
        return log

    def _notes(self, copied: scratch.Scratch) -> Iterator[str]:
        notes = [self.tools.note] if self.tools.note else []
        if copied.left_out:
            notes.append(f"links that lead out of the app's folder were left out: {', '.join(copied.left_out)}")
        for note in notes:
            self.report(Event(name="warning", text=note))
            yield note

    def _with(self, copied: scratch.Scratch) -> dict[str, str]:
        return {
            **self.environment,
            **copied.environment,
            **frameworks.build_environment(self.frontend),
            "PATH": self.tools.path,
            "npm_config_cache": str(self.cache / "npm"),
            "npm_config_update_notifier": "false",
            "npm_config_dangerously_allow_all_scripts": "true",  # newer npm runs no install script that is not listed
            "BUN_INSTALL_CACHE_DIR": str(self.cache / "bun"),
            "YARN_CACHE_FOLDER": str(self.cache / "yarn"),
        }

    def _compile(self, folder: Path, copied: scratch.Scratch, log: Path) -> None:
        self.report(Event(name="progress", text="Build the site"))
        if self.frontend.framework == "expo" and (note := icons.leave_out(folder)):
            self.report(Event(name="warning", text=note))
        ended = self._run(self._build_command(folder), folder, copied, log)
        bundler = folder / "node_modules" / ".bin" / "vite"
        if not ended.ok and _only_types_are_wrong(ended) and bundler.exists():
            text = (
                "The app's code has type errors, which its builder's preview does not look at: built without that check"
            )
            self.report(Event(name="warning", text=text))
            ended = self._run((str(bundler), "build"), folder, copied, log)
        if not ended.ok:
            raise _failed(self.app, ended, log)

    def _run(self, command: tuple[str, ...], folder: Path, copied: scratch.Scratch, log: Path) -> process.Ended:
        return process.run(
            command,
            environment={**self._with(copied), "NODE_ENV": "production"},
            timeout_seconds=TIMEOUT_SECONDS,
            folder=folder,
            log=log,
            on_line=lambda line: words.pass_on(line, self.report),
        )

    def _build_command(self, folder: Path) -> tuple[str, ...]:
        """Run the app's own build script; Vite itself where there is none."""
        binaries = folder / "node_modules" / ".bin"
        if self.frontend.framework == "expo":
            return (str(binaries / "expo"), "export", "--platform", "web", "--output-dir", self.frontend.output)
        if self.frontend.build_command and _has_script(folder, "build"):
            return (*self.tools.command, *self.frontend.build_command[1:])
        return (str(binaries / "vite"), "build")

    def _tell(self, removed: tuple[str, ...], leftovers: tuple[output.Leftover, ...]) -> None:
        for address in removed:
            self.report(Event(name="note", text=f"The pages no longer load {address} from the builder"))
        for leftover in leftovers:
            self.report(Event(name="warning", text=f"The built file {leftover.path} still names {leftover.what}"))


def _packed(built: frameworks.Built, parcel: Path, baked: Mapping[str, str]) -> Path:
    parcel.mkdir()
    built.pages.rename(parcel / "site")
    if built.server is not None:
        server.store(built.server, parcel, baked)
    return parcel


def _frontend(inventory: Inventory) -> Frontend:
    if not inventory.frontends:
        raise BuildFailed("the app has no front end that could be built", detail="no package.json was found")
    return inventory.frontends[0]


def _has_script(folder: Path, name: str) -> bool:
    try:
        return name in json_text.read((folder / "package.json").read_text(encoding="utf-8-sig")).get("scripts", {})
    except (ValueError, AttributeError):
        return False


def _only_types_are_wrong(ended: process.Ended) -> bool:
    """Whether `tsc`, which many build scripts run first, stopped the build before the bundler began."""
    text = "\n".join(ended.lines)
    return re.search(r"error TS\d+:", text) is not None and "vite v" not in text


def _failed(app: App, ended: process.Ended, log: Path) -> BuildFailed:
    text = "\n".join(ended.lines)
    hint = "correct the app, then run the same command again"
    if "heap out of memory" in text or ended.code in (-9, 137):
        hint = "the build ran out of memory: give the machine more, or build on another one"
    reason = f"it took more than {TIMEOUT_SECONDS // 60} minutes" if ended.timed_out else words.relevant(ended.lines)
    return BuildFailed(f"{app.name} does not build", detail=f"{reason}\nthe whole log: {log}", hint=hint)


@contextlib.contextmanager
def _locked(path: Path, report: Report) -> Iterator[None]:
    """Hold the build lock; the kernel gives it back however this process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(Event(name="progress", text="Wait for another build of this app"))
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
