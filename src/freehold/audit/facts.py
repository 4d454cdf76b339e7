"""What rules may ask about an app: each thing is read once, when the first rule wants it."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Protocol

from ast_grep_py import SgNode, SgRoot

from freehold.core.finding import FormerText
from freehold.core.inventory import Inventory
from freehold.core.ports import Facts, Known

Rows = Callable[[str], tuple[Mapping[str, Any], ...]]
LARGEST_CODE_BYTES = 1_000_000
_LANGUAGES = {
    ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx", ".jsx": "tsx", ".js": "tsx",
    ".mjs": "tsx", ".cjs": "tsx", ".py": "python",
}  # fmt: skip
_NOT_THE_APP = re.compile(
    r"(^|/)(__tests__|__mocks__|tests?|e2e|cypress|playwright|fixtures?|mocks?|stories|storybook|examples?|samples?"
    r"|node_modules|vendor|dist|build|\.next|\.output|public|static|docs?|coverage|attached_assets)/"
    r"|/assets/[^/]+-[\w-]{8}\.[cm]?js$"
    r"|\.(test|spec|stories|min|d)\.\w+$|(^|/)test_[^/]*\.py$|_test\.py$|(^|/)conftest\.py$|\.config\.[cm]?[jt]s$"
)
_FUNCTION = re.compile(r"^(supabase/functions|base44/functions|functions|netlify/functions)/")
_SCRIPT = re.compile(r"(^|/)(scripts?|tools?|bin|migrations?|seeds?|\.github)/")
_SERVER = re.compile(
    r"(^|/)(server|backend|api|worker|workers)/|\.(server|functions)\.[jt]sx?$|(^|/)(server|middleware|proxy)\.[jt]s$"
    r"|(^|/)route\.[jt]sx?$"
)
_BROWSER = re.compile(
    r"^(?:(?:frontend|client|web|app|apps/\w+|mobile)/)*(?:src|app|client|components|pages|lib|hooks)/"
)


class Files(Protocol):
    """An app's files, as the builders' readers see them."""

    @property
    def files(self) -> tuple[str, ...]:
        """All of them, sorted."""

    def text(self, path: str) -> str:
        """One file's text."""


class AppFacts:
    """The facts of one app, for the length of one check. Not for two threads at once."""

    def __init__(  # noqa: PLR0913 - what flows know and rules may not fetch themselves
        self,
        *,
        files: Files,
        inventory: Inventory | None,
        closure: Callable[[str], tuple[str, ...]],
        history: Callable[[], tuple[FormerText, ...]] = tuple,
        commit_of: Callable[[str], str] = str,
        tracked: frozenset[str] | None = None,
        rows: Rows | None = None,
        doubtful: str = "",
    ) -> None:
        """`doubtful` is the text of the statements that failed in the replay; `tracked` is None without git."""
        self._files = files
        self._closure = closure
        self._history = history
        self._commit_of = commit_of
        self._tracked = tracked
        self._rows = rows
        self._doubtful = frozenset(re.findall(r"\w+", doubtful.lower()))
        self._trees: dict[str, SgRoot] = {}
        self._answers: dict[str, tuple[Mapping[str, Any], ...]] = {}
        self._known: dict[Callable[[Facts], Any], Any] = {}
        self.inventory = inventory

    @property
    def files(self) -> tuple[str, ...]:
        """All of the app's files."""
        return self._files.files

    @property
    def has_database(self) -> bool:
        """Whether the schema could be replayed."""
        return self._rows is not None

    @cached_property
    def history(self) -> tuple[FormerText, ...]:
        """Texts with credentials that git history has and the working tree has not."""
        return self._history()

    def is_published(self, path: str) -> bool:
        """Whether git tracks it, or there is no git."""
        return self._tracked is None or path in self._tracked

    def commit_of(self, former: FormerText) -> str:
        """The commit that brought it."""
        return self._commit_of(former.blob)

    def once(self, find: Callable[[Facts], Known]) -> Known:
        """What a function finds, found once."""
        if find not in self._known:
            self._known[find] = find(self)
        known: Known = self._known[find]
        return known

    def text(self, path: str) -> str:
        """A file's text."""
        return self._files.text(path)

    def code(self, *areas: str) -> tuple[str, ...]:
        """Source files of some areas."""
        return tuple(path for path, area in self._areas.items() if area in areas)

    def tree(self, path: str) -> SgNode:
        """A file's syntax tree."""
        if path not in self._trees:
            language = _LANGUAGES.get(path[path.rfind(".") :], "tsx")
            self._trees[path] = SgRoot(self.text(path), language)
        return self._trees[path].root()

    def sources_of(self, entry: str) -> tuple[str, ...]:
        """A file with all it imports."""
        return self._closure(entry)

    def rows(self, statement: str) -> tuple[Mapping[str, Any], ...]:
        """Rows of a query, asked once."""
        if self._rows is None:
            return ()
        if statement not in self._answers:
            self._answers[statement] = self._rows(statement)
        return self._answers[statement]

    def is_doubtful(self, name: str) -> bool:
        """Whether a failed statement names it."""
        return name.rsplit(".", 1)[-1].lower() in self._doubtful

    @cached_property
    def _areas(self) -> dict[str, str]:
        return {path: area for path in self.files if (area := self._area(path))}

    def _area(self, path: str) -> str:
        if path[path.rfind(".") :] not in _LANGUAGES or _NOT_THE_APP.search(path):
            return ""
        if _FUNCTION.search(path):
            return "function"
        if path.endswith(".py"):
            return "" if _SCRIPT.search(path) else "server"
        if _SERVER.search(path):
            return "server"
        if _SCRIPT.search(path) or not _BROWSER.search(path):
            return ""
        return "server" if _says_server(self.text(path)) else "browser"


def _says_server(text: str) -> bool:
    return text.lstrip()[:20].startswith(('"use server"', "'use server'")) or '"server-only"' in text[:2000]
