"""What the auth protocol decides without a database: configuration, redirects, mails and codes."""

from typing import Any

import pytest

from freehold.core.errors import BadUsage
from freehold.core.secret import Secret
from freehold.runtime.auth import totp
from freehold.runtime.auth.config import AuthConfig, MailTemplate, parse_duration, read_config
from freehold.runtime.auth.errors import ApiError
from freehold.runtime.auth.mails import Link, check_templates, write_mail
from freehold.runtime.auth.redirects import is_allowed, with_error, with_query
from freehold.runtime.settings import Settings, SmtpSettings

EMPTY = Secret("")


def settings(auth: dict[str, object], **more: Any) -> Settings:
    values: dict[str, Any] = {"public_url": "https://app.example.com", "publishable_key": "", "anon_jwt": ""}
    names = ("rest_dsn", "auth_dsn", "storage_dsn", "jwt_secret", "signing_key", "secret_key", "service_role_jwt")
    return Settings(**values | dict.fromkeys(names, EMPTY) | more, auth=auth)


def config(auth: dict[str, object], **more: Any) -> AuthConfig:
    return read_config(settings(auth, **more))


def test_an_empty_table_has_the_template_s_defaults() -> None:
    found = config({})
    assert found.site_url == "https://app.example.com"
    assert (found.jwt_expiry, found.refresh_reuse_interval, found.password_length) == (3600, 10, 6)
    assert (found.signup_enabled, found.anonymous_enabled, found.autoconfirm) == (True, False, True)
    assert (found.otp_length, found.otp_expiry, found.mail_interval) == (6, 3600, 1)
    assert found.limits.emails_per_hour is None
    smtp = SmtpSettings(host="mail.example.com", port=587, sender="a@example.com")
    assert config({}, smtp=smtp).limits.emails_per_hour == 30


def test_the_template_s_loopback_site_is_replaced_by_where_the_app_is_served() -> None:
    assert config({"site_url": "http://127.0.0.1:3000"}).site_url == "https://app.example.com"
    assert config({"site_url": "https://www.example.com/"}).site_url == "https://www.example.com"


@pytest.mark.parametrize(
    ("auth", "path"),
    [
        ({"jwt_expiry": "3600"}, "auth.jwt_expiry"),
        ({"enable_signup": "yes"}, "auth.enable_signup"),
        ({"email": {"max_frequency": "soon"}}, "auth.email.max_frequency"),
        ({"email": []}, "auth.email"),
        ({"site_url": "env(SITE_URL)"}, "auth.site_url"),
        ({"password_requirements": "strong"}, "auth.password_requirements"),
        ({"captcha": {"enabled": True}}, "auth.captcha"),
        ({"hook": {"before_user_created": {"enabled": True}}}, "auth.hook.before_user_created"),
        ({"hook": {"custom_access_token": {"enabled": True, "uri": "https://x.y"}}}, "auth.hook.custom_access_token"),
        ({"email": {"template": {"invite": {"content_path": "./x.html"}}}}, "auth.email.template.invite"),
    ],
)
def test_a_setting_that_cannot_work_is_named(auth: dict[str, object], path: str) -> None:
    with pytest.raises(BadUsage, match=path):
        config(auth)


def test_a_hook_s_function_is_quoted() -> None:
    hook = {"enabled": True, "uri": 'pg-functions://postgres/pub"lic/f'}
    assert config({"hook": {"custom_access_token": hook}}).access_token_hook == '"pub""lic"."f"'


@pytest.mark.parametrize(("text", "seconds"), [("24h", 86400), ("1h30m", 5400), ("1.5s", 1.5), ("0s", 0)])
def test_durations_have_go_s_form(text: str, seconds: float) -> None:
    found = parse_duration(text)
    assert found is not None
    assert found.total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "1", "soon", "1d", "-1h", "1h x", "99999999999h"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None


ALLOWED = ["https://*.example.net", "https://*.example.net/**", "myapp://in", "https://exact.example.org/a/*"]


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("https://app.example.com", True),
        ("https://app.example.com/any/page?x=1#y", True),
        ("https://app.example.com:443/", True),
        ("https://app.example.com:8443/", False),
        ("http://app.example.com/", False),
        ("https://a.example.net/x/y", True),
        ("https://a.b.example.net/x", False),
        ("https://example.net.evil.com/x", False),
        ("https://evil.com#.example.net/x", False),
        ("https://evil.com?.example.net/x", False),
        ("https://exact.example.org/a/b", True),
        ("https://exact.example.org/a/b/c", False),
        ("myapp://in", True),
        ("myapp://out", False),
        ("http://127.0.0.1:4000/callback", True),
        ("http://[::1]:4000/callback", True),
        ("http://192.168.0.1/", False),
        ("http://2130706433/", False),
        ("https://app.example.com@evil.com/", False),
        ("https://app.example.com\\@evil.com/", False),
        ("https://evil.com\\.example.net/x", False),
        ("//evil.com/", False),
        ("/page", False),
        ("javascript://app.example.com/%0aalert(1)", False),
        ("data:text/html,x", False),
        ("https://[::1", False),
        ("https://app.example.com:x/", False),
        ("https://app.example.com/\r\nset-cookie: a", False),
        ("", False),
    ],
)
def test_a_browser_is_sent_only_where_the_owner_allows(target: str, answer: bool) -> None:
    assert is_allowed(config({"additional_redirect_urls": ALLOWED}), target) is answer


def test_an_error_goes_into_the_fragment_and_with_pkce_into_the_query_too() -> None:
    error = ApiError(403, "otp_expired", "Email link is invalid or has expired")
    plain = with_error("https://app.example.com/a?b=1", error, is_pkce=False)
    values = "error=access_denied&error_code=otp_expired&error_description=Email+link+is+invalid+or+has+expired"
    assert plain == f"https://app.example.com/a?b=1#{values}&sb="
    assert with_error("https://app.example.com/a", error, is_pkce=True).startswith(
        f"https://app.example.com/a?{values}#"
    )
    assert with_query("https://app.example.com/a?b=1#c", {"code": "x"}) == "https://app.example.com/a?b=1&code=x#c"


def link(**more: Any) -> Link:
    values: dict[str, Any] = {
        "template": "confirmation",
        "to": "ann@example.com",
        "type": "signup",
        "code": "123456",
        "token": "abc",
        "redirect_to": "https://app.example.com/in",
        "email": "ann@example.com",
        "data": {},
    }
    return Link(**values | more)


def test_a_mail_holds_link_and_code_as_html_and_as_text() -> None:
    mail = write_mail(config({}), link())
    address = (
        "https://app.example.com/auth/v1/verify?token=abc&type=signup&redirect_to=https%3A%2F%2Fapp.example.com%2Fin"
    )
    assert f'href="{address.replace("&", "&amp;")}"' in mail.html
    assert "<strong>123456</strong>" in mail.html
    assert address in mail.text
    assert "123456" in mail.text
    assert "<" not in mail.text


def test_what_a_user_typed_is_text_in_a_mail() -> None:
    template = {"confirmation": {"subject": "Hi {{ .Data.name }}", "content": "<p>{{ .Data.name }} {{.Email}}</p>"}}
    found = config({"email": {"template": template}})
    mail = write_mail(found, link(data={"name": "<script>x</script>\r\nBcc: a@b.c"}))
    assert "<script>" not in mail.html
    assert "&lt;script&gt;" in mail.html
    assert "ann@example.com" in mail.html


def test_a_template_that_cannot_be_filled_in_is_refused_at_start() -> None:
    for content in ("{{ if .Data.name }}x{{ end }}", "{{ .Unknown }}", "{{ template }}"):
        with pytest.raises(BadUsage, match=r"auth\.email\.template\.invite"):
            check_templates(config({"email": {"template": {"invite": {"content": content}}}}))
    check_templates(config({"email": {"template": {"invite": {"content": "{{- .Data.a.b -}} {{.SiteURL}}"}}}}))
    assert config({}).templates["invite"] == MailTemplate()


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890" in base32: appendix B
    assert totp.code_at(secret, seconds // 30) == code
    assert totp.is_valid(secret, code, seconds + 30)
    assert totp.is_valid(secret, code, seconds)
    assert totp.is_valid(secret, totp.code_at(secret, seconds // 30 + 1), seconds)
    assert not totp.is_valid(secret, code, seconds + 90)
    assert not totp.is_valid(secret, "", seconds)
    assert not totp.is_valid(secret, "١٢٣٤٥٦", seconds)
