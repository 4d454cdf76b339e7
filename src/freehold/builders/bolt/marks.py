"""The marks that Bolt leaves, with the weights that were tested on 92 apps and 147 unrelated repositories."""

import re

from freehold.builders.shared.markers import PAGES, CommitMark, FileMark, TextMark

TEMPLATE_NAMES = frozenset({"vite-react-typescript-starter", "bolt-expo-starter"})

FILES = (FileMark(weight=5, says="has a .bolt folder", pattern=re.compile(r"(^|/)\.bolt/")),)

TEXTS = (
    TextMark(weight=3, says="names bolt.new", files=(*PAGES, "README.md"), pattern=re.compile(r"\bbolt\.new/")),
    TextMark(
        weight=2,
        says="has StackBlitz's badge",
        files=("README.md",),
        pattern=re.compile(r"developer\.stackblitz\.com/img/open_in_stackblitz"),
    ),
)

COMMITS = CommitMark(
    says="commits as Bolt writes them",
    authors=re.compile(r"(?!)"),
    subjects=re.compile(r"\[BoltSync\]|^Start repository$"),
)

MIGRATION_HEADER = re.compile(r"\s*/\*\s*\n\s*# \S")
MIGRATION_HEADERS_AT_LEAST = 5
"""One app of another builder had two such migrations."""
MIGRATION_WEIGHT = 4
