"""Names and values of .env files: which are secrets by their name, and which are made to be published."""

import re
from dataclasses import dataclass

from freehold.audit.credentials import claims_of, is_placeholder
from freehold.core.finding import Proof
from freehold.core.ports import Facts
from freehold.kit import dotenv

BAKED = ("VITE_", "NEXT_PUBLIC_", "REACT_APP_", "EXPO_PUBLIC_", "PUBLIC_", "NUXT_PUBLIC_", "GATSBY_")
"""Names with these prefixes end up in the files that every visitor loads."""
_SECRET = re.compile(
    r"SECRET|PASSWORD|PASSWD|SERVICE_ROLE|SERVICE_KEY|SERVICE_ACCOUNT|PRIVATE_KEY|ACCESS_TOKEN|AUTH_TOKEN|BOT_TOKEN"
    r"|API_TOKEN|REFRESH_TOKEN|WEBHOOK_SECRET|ADMIN_KEY|SIGNING_KEY|ENCRYPTION_KEY"
)
_PAID = re.compile(
    r"(OPENAI|ANTHROPIC|CLAUDE|GROQ|MISTRAL|OPENROUTER|PERPLEXITY|DEEPSEEK|XAI|GROK|TOGETHER|REPLICATE|HUGGINGFACE"
    r"|HF|COHERE|ELEVENLABS|STABILITY|FAL|LOVABLE|EMERGENT_LLM|RESEND|SENDGRID|MAILGUN|MAILJET|POSTMARK|BREVO|TWILIO"
    r"|RAZORPAY|CASHFREE|PAYSTACK|FLUTTERWAVE|PADDLE|PAYPAL|AWS|CLOUDINARY|DEEPGRAM|ASSEMBLYAI|PINECONE|FIRECRAWL"
    r"|TAVILY|SERPAPI|SERPER|RAPIDAPI|BUNNY|AIRTABLE|NOTION|HUBSPOT|GEMINI)_?(\w*_)?(API_?)?(KEY|TOKEN)$"
)
_PUBLIC = re.compile(
    r"PUBLISHABLE|PUBLIC_KEY|ANON|CLIENT_ID|SITE_KEY|MAPS|FIREBASE|RECAPTCHA|_URL$|BROWSER|MAPBOX|VAPID_PUBLIC"
)
_ENVIRONMENT_FILE = re.compile(r"(^|/)\.env(\.[\w-]+)*$")
_EXAMPLE = re.compile(r"\.(example|sample|template|dist|defaults?|test|testing|ci)$")
_SHORTEST = 8


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One name of a .env file; the value is never shown."""

    path: str
    line: int
    name: str
    value: str

    def proof(self) -> Proof:
        """Where it stands."""
        return Proof(path=self.path, line=self.line, text=f"{self.name} has a value")


def is_secret_name(name: str) -> bool:
    """Say whether a name is a secret's: by what it says, or by the paid service whose key it is."""
    plain = bare(name)
    return not _PUBLIC.search(plain) and bool(_SECRET.search(plain) or _PAID.search(plain))


def is_baked(name: str) -> bool:
    """Say whether a name's value ends up in the visitors' files."""
    return name.startswith(BAKED)


def bare(name: str) -> str:
    """The name without the prefix that publishes it, in upper case."""
    upper = name.upper()
    return next((upper.removeprefix(prefix) for prefix in BAKED if upper.startswith(prefix)), upper)


def settings(facts: Facts) -> tuple[Setting, ...]:
    """List the values of all .env files that are not examples."""
    found = []
    for path in facts.files:
        if _ENVIRONMENT_FILE.search(path) and not _EXAMPLE.search(path):
            text = facts.text(path)
            lines = dict(dotenv.names_with_lines(text))
            found += [
                Setting(path=path, line=lines[name], name=name, value=value)
                for name, value in dotenv.parse(text).items()
            ]
    return tuple(found)


def is_secret_value(setting: Setting) -> bool:
    """Say whether a setting holds a real secret: by name, with a value that is neither a placeholder nor public."""
    value = setting.value
    if not is_secret_name(setting.name) or len(value) < _SHORTEST or is_placeholder(value) or value.startswith("AIza"):
        return False
    return claims_of(value).get("role") != "anon" and not value.startswith(("pk_", "sb_publishable_", "$"))


def secret_values(facts: Facts) -> tuple[str, ...]:
    """The values of all settings with secret names: nothing that is printed may hold one."""
    return tuple(item.value for item in facts.once(settings) if is_secret_name(item.name) and item.value)
