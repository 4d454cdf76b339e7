"""No stored file can act as the app's own page."""

import pytest

from freehold.runtime.storage.hostile import header_text, safe_headers


def test_html_is_shown_as_text() -> None:
    assert safe_headers("text/html; charset=utf-8")["content-type"] == "text/plain"


@pytest.mark.parametrize(
    "mime_type",
    [
        "text/html",
        "image/svg+xml",
        "IMAGE/SVG+XML",
        "text/xml",
        "application/xhtml+xml",
        "image/x+xml",
        "x/y",
        "",
        "text/xsl",
    ],
)
def test_whatever_a_browser_could_run_is_put_into_a_sandbox(mime_type: str) -> None:
    headers = safe_headers(mime_type)
    policy = headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "allow-scripts" not in policy
    assert "script-src" not in policy
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("mime_type", ["image/png", "video/mp4", "application/pdf", "text/plain;charset=UTF-8"])
def test_pictures_films_and_documents_are_not_hindered(mime_type: str) -> None:
    headers = safe_headers(mime_type)
    assert headers == {"content-type": mime_type, "x-content-type-options": "nosniff"}


@pytest.mark.parametrize("value", ["a\r\nset-cookie: x=1", "a\0b", "日本", "", None, 7])
def test_a_stored_value_cannot_add_headers(value: object) -> None:
    assert header_text(value, "otherwise") == "otherwise"
