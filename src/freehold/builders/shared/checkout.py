"""An app's files as a builder's reader sees them: listed once, read when wanted, never followed out of the folder."""

import bisect
import contextlib
import os
import re
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from freehold.core.app import App
from freehold.core.inventory import Place
from freehold.kit import git

IGNORED_FOLDERS = frozenset(
    {"node_modules", ".git", "dist", "build", ".next", ".output", ".vercel", ".cache", ".turbo", "coverage", "__MACOSX"}
)
LARGEST_TEXT_BYTES = 2 * 1024 * 1024
CODE_SUFFIXES = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte")
_OPEN: ContextVar[dict[Path, "Checkout"] | None] = ContextVar("open checkouts", default=None)
_ENVIRONMENT_FILE = re.compile(r"(^|/)\.env(\.[\w.-]+)?$")


class Checkout:
    """The files of an app below `root`. Paths are relative, with forward slashes."""

    def __init__(self, root: Path) -> None:
        """Nothing is read until it is asked for."""
        self.root = root
        self._texts: dict[str, str] = {}

    @cached_property
    def is_repository(self) -> bool:
        """Whether git knows the folder."""
        return git.is_repository(self.root)

    @cached_property
    def commits(self) -> tuple[git.Commit, ...]:
        """The newest commits, () without git."""
        return git.commits(self.root) if self.is_repository else ()

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Tracked and untracked files, without what git ignores; .env files are listed even when ignored."""
        listed = git.files(self.root) if self.is_repository else ()
        inside = tuple(name for name in listed if self._is_inside(name))
        walked = tuple(_walk(self.root)) if not inside else ()
        return tuple(sorted({*inside, *walked, *self._environment_files()}))

    @cached_property
    def known(self) -> frozenset[str]:
        """The files as a set."""
        return frozenset(self.files)

    def below(self, *folders: str, suffixes: tuple[str, ...] = ()) -> tuple[str, ...]:
        """List the files below any of the folders ("" is everything), by suffix if one is given."""
        prefixes = tuple(folder and folder.rstrip("/") + "/" for folder in folders)
        return tuple(
            name for name in self.files if name.startswith(prefixes) and (not suffixes or name.endswith(suffixes))
        )

    def text(self, path: str) -> str:
        """Give a file's text; "" for what is missing, binary or too large to be written by hand."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def content(self, path: str) -> bytes:
        """Give a file's bytes; b"" for what is missing or too large to be written by hand."""
        file = self.root / path
        try:
            if not self._is_inside(path) or file.stat().st_size > LARGEST_TEXT_BYTES:
                return b""
            return file.read_bytes()
        except OSError:
            return b""

    def _read(self, path: str) -> str:
        content = self.content(path)
        if b"\0" in content[:8192]:
            return ""
        return content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")

    def _is_inside(self, path: str) -> bool:
        file = self.root / path
        if not file.is_symlink() and "/" not in path:
            return file.is_file()
        return file.is_file() and file.resolve().is_relative_to(self.root.resolve())

    def _environment_files(self) -> Iterator[str]:
        for folder in (self.root, *(self.root / name for name in ("frontend", "client", "web", "app"))):
            for file in folder.glob(".env*"):
                name = file.relative_to(self.root).as_posix()
                if _ENVIRONMENT_FILE.search(name) and self._is_inside(name):
                    yield name


@dataclass(frozen=True)
class Lines:
    """Turns offsets in a text into line numbers."""

    starts: list[int]

    def place(self, path: str, offset: int) -> Place:
        """Give the place of an offset."""
        return Place(path=path, line=bisect.bisect_right(self.starts, offset))


def lines(text: str) -> Lines:
    """Index the lines of a text."""
    return Lines([0, *(match.end() for match in re.finditer("\n", text))])


def open_checkout(app: App) -> Checkout:
    """Look at an app's files; within `read_once`, with what was read before."""
    known = _OPEN.get()
    return Checkout(app.root) if known is None else known.setdefault(app.root, Checkout(app.root))


@contextlib.contextmanager
def read_once() -> Iterator[None]:
    """Let everybody who asks in this block share what was read: nothing may change the app meanwhile."""
    token = _OPEN.set({})
    try:
        yield
    finally:
        _OPEN.reset(token)


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in IGNORED_FOLDERS)
        for name in names:
            path = Path(folder, name)
            if path.is_file() and (not path.is_symlink() or path.resolve().is_relative_to(root.resolve())):
                yield path.relative_to(root).as_posix()
