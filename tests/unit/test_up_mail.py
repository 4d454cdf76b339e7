"""The owner's mail server: what is taken for one, what is missing, and whose password goes where."""

import json

import pytest

from freehold.core.configuration import secret
from freehold.core.errors import BadUsage
from freehold.flows.up_mail import is_mail_secret, missing, settings
from freehold.runtime import settings as runtime

TABLE = {
    "email": {
        "smtp": {"host": "mail.old.example", "port": 465, "user": "u", "pass": secret("OLD"), "admin_email": "a@b.c"}
    }
}
NEEDED = ("SMTP_HOST", "SMTP_ADMIN_EMAIL")
WHOLE = (*NEEDED, "SMTP_PORT", "SMTP_USER", "SMTP_PASS", "SMTP_SENDER_NAME")


def test_secrets_name_a_mail_server() -> None:
    assert settings({}, WHOLE, secret) == {
        "host": secret("SMTP_HOST"),
        "port": secret("SMTP_PORT"),
        "user": secret("SMTP_USER"),
        "password": secret("SMTP_PASS"),
        "sender": secret("SMTP_ADMIN_EMAIL"),
        "sender_name": secret("SMTP_SENDER_NAME"),
    }
    assert settings({}, NEEDED, str) == {"host": "SMTP_HOST", "sender": "SMTP_ADMIN_EMAIL"}
    assert all(map(is_mail_secret, WHOLE))
    assert not is_mail_secret("SMTP_KEY_OF_A_FUNCTION")


def test_the_file_names_one_where_no_secret_does() -> None:
    found = settings(TABLE, (), secret)
    assert found == {"host": "mail.old.example", "port": 465, "user": "u", "password": secret("OLD"), "sender": "a@b.c"}
    off = {"email": {"smtp": TABLE["email"]["smtp"] | {"enabled": False}}}
    assert (settings(off, (), secret), missing(off, ())) == (None, ())


def test_a_password_for_one_server_is_not_shown_to_another() -> None:
    assert settings(TABLE, NEEDED, str) == {"host": "SMTP_HOST", "sender": "SMTP_ADMIN_EMAIL"}


def test_a_password_that_stands_in_the_file_is_not_taken() -> None:
    plain = {"email": {"smtp": TABLE["email"]["smtp"] | {"pass": "in the clear"}}}
    assert "in the clear" not in str(settings(plain, (), secret))


@pytest.mark.parametrize(
    ("auth", "names", "wanted"),
    [
        ({}, (), ()),
        (TABLE, (), ()),
        ({}, ("SMTP_HOST",), ("SMTP_ADMIN_EMAIL",)),
        ({}, ("SMTP_PASS",), NEEDED),
        ({"email": {"smtp": {"host": "x"}}}, (), NEEDED),
        ({}, NEEDED, ()),
    ],
)
def test_what_is_begun_and_not_whole_is_named(auth: dict[str, object], names: tuple[str, ...], wanted: object) -> None:
    assert missing(auth, names) == wanted


def parsed(**smtp: object) -> runtime.SmtpSettings:
    names = ("rest_dsn", "auth_dsn", "storage_dsn", "jwt_secret", "signing_key", "secret_key", "service_role_jwt")
    values = dict.fromkeys((*names, "public_url", "publishable_key", "anon_jwt"), "")
    found = runtime.parse(json.dumps(values | {"smtp": smtp}), "here").smtp
    assert found is not None
    return found


def test_secrets_are_texts_and_may_end_in_a_line_feed() -> None:
    found = parsed(host="mail.example.com\n", port="2525\n", sender="Shop <a@example.com>\n", password="p")
    assert (found.host, found.port, found.sender, found.password.reveal()) == (
        "mail.example.com", 2525, "Shop <a@example.com>", "p",
    )  # fmt: skip
    assert parsed(host="mail.example.com", sender="a@example.com").port == runtime.SMTP_PORT


@pytest.mark.parametrize("wrong", [{"port": "smtp"}, {"port": "-1"}, {"sender": "nobody"}, {"sender": ""}])
def test_a_port_or_an_address_that_is_none_is_told(wrong: dict[str, str]) -> None:
    with pytest.raises(BadUsage, match="mail"):
        parsed(**({"host": "mail.example.com", "sender": "a@example.com"} | wrong))
