"""The marks that Lovable leaves, with the weights that were tested on 92 apps and 147 unrelated repositories."""

import re

from freehold.builders.shared.markers import PAGES, VITE_CONFIGS, CommitMark, FileMark, TextMark

DEPENDENCY = re.compile(r"^@lovable\.dev/")
TAGGER = re.compile(r"^lovable-tagger$")
TEMPLATE_NAMES = frozenset({"vite_react_shadcn_ts", "tanstack_start_ts"})

FILES = (
    FileMark(weight=6, says="has Lovable's project file", pattern=re.compile(r"^\.lovable/project\.json$")),
    FileMark(
        weight=5,
        says="has Lovable's sign-in broker",
        pattern=re.compile(r"(^|/)src/integrations/lovable/index\.(ts|js)$"),
    ),
    FileMark(weight=4, says="has a .lovable folder", pattern=re.compile(r"^\.lovable/(?!project\.json$)")),
    FileMark(
        weight=3,
        says="has the Supabase client where Lovable puts it",
        pattern=re.compile(r"(^|/)src/integrations/supabase/client\.(ts|js)$"),
    ),
    FileMark(
        weight=4,
        says="has migrations named as Lovable names them",
        pattern=re.compile(r"^supabase/migrations/\d{14}[_-][0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.sql$"),
        at_least=2,
    ),
)

TEXTS = (
    TextMark(
        weight=5, says="tags components for Lovable", files=VITE_CONFIGS, pattern=re.compile(r"\bcomponentTagger\s*\(")
    ),
    TextMark(
        weight=4,
        says="the README is Lovable's",
        files=("README.md",),
        pattern=re.compile(r"Welcome to your Lovable project|lovable\.dev/projects/[0-9a-f-]{36}"),
    ),
    TextMark(weight=4, says="loads GPT Engineer's script", files=PAGES, pattern=re.compile(r"cdn\.gpteng\.co")),
)

COMMITS = CommitMark(
    says="commits by Lovable",
    authors=re.compile(r"^(gpt-engineer-app\[bot\]|Lovable|lovable-dev\[bot\])$"),
    subjects=re.compile(r"^template: \w|Use tech stack vite_react"),
)

CONTENT = (
    "ai.gateway.lovable.dev",
    "connector-gateway.lovable.dev",
    "/__l5e/",
    "gpt-engineer-file-uploads",
    "oauth.lovable.app",
    "LOVABLE_API_KEY",
)
CONTENT_WEIGHT = 4
