"""The local mail page at /_freehold/mail: what the app would have sent, on the owner's own machine only.

A mail's HTML was made from what strangers typed, so it is shown in a sandboxed frame and may run and load nothing.
"""

import asyncio
import html
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from freehold.runtime.services import Receive, Scope, Send
from freehold.runtime.settings import Settings

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'"
MAIL_POLICY = "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; "
MAIL_POLICY += "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
LINKS_LEAVE_THE_FRAME = '<base target="_top">'
LISTED_MAILS = 100
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
Answer = tuple[int, str, str, bytes]
"""Status, content type, content security policy, body."""

_ID = re.compile(r"[0-9]{20}-[0-9a-f]{8}")


class MailPage:
    """A list of mails (HTML, or JSON at /messages), one mail at /messages/<id>, its HTML at /messages/<id>/html."""

    def __init__(self, settings: Settings) -> None:
        """Served only where settings.mail_page is set."""
        self._directory = settings.mail_directory

    async def start(self) -> None:
        """Nothing to load."""

    async def stop(self) -> None:
        """Nothing to end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        del receive
        if _is_from_elsewhere(dict(scope["headers"])):
            status, content_type, policy, content = _json(403, {"error": "mail is shown on this machine only"})
        else:
            status, content_type, policy, content = await asyncio.to_thread(
                _answer, self._directory, scope["method"], scope["path"], scope.get("root_path", "")
            )
        headers = [
            (b"content-type", content_type.encode()),
            (b"content-length", b"%d" % len(content)),
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cache-control", b"no-store"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})


def _answer(directory: Path, method: str, path: str, root: str) -> Answer:
    parts = [part for part in path.split("/") if part]
    if method not in {"GET", "HEAD"}:
        return _json(405, {"error": "only GET is answered here"})
    if not parts:
        return _page("Mail", _list(_newest(directory), root))
    if parts == ["messages"]:
        return _json(200, {"messages": _newest(directory)})
    mail = _read(directory, parts[1]) if parts[0] == "messages" and len(parts) > 1 else None
    return _json(404, {"error": "no such mail"}) if mail is None else _mail(mail, parts[2:], root)


def _mail(mail: dict[str, Any], part: list[str], root: str) -> Answer:
    if not part:
        return _page(mail["subject"], _one(mail, root))
    if part == ["json"]:
        return _json(200, mail)
    if part == ["html"]:
        return 200, "text/html; charset=utf-8", MAIL_POLICY, f"{LINKS_LEAVE_THE_FRAME}{mail['html']}".encode()
    return _json(404, {"error": "no such page"})


def _is_from_elsewhere(headers: dict[bytes, bytes]) -> bool:
    """Say whether another site asks: by its script (Origin) or under a name of its own (DNS rebinding)."""
    host = headers.get(b"host", b"").decode("latin-1")
    origin = headers.get(b"origin", b"").decode("latin-1")
    return (urlsplit(f"//{host}").hostname or "") not in LOCAL_NAMES or bool(origin and urlsplit(origin).netloc != host)


def _newest(directory: Path) -> list[dict[str, Any]]:
    names = sorted((file.stem for file in directory.glob("*.json")), reverse=True)[:LISTED_MAILS]
    return [mail for mail in (_read(directory, name) for name in names) if mail is not None]


def _read(directory: Path, name: str) -> dict[str, Any] | None:
    if not _ID.fullmatch(name):
        return None
    try:
        found: dict[str, Any] = json.loads((directory / f"{name}.json").read_text())
    except FileNotFoundError:
        return None
    return found


def _list(mails: list[dict[str, Any]], root: str) -> str:
    if not mails:
        return "<p>No mail was sent yet.</p>"
    rows = "".join(
        f'<li><a href="{html.escape(root)}/messages/{mail["id"]}">{html.escape(mail["subject"])}</a>'
        f" to {html.escape(mail['to'])} <time>{html.escape(mail['sent_at'])}</time></li>"
        for mail in mails
    )
    return f"<ul>{rows}</ul>"


def _one(mail: dict[str, Any], root: str) -> str:
    return (
        f'<p><a href="{html.escape(root)}/">All mail</a></p>'
        f"<p>To {html.escape(mail['to'])}, <time>{html.escape(mail['sent_at'])}</time></p>"
        f'<iframe title="The mail" sandbox="allow-popups allow-popups-to-escape-sandbox '
        f'allow-top-navigation-by-user-activation" src="{html.escape(root)}/messages/{mail["id"]}/html"></iframe>'
        f"<pre>{html.escape(mail['text'])}</pre>"
    )


def _page(title: str, body: str) -> Answer:
    style = (
        ":root{color-scheme:light}body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:46rem;"
        "padding:0 1rem}"
        "iframe{width:100%;height:20rem;border:1px solid #ccc;border-radius:8px}li{margin:.5rem 0}"
        "pre{overflow-wrap:anywhere;color:#444}"
    )
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{style} time{{color:#555}} pre{{white-space:pre-wrap}}</style></head>"
        f"<body><h1>{html.escape(title)}</h1>{body}</body></html>"
    )
    return 200, "text/html; charset=utf-8", PAGE_POLICY, text.encode()


def _json(status: int, value: object) -> Answer:
    return status, "application/json", "default-src 'none'", json.dumps(value, ensure_ascii=False).encode()
