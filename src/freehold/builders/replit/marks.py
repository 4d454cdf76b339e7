"""The marks that Replit's agent leaves, with the weights that were tested on 92 apps and 147 unrelated repositories."""

import re

from freehold.builders.shared.markers import CommitMark, FileMark

PLUGIN = re.compile(r"^@replit/vite-plugin-")
TEMPLATE_NAMES = frozenset({"rest-express"})

FILES = (
    FileMark(weight=4, says="has a .replit file", pattern=re.compile(r"^\.replit$")),
    FileMark(
        weight=4,
        says="has Replit's sign-in or integrations",
        pattern=re.compile(r"(^|/)server/(replitAuth\.\w+$|replit_integrations/)"),
    ),
    FileMark(weight=3, says="has replit.md", pattern=re.compile(r"^replit\.md$")),
)

COMMITS = CommitMark(
    says="commits by Replit",
    authors=re.compile(r"@users\.noreply\.replit\.com$|^Replit Agent$"),
    subjects=re.compile(r"(?!)"),
    trailers=re.compile(r"^Replit-Commit-Author: ", re.MULTILINE),
)

CONTENT = ("REPLIT_DOMAINS", "REPL_ID", "127.0.0.1:1106", "AI_INTEGRATIONS_")
CONTENT_WEIGHT = 2
"""Tools that run anywhere test for these too."""
