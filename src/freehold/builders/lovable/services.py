"""What of Lovable's platform an app may name in its code."""

import re

from freehold.builders.shared.services import ServiceMark, address

SERVICES = (
    ServiceMark(service="sign-in broker", pattern=re.compile(r"/~oauth/initiate\b")),
    ServiceMark(service="sign-in broker", pattern=address(r"https://oauth\.lovable\.app")),
    ServiceMark(service="AI gateway", pattern=address(r"https://ai\.gateway\.lovable\.dev")),
    ServiceMark(service="connector gateway", pattern=address(r"https://connector-gateway\.lovable\.dev")),
    ServiceMark(service="e-mail", pattern=address(r"https://api\.lovable\.dev")),
)
PACKAGES = {
    "@lovable.dev/cloud-auth-js": "sign-in broker",
    "@lovable.dev/email-js": "e-mail",
    "@lovable.dev/webhooks-js": "e-mail",
    "@lovable.dev/mcp-js": "MCP server",
}
IMPORTED = re.compile(r"^(?:npm:|https://esm\.sh/)(@lovable\.dev/[\w-]+)")
MAIL_QUEUE = "process-email-queue"
LINKS = (
    ServiceMark(
        service="published app",
        pattern=address(r"https://(?!oauth\.)[\w-]+\.(?:lovable\.app|lovableproject\.com|gptengineer\.run)"),
    ),
)
ASSETS = address(
    r"(?:https://[\w.-]+)?/__l5e/assets-v1/|https://storage\.googleapis\.com/gpt-engineer-file-uploads/"
    r"|https://pub-bb2e103a32db4e198524a2e9ed8f35b4\.r2\.dev/|https://lovable\.dev/opengraph-image"
)
ANSWERS = {
    "sign-in broker": "/~oauth/initiate on the app's own address, with your own client at each provider",
    "AI gateway": "a gateway at the same address, with your own provider and key",
    "connector gateway": "a proxy a service, with your own key for each",
    "e-mail": "your own SMTP server or mail provider, behind the same calls",
    "MCP server": "tokens are checked as before; the server that authorises others is not supplied",
}
HOSTS = ("cdn.gpteng.co", "gptengineer.app", "gptengineer.run", "lovable.dev", "lovable.app", "lovableproject.com")
PACKAGE_MIRRORS = ("europe-west4-npm.pkg.dev/lovable-core-prod", "europe-west1-npm.pkg.dev/lovable-core-prod")
CLIENTS = ("@supabase/supabase-js", "@supabase/ssr", "@tanstack/react-start", "vite", "react")
