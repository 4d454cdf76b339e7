"""What an app's auth settings refer to is put in, and nothing from outside the app."""

from pathlib import Path

from freehold.flows.up_auth import resolved


def test_secrets_are_put_in_and_unset_ones_left_out(tmp_path: Path) -> None:
    table = {"external": {"google": {"enabled": True, "client_id": "env(GOOGLE_ID)", "secret": "env(GOOGLE_SECRET)"}}}
    store = {"GOOGLE_ID": "id"}
    assert resolved(table, store.get, tmp_path) == {"external": {"google": {"enabled": True, "client_id": "id"}}}


def test_a_template_is_read_from_the_app_and_from_nowhere_else(tmp_path: Path) -> None:
    app = tmp_path / "app"
    (app / "supabase/templates").mkdir(parents=True)
    (app / "supabase/templates/invite.html").write_text("<h1>Come in</h1>")
    (tmp_path / "secret.html").write_text("secret")
    (app / "link.html").symlink_to(tmp_path / "secret.html")
    for path, content in (
        ("./supabase/templates/invite.html", "<h1>Come in</h1>"),
        ("../secret.html", None),
        ("/etc/hostname", None),
        ("link.html", None),
    ):
        found = resolved({"email": {"template": {"invite": {"content_path": path}}}}, {}.get, app)
        expected = {} if content is None else {"content": content}
        assert found == {"email": {"template": {"invite": expected}}}


def test_no_table_is_an_empty_one(tmp_path: Path) -> None:
    assert resolved(None, {}.get, tmp_path) == {}
