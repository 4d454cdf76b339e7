"""Credentials in texts, told apart by what they say of themselves: a published key is a name, not a secret.

The patterns follow the providers' own documented prefixes. Keys that are made to be published (Supabase's anon and
publishable keys, Stripe's pk_, Google's AIza browser keys, Mapbox's pk.) are not credentials here.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from freehold.kit import json_text

_JWT = re.compile(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}")
_PROVIDERS = tuple(
    (kind, prefix, re.compile(re.escape(prefix) + rest))
    for kind, prefix, rest in (
        ("Stripe secret key", "sk_live_", r"[A-Za-z0-9]{20,}"),
        ("Stripe restricted key", "rk_live_", r"[A-Za-z0-9]{20,}"),
        ("Stripe webhook secret", "whsec_", r"[A-Za-z0-9+/=]{24,}"),
        ("OpenAI key", "sk-proj-", r"[\w-]{40,}"),
        ("OpenAI key", "sk-svcacct-", r"[\w-]{40,}"),
        ("OpenAI key", "sk-admin-", r"[\w-]{40,}"),
        ("OpenAI key", "sk-", r"[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
        ("Anthropic key", "sk-ant-", r"(?:api|admin)\d\d-[\w-]{60,}"),
        ("OpenRouter key", "sk-or-v1-", r"[0-9a-f]{48,}"),
        ("Emergent key", "sk-emergent-", r"[A-Za-z0-9]{12,}"),
        ("Groq key", "gsk_", r"[A-Za-z0-9]{40,}"),
        ("Perplexity key", "pplx-", r"[A-Za-z0-9]{40,}"),
        ("Replicate token", "r8_", r"[A-Za-z0-9]{36,}"),
        ("Hugging Face token", "hf_", r"[A-Za-z]{34}\b"),
        ("xAI key", "xai-", r"[A-Za-z0-9]{60,}"),
        ("Resend key", "re_", r"[A-Za-z0-9]{6,10}_[A-Za-z0-9]{20,}"),
        ("SendGrid key", "SG.", r"[\w-]{20,24}\.[\w-]{39,50}"),
        ("Mailgun key", "key-", r"[0-9a-f]{32}\b"),
        ("GitHub token", "ghp_", r"[A-Za-z0-9]{36,}"),
        ("GitHub token", "gho_", r"[A-Za-z0-9]{36,}"),
        ("GitHub token", "ghs_", r"[A-Za-z0-9]{36,}"),
        ("GitHub token", "github_pat_", r"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
        ("GitLab token", "glpat-", r"[\w-]{20,}"),
        ("Slack token", "xox", r"[abpr]-\d{9,}-[\w-]{20,}"),
        ("Slack webhook", "https://hooks.slack.com/services/", r"T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{20,}"),
        ("Telegram bot token", ":AA", r"[\w-]{33}\b"),
        ("AWS access key", "AKIA", r"[A-Z2-7]{16}\b"),
        ("Google OAuth secret", "GOCSPX-", r"[\w-]{28}"),
        ("Shopify token", "shp", r"(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
        ("npm token", "npm_", r"[A-Za-z0-9]{36}\b"),
        ("Supabase access token", "sbp_", r"[0-9a-f]{40}\b"),
        ("Square token", "EAAA", r"[\w-]{60}"),
    )
)
"""Each pattern begins with its prefix, which makes the search for it many times faster than one large alternation."""
_OPAQUE_SERVICE = re.compile(r"sb_secret_[\w-]{20,}")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:RSA |EC |OPENSSH |DSA )?PRIVATE KEY-----(?:\\n|\s)+(?P<body>[A-Za-z0-9+/=\\\s]{120,4000}?)-----END"
)
_DATABASE = re.compile(r"://[\w.%-]{0,60}:(?P<password>[^\s:@/\"'`<>${}]{6,200})@(?P<host>[\w.-]+)")
_SCHEME = re.compile(r"\b(?:postgres(?:ql)?|mysql|mongodb(?:\+srv)?|rediss?|amqps?)$")
_PLACEHOLDER = re.compile(
    r"x{4,}|\*{3}|\.{3}|your|example|placeholder|change[_-]?me|replace|dummy|sample|insert|foobar|redacted|1234567|abcdef"
    r"|(.)\1{6,}|_here\b|test[_-]?key|fake|secret[_-]?key|password|\bpass\b|postgres\b|todo",
    re.IGNORECASE,
)
_LOCAL_HOST = re.compile(
    r"^(localhost|127\.|0\.0\.0\.0|host\.docker\.internal|db$|postgres$|mongo$|mysql$|redis$|\[?::1|[^.]+$)"
    r"|example\.|\.local$|\.test$"
)
_DISTINCT = 8


@dataclass(frozen=True, kw_only=True)
class Credential:
    """One credential in a text; `value` never leaves this package but to be masked."""

    kind: str
    """service key, user token, private key, database password, or a provider's name for it."""
    value: str = field(repr=False)
    start: int
    sure: bool = True
    """False when it may be a made-up one."""

    @property
    def shown(self) -> str:
        """The kind and a fingerprint: equal for equal values, and of no use to anybody else."""
        digest = hashlib.sha256(self.value.encode()).hexdigest()[:8]
        return f"{self.kind}, fingerprint {digest}"


def credentials(text: str) -> Iterator[Credential]:
    """Find the credentials in a text, in order of kind; placeholders and published keys are left out."""
    yield from _service_keys(text)
    for kind, prefix, pattern in _PROVIDERS:
        if prefix in text:
            yield from _of_provider(kind, pattern, text)
    if "PRIVATE KEY-----" in text:
        for match in _PRIVATE_KEY.finditer(text):
            if not is_placeholder(match["body"][:200]):
                yield Credential(kind="private key", value=match["body"].strip(), start=match.start())
    for match in _DATABASE.finditer(text):
        is_database = _SCHEME.search(text, max(0, match.start() - 16), match.start())
        if is_database and not _LOCAL_HOST.search(match["host"]) and not is_placeholder(match["password"]):
            yield Credential(kind="database password", value=match["password"], start=match.start())


def _service_keys(text: str) -> Iterator[Credential]:
    for match in _JWT.finditer(text) if "eyJ" in text else ():
        claims = claims_of(match[0])
        if claims.get("role") == "service_role" and claims.get("iss") != "supabase-demo":
            sure = bool(claims.get("ref")) and not _looks_invented(match[0].rsplit(".", 1)[-1])
            yield Credential(kind="service key", value=match[0], start=match.start(), sure=sure)
    for match in _OPAQUE_SERVICE.finditer(text):
        if not is_placeholder(match[0].removeprefix("sb_secret_")):
            yield Credential(kind="service key", value=match[0], start=match.start())


def _of_provider(kind: str, pattern: re.Pattern[str], text: str) -> Iterator[Credential]:
    for match in pattern.finditer(text):
        before = text[match.start() - 1 : match.start()]
        if match[0].startswith(":"):
            if before.isdigit() and not is_placeholder(match[0]):
                yield Credential(kind=kind, value=match[0][1:], start=match.start())
        elif not (before.isalnum() or before in {"_", "-"}) and not is_placeholder(match[0]):
            yield Credential(kind=kind, value=match[0], start=match.start())


def claims_of(token: str) -> dict[str, object]:
    """Decode a JWT's payload without believing it; {} for what is none."""
    try:
        part = token.split(".")[1]
        payload = json_text.read(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, IndexError):
        return {}
    return payload if isinstance(payload, dict) else {}


def is_placeholder(value: str) -> bool:
    """Say whether a value stands for a real one: words of instruction, or too few different characters."""
    return bool(_PLACEHOLDER.search(value)) or len(set(value)) < min(_DISTINCT, len(value) // 2 + 2)


def _looks_invented(signature: str) -> bool:
    return bool(re.search(r"(.)\1{5,}|signature|example|placeholder", signature, re.IGNORECASE))
