"""What functions send through their builder's mail service or Resend reaches the owner's mail server or mail page."""

import json
from dataclasses import dataclass
from pathlib import Path

import nested
import pytest
from asgi import Answer, ask

from freehold.core.secret import Secret
from freehold.runtime.mail.mailer import FileMailer, Mail, MailNotSent
from freehold.runtime.mailing.app import LOVABLE_SEND, RESEND_MANY, RESEND_ONE, MailingApp

KEY = "fh_virtual"
CALL = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
LETTER = {"from": "Shop <shop@app.example>", "to": "ann@example.com", "subject": "Your order", "html": "<p>Thanks</p>"}


@dataclass
class Settings:
    function_secrets: dict[str, Secret]


@dataclass
class Services:
    settings: Settings


class Closed:
    """A mail server that takes nothing."""

    async def send(self, mail: Mail) -> None:
        raise MailNotSent(mail.subject)


@pytest.fixture
def app(tmp_path: Path) -> MailingApp:
    secrets = {"LOVABLE_API_KEY": Secret(KEY), "RESEND_API_KEY": Secret("re_virtual")}
    return MailingApp(Services(Settings(secrets)), FileMailer(tmp_path))  # type: ignore[arg-type]


def _sent(folder: Path) -> list[dict[str, str]]:
    return [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]


async def _post(app: MailingApp, path: str, body: object, **headers: str) -> Answer:
    return await ask(app, path, method="POST", headers=CALL | headers, body=json.dumps(body).encode())


async def test_a_mail_of_the_builders_queue_is_sent_once_an_idempotency_key(app: MailingApp, tmp_path: Path) -> None:
    body = LETTER | {
        "run_id": "r",
        "sender_domain": "app.example",
        "purpose": "transactional",
        "reply_to": "s@app.example",
    }
    answers = [await _post(app, LOVABLE_SEND, body, **{"idempotency-key": "one"}) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body
    assert json.loads(answers[0].body)["success"] is True
    (mail,) = _sent(tmp_path)
    assert (mail["to"], mail["subject"], mail["sender_name"], mail["reply_to"]) == (
        "ann@example.com",
        "Your order",
        "Shop",
        "s@app.example",
    )


async def test_resends_calls_are_answered_in_its_own_shape(app: MailingApp, tmp_path: Path) -> None:
    headers = {"authorization": "Bearer re_virtual"}
    many = LETTER | {
        "to": ["ann@example.com", "Bob <bob@example.com>"],
        "cc": "ann@example.com",
        "replyTo": ["s@a.example"],
    }
    one = await _post(app, RESEND_ONE, many, **headers)
    assert set(json.loads(one.body)) == {"id"}
    assert sorted(mail["to"] for mail in _sent(tmp_path)) == ["ann@example.com", "bob@example.com"]
    batch = await _post(app, RESEND_MANY, [LETTER, LETTER], **headers)
    assert len(json.loads(batch.body)["data"]) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subject": ""}, "subject"),
        ({"to": []}, "recipients"),
        ({"to": "nobody"}, "address"),
        ({"to": "a@b.example\r\nBcc: x@y.example"}, "address"),
        ({"to": [f"{n}@example.com" for n in range(51)]}, "recipients"),
        ({"attachments": [{"filename": "a.pdf"}]}, "attachments"),
        ({"html": 1}, "html"),
    ],
)
async def test_what_cannot_be_sent_whole_is_refused_with_the_reason(
    app: MailingApp, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    answer = await _post(app, RESEND_ONE, LETTER | change)
    assert answer.status == 422
    assert said in json.loads(answer.body)["message"]
    assert _sent(tmp_path) == []


async def test_only_this_apps_functions_may_send_and_nothing_else_is_answered(app: MailingApp, tmp_path: Path) -> None:
    for key in ("", "Bearer other", f"Basic {KEY}"):
        assert (await ask(app, LOVABLE_SEND, method="POST", headers={"authorization": key}, body=b"{}")).status == 401
    for broken in (b"{broken", nested.text().encode()):
        assert (await ask(app, LOVABLE_SEND, method="POST", headers=CALL, body=broken)).status == 400
    logs = await ask(app, "/lovable/v1/messaging/email/logs", headers=CALL)
    assert logs.status == 503
    assert "freehold secrets set" in json.loads(logs.body)["message"]
    assert _sent(tmp_path) == []


async def test_a_mail_server_that_takes_nothing_is_told_so_that_the_queue_tries_again() -> None:
    services = Services(Settings({"LOVABLE_API_KEY": Secret(KEY)}))
    app = MailingApp(services, Closed())  # type: ignore[arg-type]
    answer = await _post(app, LOVABLE_SEND, LETTER)
    assert answer.status == 503
    assert json.loads(answer.body)["type"] == "mail_server_unavailable"
