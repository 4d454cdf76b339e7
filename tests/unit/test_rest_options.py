from pathlib import Path

import pytest

from freehold.core.errors import BadUsage
from freehold.runtime.rest.standalone import configfile, options
from freehold.runtime.rest.standalone.sources import Sources

SECRET = "a secret of more than thirty-two characters"


def test_a_file_holds_strings_numbers_flags_and_comments() -> None:
    text = '# a comment\n\ndb-schemas = "api, public" # another\ndb-pool=7\n  db-config = off\njwt-aud = "a\\"b\\\\c"\n'
    assert configfile.parse(text, "x.conf") == {
        "db-schemas": "api, public",
        "db-pool": "7",
        "db-config": "false",
        "jwt-aud": 'a"b\\c',
    }


@pytest.mark.parametrize("line", ['db-pool = "7', "db-pool 7", "= 7", "db-pool = seven", 'db-pool = "7" 8'])
def test_a_line_that_cannot_be_read_is_named_and_not_shown(line: str) -> None:
    with pytest.raises(BadUsage) as refused:
        configfile.parse(f"db-config = true\n{line}", "x.conf")
    assert "line 2 of x.conf" in refused.value.message
    assert line not in refused.value.message + refused.value.detail + refused.value.hint


def test_the_database_goes_over_the_environment_and_that_over_the_file() -> None:
    file = {"db-max-rows": "1", "db-schemas": "one", "jwt-aud": "file"}
    environment = {"PGRST_DB_MAX_ROWS": "2", "PGRST_DB_SCHEMAS": "two"}
    found = options.resolve(file, environment, {"db_max_rows": "3"}).rest
    assert (found.db_max_rows, found.db_schemas, found.jwt_aud) == (3, ("two",), "file")


def test_old_names_still_count_and_new_ones_win() -> None:
    found = options.resolve({"max-rows": "5", "db-schema": "old", "db-schemas": "new"}, {}, {})
    assert (found.rest.db_max_rows, found.rest.db_schemas) == (5, ("new",))


def test_an_unknown_setting_in_the_file_is_an_error_with_the_name_that_was_meant() -> None:
    with pytest.raises(BadUsage) as refused:
        options.resolve({"db-anon-rol": "web"}, {}, {})
    assert "db-anon-rol" in refused.value.detail
    assert "db-anon-role" in refused.value.hint


def test_unknown_settings_elsewhere_are_warnings_with_their_names() -> None:
    found = options.resolve({}, {"PGRST_DB_SCHMAS": "x"}, {"db_pool": "3", "wat": "1"})
    assert [warning.split()[0] for warning in found.warnings] == ["PGRST_DB_SCHMAS", "pgrst.db_pool", "pgrst.wat"]
    assert found.values["db-pool"] == 10


def test_a_setting_without_effect_is_told() -> None:
    found = options.resolve({"log-query": "true"}, {}, {})
    assert "log-query" in found.warnings[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("db-pool", "0"),
        ("db-pool", "many"),
        ("db-max-rows", "-1"),
        ("db-tx-end", "random"),
        ("log-level", "loud"),
        ("openapi-mode", "follow-"),
        ("openapi-server-proxy-uri", "htp:/@@example.invalid"),
        ("jwt-aud", "http://%%example.invalid"),
        ("jwt-role-claim-key", "role.other"),
        ("server-unix-socket-mode", "599"),
        ("server-unix-socket-mode", "800"),
        ("db-plan-enabled", "perhaps"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_its_name(name: str, text: str) -> None:
    with pytest.raises(BadUsage, match=name):
        options.resolve({name: text}, {}, {})


@pytest.mark.parametrize(
    "settings",
    [
        {"jwt-secret": "short"},
        {"jwt-secret": "no base64!" * 4, "jwt-secret-is-base64": "true"},
        {"jwt-secret": '{"keys": [{"kty": "wat"}]}'},
        {"jwt-secret": '{"kty": "oct"}'},
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_and_not_shown(settings: dict[str, str]) -> None:
    with pytest.raises(BadUsage, match="jwt-secret") as refused:
        options.resolve(settings, {}, {})
    assert settings["jwt-secret"] not in refused.value.message + refused.value.detail


def test_the_admin_port_is_another_one() -> None:
    with pytest.raises(BadUsage, match="admin-server-port"):
        options.resolve({"server-port": "3000", "admin-server-port": "3000"}, {}, {})


def test_what_is_dumped_reads_back_the_same() -> None:
    file = {
        "db-uri": "postgresql://web:pass@host/app", "jwt-secret": SECRET, "db-schemas": "api,public",
        "jwt-role-claim-key": '.roles[?(@ ^== "app_")]', "db-pre-request": "auth.check", "db-tx-end": "rollback",
        "app.settings.greeting": 'say "hi" \\ bye', "server-cors-allowed-origins": "https://a.example, https://b.example",
    }  # fmt: skip
    dumped = options.dump(options.resolve(file, {}, {}), with_secrets=True)
    again = options.resolve(configfile.parse(dumped, "dump"), {}, {})
    assert options.dump(again, with_secrets=True) == dumped
    assert again.rest.db_pre_request == ("auth", "check")


def test_secrets_are_not_dumped_unless_asked_for() -> None:
    found = options.resolve({"db-uri": "postgresql://web:pass@host/app", "jwt-secret": SECRET}, {}, {})
    dumped = options.dump(found, with_secrets=False)
    assert SECRET not in dumped + repr(found.rest)
    assert "web:pass" not in dumped


def test_the_example_names_every_setting() -> None:
    text = options.example()
    assert all(f"# {option.name} = " in text for option in options.OPTIONS)


def test_every_setting_stands_in_the_reference() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/rest-settings.md").read_text()
    missing = [option.name for option in options.OPTIONS if f"| `{option.name}` |" not in page]
    assert missing == []


def test_a_secret_may_stand_in_a_file_of_its_own_and_end_with_a_line_break(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(SECRET.encode() + b"\n")
    (tmp_path / "uri").write_text("postgresql://web@host/app\n")
    found = Sources(None, {"PGRST_JWT_SECRET": f"@{tmp_path}/secret", "PGRST_DB_URI": f"@{tmp_path}/uri"}).read()
    assert found.rest.jwt_secret == SECRET
    assert found.db_uri.reveal() == "postgresql://web@host/app"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="jwt-secret"):
        Sources(None, {"PGRST_JWT_SECRET": f"@{tmp_path}/nothing"}).read()
    with pytest.raises(BadUsage, match="cannot be read"):
        Sources(tmp_path / "nothing.conf", {}).read()
