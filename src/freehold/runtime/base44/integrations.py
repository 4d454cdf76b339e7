"""/apps/{id}/integration-endpoints/Core/*: AI, mail and files. What is not set up says so; nothing pretends."""

import re
from collections.abc import Awaitable, Callable, Mapping

from freehold.runtime.base44 import accounts, models, spending, uploads
from freehold.runtime.base44.context import Context
from freehold.runtime.base44.http import Answer, Request, answer, detailed
from freehold.runtime.base44.identity import Who
from freehold.runtime.mail.mailer import Mail, MailNotSent

MAILS_AN_HOUR = 100
_TAGS = re.compile(r"<[^>]+>")

Endpoint = Callable[[Context, Request, Who], Awaitable[Answer]]


async def answer_core(context: Context, request: Request, who: Who, name: str) -> Answer:
    """Answer one of the platform's own integrations."""
    endpoint = _ENDPOINTS.get(name)
    if endpoint is None:
        raise detailed(501, f"Core.{name} is not available here: call a service of your own from a function instead")
    return await endpoint(context, request, who)


async def send_email(context: Context, request: Request, who: Who) -> Answer:
    """Send a mail: functions to anybody, people to users of the app only, so that nobody mails strangers through it."""
    body = await request.table()
    to, subject, text = (body.get(name) for name in ("to", "subject", "body"))
    if not (isinstance(to, str) and isinstance(subject, str) and isinstance(text, str) and "@" in to):
        raise detailed(422, "Error in field to: Field required", "ValidationError")
    if not who.service:
        person = await accounts.current(context, who)
        (result,) = await context.pool.run([("select base44.is_member($1)", [to.encode()])])
        if result.one()[0] != b"t":
            raise detailed(403, "Mail can be sent to users of this app only; a function may write to others")
        await spending.spend(context, str(person["id"]), "mail", MAILS_AN_HOUR)
    mail = Mail(to=to, subject=subject, html=text, text=_TAGS.sub("", text))
    try:
        await context.mailer.send(mail)
    except MailNotSent as error:
        raise detailed(502, "The mail could not be sent: the mail server cannot be reached or refused it") from error
    return answer({"success": True})


_ENDPOINTS: Mapping[str, Endpoint] = {
    "InvokeLLM": models.invoke_llm,
    "GenerateImage": models.generate_image,
    "ExtractDataFromUploadedFile": models.extract_data,
    "SendEmail": send_email,
    "UploadFile": uploads.upload_file,
    "UploadPrivateFile": uploads.upload_private_file,
    "CreateFileSignedUrl": uploads.create_file_signed_url,
}
