"""The machinery of recognition: tables of marks with weights, and what finds them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from freehold.builders.shared.checkout import CODE_SUFFIXES, Checkout
from freehold.builders.shared.package import Package
from freehold.core.app import Evidence, Match
from freehold.kit import git

SURE = 5
WORTH_A_QUESTION = 2
README_CHARACTERS = 4000
VITE_CONFIGS = ("vite.config.ts", "vite.config.js", "vite.config.mjs", "vite.config.mts")
PAGES = ("index.html", "frontend/index.html", "client/index.html", "frontend/public/index.html", "public/index.html")
_MANY_COMMITS = 2
_SEARCHED = (*CODE_SUFFIXES, ".py", ".sql", ".html")


@dataclass(frozen=True, kw_only=True)
class TextMark:
    """A pattern in one of some files."""

    weight: int
    says: str
    files: tuple[str, ...]
    pattern: re.Pattern[str]


@dataclass(frozen=True, kw_only=True)
class FileMark:
    """A file whose path matches."""

    weight: int
    says: str
    pattern: re.Pattern[str]
    at_least: int = 1
    """How many files have to match."""


@dataclass(frozen=True, kw_only=True)
class CommitMark:
    """Commits by a builder's robot, or with a subject or trailer that it writes: 5 for more than two, else 3."""

    says: str
    authors: re.Pattern[str]
    subjects: re.Pattern[str]
    trailers: re.Pattern[str] = re.compile(r"(?!)")
    weight: int = 0
    """What one such commit is worth, where their number says nothing; 0 to go by the number."""


def file_marks(checkout: Checkout, marks: Iterable[FileMark]) -> list[Evidence]:
    """Give the marks whose files are there, each once."""
    found = []
    for mark in marks:
        paths = [path for path in checkout.files if mark.pattern.search(path)]
        if len(paths) >= mark.at_least:
            found.append(Evidence(text=mark.says, weight=mark.weight, path=paths[0]))
    return found


def text_marks(checkout: Checkout, marks: Iterable[TextMark]) -> list[Evidence]:
    """Give the marks that stand in their files, each once, with the line of the first."""
    found = []
    for mark in marks:
        for path in mark.files:
            text = checkout.text(path) if path in checkout.known else ""
            match = mark.pattern.search(text[:README_CHARACTERS] if path.endswith(".md") else text)
            if match:
                line = text.count("\n", 0, match.start()) + 1
                found.append(Evidence(text=mark.says, weight=mark.weight, path=path, line=line))
                break
    return found


def dependency_marks(
    checkout: Checkout, packages: Sequence[Package], pattern: re.Pattern[str], weight: int
) -> list[Evidence]:
    """Give one mark for the first dependency that matches; the package's own name does not count."""
    for package in packages:
        for name in package.dependencies:
            if pattern.search(name) and name != package.name:
                text = checkout.text(package.path)
                line = text.count("\n", 0, max(text.find(f'"{name}"'), 0)) + 1
                return [Evidence(text=f"depends on {name}", weight=weight, path=package.path, line=line)]
    return []


def name_marks(packages: Sequence[Package], names: frozenset[str], weight: int) -> list[Evidence]:
    """Give one mark for a package that still has the name of the builder's template."""
    return [
        Evidence(text=f"the package is still named {package.name}", weight=weight, path=package.path)
        for package in packages
        if package.name in names
    ][:1]


def content_marks(checkout: Checkout, strings: tuple[str, ...], weight: int, says: str) -> list[Evidence]:
    """Give one mark when tracked code holds any of the strings."""
    hit = next(iter(_find(checkout, strings)), None)
    if hit is None:
        return []
    shown = next((string for string in strings if string in hit.text), strings[0])
    return [Evidence(text=f"{says}: {shown}", weight=weight, path=hit.path, line=hit.line)]


def commit_marks(checkout: Checkout, mark: CommitMark) -> list[Evidence]:
    """Give one mark for the builder's commits in history."""
    made = [
        commit
        for commit in checkout.commits
        if mark.authors.search(commit.author)
        or mark.authors.search(commit.email)
        or mark.subjects.search(commit.subject)
        or mark.trailers.search(commit.trailers)
    ]
    if not made:
        return []
    by_number = 5 if len(made) > _MANY_COMMITS else 3
    return [Evidence(text=f"{len(made)} {mark.says}", weight=mark.weight or by_number)]


def as_match(builder: str, evidence: Sequence[Evidence], generation: str = "") -> Match | None:
    """Add the marks up; None when there are none."""
    if not evidence:
        return None
    ordered = tuple(sorted(evidence, key=lambda item: -item.weight))
    return Match(builder=builder, score=sum(item.weight for item in ordered), evidence=ordered, generation=generation)


def _find(checkout: Checkout, strings: tuple[str, ...]) -> Iterable[git.Hit]:
    if checkout.is_repository:
        yield from git.grep(checkout.root, strings, suffixes=(*_SEARCHED, ".json"))
        return
    for path in checkout.below("", suffixes=_SEARCHED):
        text = checkout.text(path)
        for string in strings:
            offset = text.find(string)
            if offset >= 0:
                yield git.Hit(path=path, line=text.count("\n", 0, offset) + 1, text=string)
