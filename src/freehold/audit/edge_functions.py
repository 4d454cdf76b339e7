"""What an edge function does and whom it asks: read over its entry and all that it imports from the app."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from freehold.audit import catalogue, proofs
from freehold.core.finding import Proof
from freehold.core.inventory import EdgeFunction
from freehold.core.ports import Facts

_SERVICE = re.compile(
    r"""env\.get\(\s*["'`](?:SUPABASE_SERVICE_ROLE_KEY|SUPABASE_SERVICE_KEY|SERVICE_ROLE_KEY|SUPABASE_SECRET_KEYS?|SB_SECRET_KEY)["'`]"""
)
_PAID = re.compile(
    r"""env\.get\(\s*["'`](?P<name>(?:LOVABLE|OPENAI|ANTHROPIC|CLAUDE|GEMINI|GOOGLE_AI|GOOGLE_GEMINI|GROQ|MISTRAL|OPENROUTER"""
    r"""|PERPLEXITY|ELEVENLABS|REPLICATE|DEEPSEEK|XAI|STABILITY|HUGGINGFACE|HUGGING_FACE|TOGETHER|COHERE|FAL|RESEND|SENDGRID"""
    r"""|TWILIO|DEEPGRAM|FIRECRAWL|ASSEMBLYAI|RUNWAY|LUMA|SERPAPI)\w*(?:KEY|TOKEN|SECRET)\w*)["'`]"""
)
_ASKS_USER = re.compile(
    r"\.auth\.getUser\s*\(|\.auth\.me\s*\(|\.auth\.isAuthenticated\s*\(|\.auth\.getClaims\s*\(|\bjwtVerify\s*\(|\bjose\.\w*[vV]erify|\bverifyJwt\w*\s*\(|\bverify\s*\(\s*token"
    r"|\bauth\.getSession\s*\(|createRemoteJWKSet|\b(?:require|verify|authenticate|assert|check|validate|ensure|get)"
    r"(?:Auth|User|Admin|Caller|Session|Authenticated|Authed|Current|Request|Token|Bearer|Access)\w*\s*\(",
)
_ASKS_SECRET = re.compile(
    r"\bconstructEvent(?:Async)?\s*\(|\bcreateHmac\s*\(|crypto\.subtle\.(?:verify|sign|importKey)|timingSafeEqual"
    r"|verifyWebhook|verifySignature|\bWebhook\s*\(|unwrapWebhook|\.webhooks\.\w+\(|x-lovable-signature|createAuthEmailHandler"
    r"""|get\(\s*["'`](?:\w+_)?(?:CRON|WEBHOOK|HOOK|INTERNAL|SYNC|SHARED|JOB|ADMIN|FUNCTION|EDGE|PING|VERIFY)\w*_(?:SECRET|TOKEN|KEY|PASSWORD)["'`]\s*\)"""
    r"""|(?:authHeader|authorization|token|apikey|apiKey|bearer|secret|provided\w*)\s*!==?\s*[\w`$"'{ ]"""
    r"""|!==?\s*(?:`Bearer|expected\w*|serviceRole\w*|cronSecret|secret\b)|role["'\]]*\s*!==?\s*["']service_role""",
    re.IGNORECASE,
)
_OWN_TOKEN = re.compile(r"""\.eq\(\s*["'`]\w*(?:token|secret|api_key|key_hash|access_code)\w*["'`]""")
"""A row looked up by a token that the caller must know."""
_FORWARDS = re.compile(r"""global\s*:\s*\{\s*headers\s*:\s*\{[^}]*Authorization\s*:""", re.IGNORECASE | re.DOTALL)
READS = re.compile(r"""(?<!Array)(?<!Buffer)(?<!Object)(?<!storage)\.from\s*\((?:\s*["'`](?P<table>\w+)["'`])?""")
"""Where rows are asked for; with the table's name, unless that is computed."""
CHANGES = re.compile(
    r"\.(?:insert|update|upsert|delete|rpc|upload|remove|move|copy|invoke|createUser|deleteUser|updateUserById|listUsers"
    r"|generateLink|createSignedUrl|download)\s*\("
)
"""What does more than reading rows."""
_WEBHOOK_NAME = re.compile(r"webhook|-hook$|callback|ipn\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One function, as far as its text tells."""

    function: EdgeFunction
    text: str
    service: Proof | None
    """Where it takes the key with every right."""
    paid: Proof | None
    """Where it takes a paid service's key."""
    asks_user: bool
    asks_secret: bool
    """A signature, a shared secret or a comparison with one."""
    only_forwards: bool
    """It hands the caller's own token to the API, which then judges by row security."""
    shows_what_all_see: bool
    """It only reads, and only tables that the schema opens to anybody anyway: the service key gives no more."""

    @property
    def is_webhook(self) -> bool:
        """Whether others' servers are meant to call it."""
        return bool(_WEBHOOK_NAME.search(self.function.name))

    @property
    def gate(self) -> str:
        """What the platform asks before the function runs."""
        if not self.function.entry.startswith("supabase/"):
            return "nothing is asked before"
        return "the public key is enough to call it" if self.function.verify_jwt else "verify_jwt = false"

    @property
    def asks(self) -> bool:
        """Whether it looks at who calls in any way that can be seen."""
        return self.asks_user or self.asks_secret


def readings(facts: Facts) -> tuple[Reading, ...]:
    """Read every edge function of the inventory."""
    functions = facts.inventory.functions if facts.inventory else ()
    return tuple(_read(facts, function) for function in functions if function.entry.endswith((".ts", ".js", ".tsx")))


def _read(facts: Facts, function: EdgeFunction) -> Reading:
    sources = facts.sources_of(function.entry)
    text = "\n".join(_without_comments(facts.text(path)) for path in sources)
    return Reading(
        function=function,
        text=text,
        service=next(_places(facts, sources, _SERVICE, "takes the service key"), None),
        paid=next(_places(facts, sources, _PAID, "takes a paid service's key"), None),
        asks_user=bool(_ASKS_USER.search(text)),
        asks_secret=bool(_ASKS_SECRET.search(text) or _OWN_TOKEN.search(text)),
        only_forwards=bool(_FORWARDS.search(text)),
        shows_what_all_see=_shows_what_all_see(facts, text),
    )


def _shows_what_all_see(facts: Facts, text: str) -> bool:
    read = {match["table"] for match in READS.finditer(text)}
    return bool(read) and not CHANGES.search(text) and read <= facts.once(_open_tables)


def _open_tables(facts: Facts) -> frozenset[str | None]:
    return frozenset(row["name"] for row in catalogue.policies(facts) if _opens_reading(row))


def _opens_reading(policy: catalogue.Row) -> bool:
    return policy["command"] in ("SELECT", "ALL") and catalogue.audience(policy) == "anyone"


def _places(facts: Facts, sources: tuple[str, ...], pattern: re.Pattern[str], said: str) -> Iterator[Proof]:
    for path, text, match in proofs.search(facts, sources, pattern):
        yield proofs.at(path, text, match.start(), said)


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|(?<![:\"'`/])//[^\n]*", "", text, flags=re.DOTALL)
