"""Uploaded files may be hostile pages, and they are served from the app's own origin: headers that disarm them.

Like Supabase, HTML is served as text/plain. Everything else that a browser could run as a page (SVG, XML, types we do
not know) gets a sandbox with an origin of its own and no scripts; a PDF must not, because viewers refuse to open one
in a sandbox, and cannot reach the page's origin anyway.
"""

import re

SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src data:"

_HARMLESS = re.compile(
    r"image/(?!svg)[a-z0-9.+-]+|audio/[a-z0-9.+-]+|video/[a-z0-9.+-]+|font/[a-z0-9.+-]+"
    r"|application/(pdf|json|octet-stream|zip|gzip|x-tar|wasm|vnd\.openxmlformats-officedocument\.[a-z.]+)"
    r"|text/(plain|csv|css|markdown|javascript)|application/javascript"
)
_HEADER = re.compile(r"[\x20-\x7e\xa0-\xff]+")


def safe_headers(mime_type: str) -> dict[str, str]:
    """Content-Type and what keeps a browser from taking the file for more than it is."""
    bare = mime_type.partition(";")[0].strip().lower()
    shown = "text/plain" if "text/html" in mime_type.lower() else mime_type
    headers = {"content-type": shown, "x-content-type-options": "nosniff"}
    # an SVG that is shown by <img> is not affected: the policy counts where the file is the page
    if "xml" in bare or not _HARMLESS.fullmatch(bare):
        headers["content-security-policy"] = SANDBOX
    return headers


def header_text(value: object, otherwise: str) -> str:
    """Give a stored value if it can stand in a header: no line breaks, no characters outside of Latin-1."""
    return value if isinstance(value, str) and _HEADER.fullmatch(value) else otherwise
