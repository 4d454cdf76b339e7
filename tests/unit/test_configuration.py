"""A release's configuration holds marks, and each place fills in its own secrets and folders."""

from freehold.core import configuration


def test_marks_are_filled_in_at_any_depth() -> None:
    snapshot = {
        "auth": {"external": {"google": {"secret": configuration.secret("AUTH_GOOGLE_SECRET"), "enabled": True}}},
        "functions": [{"name": "mail", "directory": configuration.part("functions", "functions/mail")}],
        "site_directory": configuration.part("site"),
    }
    filled = configuration.filled(
        snapshot, secret_value=lambda name: f"value of {name}", part_path=lambda name, path: f"/srv/{name}/{path}"
    )
    assert filled == {
        "auth": {"external": {"google": {"secret": "value of AUTH_GOOGLE_SECRET", "enabled": True}}},
        "functions": [{"name": "mail", "directory": "/srv/functions/functions/mail"}],
        "site_directory": "/srv/site/",
    }


def test_a_secret_whose_value_looks_like_a_mark_is_not_filled_again() -> None:
    filled = configuration.filled(
        configuration.secret("A"), secret_value=lambda _: '{"$secret": "B"}', part_path=lambda *_: ""
    )
    assert filled == '{"$secret": "B"}'
