"""`/_freehold/mailing`: where functions that send mail through Lovable's or Resend's HTTP API find themselves.

    /lovable/v1/messaging/email/send    @lovable.dev/email-js 0.3 (LOVABLE_SEND_URL)
    /resend/emails, /resend/emails/batch    Resend, where the owner has no key of their own set

Both go to the owner's mail server, or to the local mail page. The sender is always the owner's own address, with the
name that the app gives: another one would not pass the checks of whoever receives it.
"""

import hmac
import json
import uuid
from collections import OrderedDict

from freehold.kit import json_text
from freehold.runtime.mail.mailer import Mailer, MailNotSent
from freehold.runtime.mailing import letters
from freehold.runtime.services import Receive, Scope, Send, Services

KEY_NAMES = ("LOVABLE_API_KEY", "RESEND_API_KEY")
LOVABLE_SEND = "/lovable/v1/messaging/email/send"
RESEND_ONE = "/resend/emails"
RESEND_MANY = "/resend/emails/batch"
LARGEST_BODY = 4 * 1024 * 1024
REMEMBERED = 1000
_LEFT = (
    "The app asked {service} for something other than sending a mail, which nothing answers here. Change the function "
    "to use a service of your own, and give it that service's key with `freehold secrets set NAME`."
)
_UNSENT = "The mail server did not take the mail. Look at the runtime's log, and at the settings of your mail server."


class MailingApp:
    """Checks the virtual key, reads a request and sends its mails."""

    def __init__(self, services: Services, mailer: Mailer) -> None:
        """Answers by idempotency key are kept in this process only: a repeat elsewhere is sent twice, never lost."""
        secrets = services.settings.function_secrets
        self._keys = tuple(secrets[name].reveal().encode() for name in KEY_NAMES if name in secrets)
        self._mailer = mailer
        self._answered: OrderedDict[str, str] = OrderedDict()

    async def start(self) -> None:
        """Nothing to load."""

    async def stop(self) -> None:
        """Nothing to end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path, headers = scope["path"].rstrip("/"), dict(scope["headers"])
        if not self._key_fits(headers.get(b"authorization", b"")):
            await _answer(send, 401, _problem(401, "unauthorized", "the key of this call is missing or not this app's"))
        elif scope["method"] != "POST" or path not in {LOVABLE_SEND, RESEND_ONE, RESEND_MANY}:
            service = "Resend" if path.startswith("/resend") else "its builder's platform"
            await _answer(send, 503, _problem(503, "not_configured", _LEFT.format(service=service)))
        else:
            status, body = await self._post(path, headers.get(b"idempotency-key", b"").decode("latin-1"), receive)
            await _answer(send, status, body)

    async def _post(self, path: str, key: str, receive: Receive) -> tuple[int, dict[str, object]]:
        try:
            asked = json_text.read(await _read(receive))
            ids = [await self._send(item, key) for item in (asked if path == RESEND_MANY else [asked])]
        except (ValueError, TypeError):
            return 400, _problem(400, "invalid_request", "the body is no JSON, or too large")
        except letters.Refused as error:
            return 422, _problem(422, "validation_error", str(error))
        except MailNotSent:
            return 503, _problem(503, "mail_server_unavailable", _UNSENT)
        if path == LOVABLE_SEND:
            return 200, {"success": True, "message_id": ids[0], "status": "sent"}
        return 200, {"id": ids[0]} if path == RESEND_ONE else {"data": [{"id": item} for item in ids]}

    async def _send(self, body: object, key: str) -> str:
        letter = letters.read(body)
        if key and key in self._answered:
            return self._answered[key]
        for mail in letter.mails:
            await self._mailer.send(mail)
        made = str(uuid.uuid4())
        if key:
            self._answered[key] = made
            if len(self._answered) > REMEMBERED:
                self._answered.popitem(last=False)
        return made

    def _key_fits(self, authorization: bytes) -> bool:
        scheme, _, bearer = authorization.partition(b" ")
        return scheme.lower() == b"bearer" and any(hmac.compare_digest(key, bearer.strip()) for key in self._keys)


async def _read(receive: Receive) -> bytes:
    """Read the body; raises ValueError when it is too large or breaks off."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ValueError("broken off")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            raise ValueError("too large")
        if not message.get("more_body"):
            return b"".join(parts)


def _problem(status: int, kind: str, message: str) -> dict[str, object]:
    """One shape for both clients: email-js reads `type`, Resend's `name` and `statusCode`."""
    return {"type": kind, "name": kind, "statusCode": status, "message": message}


async def _answer(send: Send, status: int, body: dict[str, object]) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
