"""What goes wrong around `freehold up`: clear words, nothing lost, and the next run carries on."""

import json
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
import tiny_app
from owner import Owner, call, processes_below

from freehold.kit import postgres, programs
from freehold.kit.postgres_server import Cluster

pytestmark = pytest.mark.e2e


@pytest.fixture
def app(owner: Owner) -> Iterator[Path]:
    folder = owner.home / "tiny"
    yield tiny_app.write(folder)
    shutil.rmtree(folder)


def _data(owner: Owner, name: str) -> str:
    return str(owner.home / f"data-{name}")


def _serves(owner: Owner, source: str, name: str) -> dict[str, object]:
    """Bring an app up, look at its page and table, and stop it."""
    up = owner.start(source, "--port", "0", "--data", _data(owner, name))
    try:
        ready = up.wait_for("ready")
        assert "<title>tiny</title>" in call(f"{ready['url']}/", headers={"accept": "text/html"})[1]
        key = {"apikey": str(ready["publishable_key"])}
        assert call(f"{ready['api_url']}/rest/v1/notes", headers=key) == (200, "[]")
        return ready
    finally:
        assert up.stop() == 0


def test_a_zip_is_served_like_a_folder(owner: Owner, app: Path) -> None:
    archive = owner.home / "tiny.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in app.rglob("*"):
            file.write(path, Path("tiny-main") / path.relative_to(app))
    _serves(owner, str(archive), "zip")


def test_a_git_address_is_served_like_a_folder(owner: Owner, app: Path) -> None:
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=o", "-c", "user.email=o@x", "commit", "-qm", "app"]):
        subprocess.run(["git", *words], cwd=app, check=True)
    _serves(owner, f"file://{app}", "git")


def test_a_zip_that_leaves_its_folder_is_refused(owner: Owner) -> None:
    archive = owner.home / "evil.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../evil.txt", "evil")
    done = owner.run("up", str(archive), "--port", "0", "--json", "--data", _data(owner, "evil"))
    error = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, error["code"]) == (1, "FH102")
    assert not (owner.home / "evil.txt").exists()


def test_a_migration_that_fails_half_way_is_named_and_carried_on_from(owner: Owner, app: Path) -> None:
    broken = "create table public.half (id int);\n\ninsert into public.missing values (1);\n"
    tiny_app.write(app, **{tiny_app.SECOND: broken})
    done = owner.run("up", str(app), "--port", "0", "--data", _data(owner, "half"))
    assert done.returncode == 1
    assert f"{tiny_app.SECOND}, line 3" in done.stderr.replace("\n", " ") or "line 3" in done.stderr
    assert 'relation "public.missing" does not exist' in done.stderr
    assert "--replay" in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr
    (app / tiny_app.SECOND).write_text("create table public.half (id int);\n")
    _serves(owner, str(app), "half")


def test_a_history_that_does_not_apply_whole_is_replayed_as_far_as_it_does(owner: Owner, app: Path) -> None:
    broken = "insert into public.missing values (1);\ncreate table public.later (id int);\n"
    tiny_app.write(app, **{tiny_app.SECOND: broken})
    data = _data(owner, "replay")
    for expected in (1, 0):
        up = owner.start(str(app), "--port", "0", "--replay", "--data", data)
        try:
            ready = up.wait_for("ready")
            key = {"apikey": str(ready["publishable_key"])}
            assert call(f"{ready['api_url']}/rest/v1/later", headers=key) == (200, "[]")
            warnings = [str(event["text"]) for event in up.events if event["event"] == "warning"]
            assert len([text for text in warnings if "1 of 3 statements did not apply" in text]) == expected
        finally:
            assert up.stop() == 0


TYPES = """export type Database = { public: { Tables: { notes: { Row: { id: number; text: string | null } };
  lost: { Row: { id: string; title: string } } }; Views: {}; Functions: {}; Enums: {} } };
"""


RANKED = """insert into public.missing values (1);
create view public.ranks as select rank from public.asked;
create function public.ranked() returns table (name text, rank integer) language plpgsql stable security definer as $$
begin return query select a.name, a.rank from public.asked a; end $$;
"""


def test_after_migrations_that_fail_the_same_place_is_replayed_and_filled_from_types_and_code(
    owner: Owner, app: Path
) -> None:
    tiny_app.write(app, **{tiny_app.SECOND: RANKED})
    (app / "src/integrations/supabase/types.ts").write_text(TYPES)
    (app / "src/list.ts").write_text('supabase.from("asked").select("name, rank, notes(text)").eq("is_open", true);\n')
    data = _data(owner, "aside")
    done = owner.run("up", str(app), "--port", "0", "--json", "--data", data)
    hint = json.loads(done.stdout.splitlines()[-1])["hint"]
    assert hint.endswith(f"freehold up {app} --replay --data {data}")
    types, code = "--fill-from-types", "--fill-from-code"
    for options, lost, asked in (["--replay"], 404, 404), (["--replay", types, code], 200, 200), ([], 200, 200):
        up = owner.start(str(app), "--port", "0", "--data", data, *options)
        try:
            ready = up.wait_for("ready")
            told = [str(event.get("text")) for event in up.events if event["event"] == "warning"]
            key = {"apikey": str(ready["publishable_key"])}
            assert call(f"{ready['api_url']}/rest/v1/lost", headers=key)[0] == lost
            url = f"{ready['api_url']}/rest/v1/asked?select=name,notes(text)&is_open=eq.true"
            assert call(url, headers=key)[0] == asked
            if asked == HTTPStatus.OK:
                assert call(f"{ready['api_url']}/rest/v1/rpc/ranked", headers=key)[0] == asked
            for option in (types, code):
                assert any(f"--replay {option}" in text for text in told) == (lost == 404)
        finally:
            assert up.stop() == 0
    assert len(list(Path(data).glob("postgres-before-replay-*"))) == 1


def test_a_migration_that_wants_to_be_superuser_is_refused(owner: Owner, app: Path) -> None:
    tiny_app.write(app, **{tiny_app.SECOND: "alter role postgres superuser;\n"})
    done = owner.run("up", str(app), "--port", "0", "--json", "--data", _data(owner, "super"))
    error = json.loads(done.stdout.splitlines()[-1])
    assert error["code"] == "FH303"
    assert "permission denied" in error["detail"]


def test_a_changed_migration_is_refused_before_anything_runs(owner: Owner, app: Path) -> None:
    _serves(owner, str(app), "changed")
    (app / tiny_app.MIGRATION).write_text("create table public.other (id int);\n")
    done = owner.run("up", str(app), "--port", "0", "--json", "--data", _data(owner, "changed"))
    assert json.loads(done.stdout.splitlines()[-1])["code"] == "FH304"


def test_an_app_that_does_not_build_shows_its_last_lines_and_changes_no_data(owner: Owner, app: Path) -> None:
    tiny_app.write(app, **{"build.mjs": "console.error('the roof is missing'); process.exit(3);\n"})
    done = owner.run("up", str(app), "--port", "0", "--data", _data(owner, "roof"))
    assert done.returncode == 1
    assert "the roof is missing" in done.stderr
    assert "the whole log" in done.stderr
    tiny_app.write(app, **{"build.mjs": tiny_app.FILES["build.mjs"]})
    _serves(owner, str(app), "roof")


def test_ctrl_c_in_the_middle_of_a_build_leaves_nothing_running(owner: Owner, app: Path) -> None:
    slow = "await new Promise((resolve) => setTimeout(resolve, 60000));\n" + tiny_app.FILES["build.mjs"]
    tiny_app.write(app, **{"build.mjs": slow})
    up = owner.start(str(app), "--port", "0", "--data", _data(owner, "ctrl-c"))
    while up.wait_for("progress")["text"] != "Build the site":
        pass
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=120) == 130
    assert processes_below(Path(_data(owner, "ctrl-c"))) == []


def test_the_owners_own_postgresql_serves_the_app(owner: Owner, app: Path) -> None:
    cluster = Cluster(owner.home / "own-cluster", programs.postgres())
    address = cluster.start()
    try:
        with postgres.connect(address.dsn) as connection:
            connection.execute("create database shop")
        url = postgres.with_database(address.dsn.reveal(), "shop")
        theirs = Owner(owner.home, owner.environment | {"FREEHOLD_DATABASE_URL": url})
        ready = _serves(theirs, str(app), "own")
        assert address.password.reveal() not in json.dumps(ready)
        assert cluster.is_running()
        done = theirs.run("status", "--data", _data(owner, "own"))
        assert done.stdout.startswith("State")
    finally:
        cluster.stop()


def test_a_database_that_cannot_be_reached_is_named_without_its_password(owner: Owner, app: Path) -> None:
    url = "postgresql://ada:canary-password@127.0.0.1:1/shop"
    theirs = Owner(owner.home, owner.environment | {"FREEHOLD_DATABASE_URL": url})
    done = theirs.run("up", str(app), "--port", "0", "--data", _data(owner, "away"))
    assert done.returncode == 1
    assert "127.0.0.1:1/shop" in done.stderr
    assert "canary-password" not in done.stderr + done.stdout


def test_a_secret_that_the_runtime_cannot_use_leaves_the_app_up_on_the_old_ones(owner: Owner, app: Path) -> None:
    data = _data(owner, "bad-secret")
    up = owner.start(str(app), "--port", "0", "--data", data)
    try:
        ready = up.wait_for("ready")
        owner.run("secrets", "set", "FREEHOLD_AI_KEY", "--data", data, stdin="canary-key")
        up.wait_for("note")
        owner.run("secrets", "set", "FREEHOLD_AI_URL", "--data", data, stdin="no address")
        warning = str(up.wait_for("warning")["text"])
        assert "FREEHOLD_AI_URL is no address" in warning
        assert "canary-key" not in warning
        assert call(f"{ready['url']}/_freehold/health")[0] == 200
        owner.run("secrets", "set", "FREEHOLD_AI_URL", "--data", data, stdin="https://ai.example.com/v1")
        assert up.wait_for("note")["text"] == "new secrets are in use"
    finally:
        assert up.stop() == 0
