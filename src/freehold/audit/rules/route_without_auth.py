"""Routes of an own server that change data and never ask who calls."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding, Proof
from freehold.core.ports import Facts

card = Card(
    id="route-without-auth",
    family="FH-A08",
    title="Routes change data without asking who calls",
    severity="high",
    confidence="likely",
    impact="Anybody who knows an address can call it: change or delete what the app keeps.",
    fix="Put the sign-in check in front of every route that changes something.",
    owasp="A01:2025",
    asvs=("8.2.1",),
    silent="routes of sign-in, sign-up, webhooks, health and contact, routers with a check in front, routes that read",
)
_PYTHON_ROUTE = re.compile(
    r"""^@(?P<router>\w+)\.(?P<verb>post|put|patch|delete)\(\s*[furb]*["'](?P<path>[^"']*)["'](?P<options>[^\n]*)\)\s*\n"""
    r"""(?:@[^\n]*\n)*\s*(?:async\s+)?def\s+(?P<name>\w+)\((?P<arguments>.*?)\)\s*(?:->[^:\n]+)?:\s*\n"""
    r"""(?P<body>(?:[ \t]+[^\n]*\n|\s*\n)+)""",
    re.MULTILINE | re.DOTALL,
)
_PYTHON_ASKS = re.compile(
    r"(?:Depends|Security)\(\s*(?!get_db\b|get_session\b|get_settings\b|get_async)\w*(?:user|auth|admin|token|current|verify|require|role|perm|owner|session)\w*"
    r"|authoriz|credentials\s*:|_token\b|get_current_user|verify_\w+\(|require_\w+\(|session_token|\.cookies|current_user|X-API-Key|api_key",
    re.IGNORECASE,
)
_ROUTER_ASKS = re.compile(r"(?:APIRouter|FastAPI|include_router)\([^)]*dependencies\s*=\s*\[")
_SCRIPT_ROUTE = re.compile(
    r"""\b(?P<router>app|router|api|server|\w+Router)\.(?P<verb>post|put|patch|delete)\(\s*["'`](?P<path>/[^"'`]*)["'`]\s*,(?P<rest>[^\n]*)"""
)
_SCRIPT_ASKS = re.compile(
    r"isAuthenticated|requireAuth|authenticate\w*|auth\w*Middleware|ensureAuth\w*|verifyToken|protect\b|checkAuth|requireUser|requireAdmin"
    r"|isAdmin|requireRole|authMiddleware|authorize\w*|passport\.|req\.user\b|req\.session|getUserId|req\.isAuthenticated|withAuth|getSession"
    r"|clerk|currentUser|jwtVerify|requireLogin|checkRole|hasPermission|api[_-]?key|bearer|authorization|require[A-Z]\w+|_SECRET",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"log_?in|log_?out|sign_?in|sign_?up|sign_?out|register|auth|otp|verify|password|webhook|callback|health|contact|newsletter|subscribe|track"
    r"|analytics|public|csrf|session|token|refresh|feedback|waitlist|lead|status|search|calculate|convert|oauth|demo|guest|invite/accept|rsvp",
    re.IGNORECASE,
)
_GUARDED = re.compile(
    r"""\.use\(\s*(?:["'`][^"'`]*["'`]\s*,\s*)?(?:\w+\.)?(?:\w*[aA]uth\w*|requireUser|protect|isAuthenticated|verifyToken|\w*[gG]uard\w*)\b"""
)
_WRITES = re.compile(
    r"insert|update|delete|create|save|remove|write|\.add\(|commit|\.set\(|storage\.\w+|replace_one|db\.\w+",
    re.IGNORECASE,
)
_ENOUGH = 1


def check(facts: Facts) -> Iterator[Finding]:
    """One finding a server: FastAPI's and Express's own forms."""
    python = [
        place for path in facts.code("server") if path.endswith(".py") for place in _python(path, facts.text(path))
    ]
    guarded = any(_GUARDED.search(facts.text(path)) for path in facts.code("server") if not path.endswith(".py"))
    script = (
        []
        if guarded
        else [
            place
            for path in facts.code("server")
            if not path.endswith(".py")
            for place in _script(path, facts.text(path))
        ]
    )
    for found in (python, script):
        if len(found) >= _ENOUGH:
            count = len(found)
            yield card.finding(
                *found,
                title=f"{count} routes change data without asking who calls"
                if count > 1
                else "A route changes data unasked",
                change="user: User = Depends(get_current_user)"
                if found is python
                else 'app.delete("/api/items/:id", requireAuth, handler)',
            )


def _python(path: str, text: str) -> Iterator[Proof]:
    if not re.search(r"\b(?:FastAPI|APIRouter)\(", text) or _ROUTER_ASKS.search(text):
        return
    for match in _PYTHON_ROUTE.finditer(text):
        asked = match["arguments"] + match["options"] + match["body"]
        if not _OPEN.search(match["path"]) and not _PYTHON_ASKS.search(asked) and _WRITES.search(match["body"]):
            yield proofs.at(path, text, match.start(), f"{match['verb'].upper()} {match['path']}")


def _script(path: str, text: str) -> Iterator[Proof]:
    if not re.search(r"\bexpress\b|Router\(|registerRoutes|fastify|hono", text, re.IGNORECASE):
        return
    routes = list(_SCRIPT_ROUTE.finditer(text))
    for number, match in enumerate(routes):
        end = routes[number + 1].start() if number + 1 < len(routes) else match.start() + 2500
        handler = text[match.start() : min(end, match.start() + 2500)]
        if not _OPEN.search(match["path"]) and not _SCRIPT_ASKS.search(handler) and _WRITES.search(handler):
            yield proofs.at(path, text, match.start(), f"{match['verb'].upper()} {match['path']}")
