"""The marks that Base44 leaves, with the weights that were tested on 92 apps and 147 unrelated repositories."""

import re

from freehold.builders.shared.markers import CommitMark, FileMark, TextMark

DEPENDENCIES = (re.compile(r"^@base44/sdk$"), re.compile(r"^@base44/vite-plugin$"))
TEMPLATE_NAMES = frozenset({"base44-app"})

FILES = (
    FileMark(weight=6, says="has Base44's project file", pattern=re.compile(r"^base44/config\.jsonc?$")),
    FileMark(
        weight=4,
        says="has the client where Base44 puts it",
        pattern=re.compile(r"(^|/)src/api/base44Client\.(js|ts)$"),
    ),
)
OLD_EXPORT = (re.compile(r"(^|/)src/api/entities\.(js|ts)$"), re.compile(r"(^|/)src/api/integrations\.(js|ts)$"))

TEXTS = (
    TextMark(
        weight=4,
        says="the README is Base44's",
        files=("README.md",),
        pattern=re.compile(r"Welcome to your Base44 project|created automatically by Base44"),
    ),
    TextMark(
        weight=3,
        says="makes page addresses as Base44's template does",
        files=("src/utils/index.ts", "src/utils/index.js", "src/utils.ts", "src/utils.js"),
        pattern=re.compile(r"\bexport (?:function|const) createPageUrl\b"),
    ),
    TextMark(
        weight=3,
        says="registers pages as Base44's old export does",
        files=("src/pages/index.jsx",),
        pattern=re.compile(r"\bfunction _getCurrentPage\("),
    ),
)

FIRST_COMMIT = CommitMark(
    says="first commit as Base44 writes it",
    authors=re.compile(r"(?!)"),
    subjects=re.compile(r"^Initial commit for [0-9a-f]{24}$"),
    weight=6,
)
COMMITS = CommitMark(
    says="commits by Base44",
    authors=re.compile(r"^base44(-builder)?\[bot\]$"),
    subjects=re.compile(r"^(Update base44 packages|chore: add base44 CLI config files)\b"),
)

CONTENT = (
    "media.base44.com",
    "qtrypzzcjebvfcihiynt.supabase.co",
    "base44.app/api",
    '/base44Client"',
    "/base44Client'",
)
CONTENT_WEIGHT = 4
