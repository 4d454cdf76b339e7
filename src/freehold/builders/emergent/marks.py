"""The marks that Emergent leaves, with the weights that were tested on 92 apps and 147 unrelated repositories."""

import re

from freehold.builders.shared.markers import PAGES, CommitMark, FileMark, TextMark

SERVER = "backend/server.py"
BESIDE_SERVER = (("test_result.md", 3), ("design_guidelines.json", 2))

FILES = (
    FileMark(weight=6, says="has Emergent's project file", pattern=re.compile(r"(^|/)\.emergent/emergent\.yml$")),
    FileMark(
        weight=4,
        says="has Emergent's visual editor",
        pattern=re.compile(r"^frontend/plugins/visual-edits/"),
    ),
)

TEXTS = (
    TextMark(
        weight=5,
        says="requires emergentintegrations",
        files=("backend/requirements.txt", "requirements.txt"),
        pattern=re.compile(r"^[#\s]*emergentintegrations\b", re.MULTILINE),
    ),
    TextMark(
        weight=4,
        says="loads Emergent's script",
        files=PAGES,
        pattern=re.compile(r"\b(?:assets|app)\.emergent\.sh\b"),
    ),
)

COMMITS = CommitMark(
    says="commits by Emergent",
    authors=re.compile(r"^(emergent-agent-e1|github@emergent\.sh)$"),
    subjects=re.compile(r"^auto-commit for [0-9a-f]{8}-"),
)

CONTENT = (
    "emergentintegrations",
    "demobackend.emergentagent.com",
    "auth.emergentagent.com",
    "integrations.emergentagent.com",
    ".preview.emergentagent.com",
)
CONTENT_WEIGHT = 4
