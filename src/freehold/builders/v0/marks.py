"""The marks that v0 leaves, with the weights that were tested on 92 apps and 147 unrelated repositories."""

import re

from freehold.builders.shared.markers import CommitMark, TextMark

TEMPLATE_NAMES = frozenset({"my-v0-project"})
LAYOUTS = tuple(f"{root}app/layout.{suffix}" for root in ("", "src/") for suffix in ("tsx", "jsx", "js"))

TEXTS = (
    TextMark(
        weight=5,
        says="the README is v0's",
        files=("README.md",),
        pattern=re.compile(r"synced with your \[v0\.(?:app|dev)\]|\bv0\.(?:app|dev)/chat\b|Built(?:%20|[ _])with-?v0"),
    ),
    TextMark(
        weight=4,
        says="leaves out the files of v0's sandbox",
        files=(".gitignore",),
        pattern=re.compile(r"^# v0 sandbox internal files$", re.MULTILINE),
    ),
    TextMark(
        weight=5,
        says="the layout names v0 as its generator",
        files=LAYOUTS,
        pattern=re.compile(r"""generator:\s*["']v0\.(?:app|dev)["']"""),
    ),
)

EXPORTS = CommitMark(
    says="commits as v0 writes them", authors=re.compile(r"(?!)"), subjects=re.compile(r"^v0 code export\b"), weight=3
)
COMMITS = CommitMark(says="commits by v0", authors=re.compile(r"^v0(\[bot\])?$"), subjects=re.compile(r"(?!)"))

CONTENT = ("hebbkx1anhila5yf.public.blob.vercel-storage.com", '("[v0] ', "('[v0] ", "(`[v0] ")
CONTENT_WEIGHT = 4
