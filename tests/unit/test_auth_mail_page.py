"""The local mail page shows mails to the owner, on this machine, and to nobody else."""

import json
import stat
from pathlib import Path

import pytest
from asgi import ask

from freehold.core.secret import Secret
from freehold.runtime.mail.mailer import FileMailer, Mail
from freehold.runtime.mail.page import MailPage
from freehold.runtime.settings import Settings

EMPTY = Secret("")
HOSTILE = "<script>alert(1)</script>"
LOCAL = {"host": "127.0.0.1:8000"}


@pytest.fixture
async def page(tmp_path: Path) -> MailPage:
    mailer = FileMailer(tmp_path / "mail")
    await mailer.send(Mail(to="ann@example.com", subject=f"One {HOSTILE}", html=f"<p>{HOSTILE}</p>", text=HOSTILE))
    await mailer.send(Mail(to="bob@example.com", subject="Two", html="<p>two</p>", text="two"))
    names = ("rest_dsn", "auth_dsn", "storage_dsn", "jwt_secret", "signing_key", "secret_key", "service_role_jwt")
    secrets = dict.fromkeys(names, EMPTY)
    settings = Settings(
        public_url="http://127.0.0.1:8000", publishable_key="", anon_jwt="", mail_directory=tmp_path / "mail", **secrets
    )
    return MailPage(settings)


async def test_mails_are_listed_newest_first_as_html_and_as_json(page: MailPage) -> None:
    listed = json.loads((await ask(page, "/messages", headers=LOCAL)).body)["messages"]
    assert [mail["to"] for mail in listed] == ["bob@example.com", "ann@example.com"]
    answer = await ask(page, "/", headers=LOCAL)
    assert answer.status == 200
    assert HOSTILE not in answer.body.decode()
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]


async def test_a_mail_s_html_runs_nothing(page: MailPage) -> None:
    mail = json.loads((await ask(page, "/messages", headers=LOCAL)).body)["messages"][1]["id"]
    shown = await ask(page, f"/messages/{mail}", headers=LOCAL)
    assert HOSTILE not in shown.body.decode()
    assert 'sandbox="allow-popups' in shown.body.decode()
    raw = await ask(page, f"/messages/{mail}/html", headers=LOCAL)
    assert raw.headers["content-security-policy"].startswith("sandbox ")
    assert "allow-scripts" not in raw.headers["content-security-policy"]
    assert "allow-same-origin" not in raw.headers["content-security-policy"]


@pytest.mark.parametrize(
    "headers",
    [{"host": "127.0.0.1:8000", "origin": "https://evil.example"}, {"host": "evil.example:8000"}, {"host": ""}],
)
async def test_another_site_reads_no_mail(page: MailPage, headers: dict[str, str]) -> None:
    answer = await ask(page, "/messages", headers=headers)
    assert answer.status == 403
    assert b"example.com" not in answer.body


@pytest.mark.parametrize("path", ["/messages/../x", "/messages/..%2f..%2fetc", "/messages/x/html", "/other"])
async def test_what_is_no_mail_is_not_found(page: MailPage, path: str) -> None:
    assert (await ask(page, path, headers=LOCAL)).status == 404
    assert (await ask(page, "/", method="POST", headers=LOCAL)).status == 405


async def test_mails_are_files_only_their_owner_reads(tmp_path: Path, page: MailPage) -> None:
    assert page
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "mail").iterdir()} == {0o600}
