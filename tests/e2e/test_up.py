"""`freehold up` on the sample, as an owner types it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from mail_sink import running_sink
from owner import Owner, Up, call, processes_below, sign_up

pytestmark = pytest.mark.e2e

Served = tuple[Up, dict[str, object]]
CANARY = "canary-secret-5b1f0e"


def _data(owner: Owner) -> str:
    return str(owner.home / "served")


def test_the_site_the_api_and_the_mail_page_answer(served: Served) -> None:
    _, ready = served
    for path in ("/", "/some/deep/page", "/_freehold/health", "/_freehold/mail"):
        status, _ = call(f"{ready['url']}{path}", headers={"accept": "text/html"})
        assert status == 200, path
    assert call(f"{ready['url']}/assets/no-such.js")[0] == 404
    assert call(f"{ready['url']}/rest/v1/profiles")[0] == 401
    assert call(f"{ready['url']}/rest/v1/profiles", headers={"apikey": str(ready["publishable_key"])})[0] == 200


def test_two_users_see_their_own_rows_only(served: Served) -> None:
    _, ready = served
    tokens = [sign_up(ready, f"user{number}@example.com") for number in (1, 2)]
    headers = [{"apikey": str(ready["publishable_key"]), "authorization": f"Bearer {token}"} for token in tokens]
    url = f"{ready['api_url']}/rest/v1/lists"
    status, text = call(url, method="POST", headers=headers[0], body={"name": "mine"})
    assert status == 201, text
    assert [row["name"] for row in json.loads(call(url, headers=headers[0])[1])] == ["mine"]
    assert json.loads(call(url, headers=headers[1])[1]) == []


def test_the_last_event_before_serving_names_addresses_and_what_is_unset(served: Served) -> None:
    up, ready = served
    assert up.events[-1] is ready or ready in up.events
    assert str(ready["url"]).startswith("http://127.0.0.1:")
    assert str(ready["publishable_key"]).startswith("sb_publishable_")
    assert isinstance(ready["unset_secrets"], dict)


def test_the_owners_tree_and_git_status_are_untouched(served: Served, sample: Path) -> None:
    assert served
    status = subprocess.run(["git", "status", "--porcelain", "--ignored"], cwd=sample, capture_output=True, check=True)
    assert status.stdout == b""


def test_nothing_served_names_the_builders_back_end(served: Served, sample: Path) -> None:
    _, ready = served
    environment = dict(line.split("=", 1) for line in (sample / ".env").read_text().splitlines() if "=" in line)
    old_url = environment["VITE_SUPABASE_URL"].strip('"')
    site = [path for path in Path(str(ready["data"])).glob("rendered/**/*") if path.is_file()]
    assert site
    for path in site:
        assert old_url.encode() not in path.read_bytes(), path


def test_status_and_where_tell_what_runs(owner: Owner, served: Served) -> None:
    _, ready = served
    status = owner.run("status", "--data", _data(owner), "--json")
    assert status.returncode == 0
    assert json.loads(status.stdout)["running"]["url"] == ready["url"]
    assert str(ready["url"]) in owner.run("where", "--data", _data(owner)).stdout


def test_a_second_up_on_the_same_data_is_refused_with_the_first_ones_process(
    owner: Owner, served: Served, sample: Path
) -> None:
    up, _ = served
    second = owner.run("up", str(sample), "--port", "0", "--data", _data(owner))
    assert second.returncode == 1
    assert "error: this app is already up" in second.stderr
    assert str(up.process.pid) in second.stderr
    assert "hint: freehold status" in second.stderr


def test_a_secret_reaches_the_functions_and_nothing_else(owner: Owner, served: Served) -> None:
    up, ready = served
    done = owner.run("secrets", "set", "CANARY_KEY", "--data", _data(owner), stdin=CANARY)
    assert done.returncode == 0, done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert "CANARY_KEY  version" in owner.run("secrets", "list", "--data", _data(owner)).stdout
    assert up.wait_for("note")["text"] == "new secrets are in use"
    assert call(f"{ready['url']}/_freehold/health")[0] == 200
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                assert CANARY.encode() not in (entry / "cmdline").read_bytes()
            except OSError:
                continue
    for folder, folders, names in os.walk(str(ready["data"])):
        folders[:] = [name for name in folders if name != "postgres"]
        for path in (Path(folder, name) for name in names):
            with contextlib.suppress(FileNotFoundError):  # what runs writes and removes files meanwhile
                assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


def test_what_a_function_printed_is_shown_with_its_request(owner: Owner, served: Served) -> None:
    _, ready = served
    headers = {"apikey": str(ready["publishable_key"]), "authorization": f"Bearer {sign_up(ready, 'logs@example.com')}"}
    url = f"{ready['url']}/functions/v1/suggest-tasks"
    status, text = call(url, method="POST", headers=headers, body={"goal": "Garden"})
    assert status >= 400, text  # no provider of AI is set here
    words = ("logs", "--function", "suggest-tasks", "--data", _data(owner))
    _wait_until(lambda: "AI gateway error" in owner.run(*words).stdout)
    said = json.loads(owner.run(*words, "--json").stdout.splitlines()[-1])
    assert said["level"] == "error"
    assert said["request"] in owner.run(*words, "-n", "1").stdout
    unknown = owner.run("logs", "--function", "none", "--data", _data(owner))
    assert (unknown.returncode, "the function none has printed nothing" in unknown.stderr) == (2, True)
    assert "freehold logs --function suggest-tasks" in unknown.stderr
    assert owner.run("logs", "--server", "--data", _data(owner)).returncode == 2


def test_mail_leaves_through_the_owners_server_once_it_is_named(owner: Owner, served: Served) -> None:
    _, ready = served
    headers = {"apikey": str(ready["publishable_key"])}

    def ask() -> int:
        """Ask for a code, each time as somebody else."""
        body = {"email": f"{time.time_ns()}@example.com", "create_user": True}
        return call(f"{ready['api_url']}/auth/v1/otp", method="POST", headers=headers, body=body)[0]

    with running_sink() as server:
        for name, value in (("HOST", "127.0.0.1"), ("PORT", f"{server.port}"), ("ADMIN_EMAIL", "shop@example.com")):
            owner.run("secrets", "set", f"SMTP_{name}", "--data", _data(owner), stdin=value)
        _wait_until(lambda: ask() == 200 and server.mails != [])
        assert b"From: shop@example.com" in server.mails[0]
    assert ask() == 500  # nobody is told to look for a mail that was not sent


def test_the_database_shell_is_the_owner_of_the_tables_and_no_superuser(owner: Owner, served: Served) -> None:
    assert served
    query = "select current_user, rolsuper from pg_roles where rolname = current_user"
    shell = owner.run("db", "shell", "--data", _data(owner), "--", "-XAtc", query)
    assert shell.stdout.strip() == "postgres|f", shell.stderr


def test_postgresql_killed_is_started_again_and_rows_are_kept(served: Served) -> None:
    up, ready = served
    headers = {"apikey": str(ready["publishable_key"])}
    token = sign_up(ready, "kill-postgres@example.com")
    postmaster = int((Path(str(ready["data"])) / "postgres/data/postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    _until_noted(up, "PostgreSQL runs again")
    own = headers | {"authorization": f"Bearer {token}"}
    _wait_until(lambda: call(f"{ready['api_url']}/auth/v1/user", headers=own)[0] == 200)


def test_the_runtime_killed_is_started_again_on_the_same_address(served: Served) -> None:
    up, ready = served
    runtime = json.loads((Path(str(ready["data"])) / "up.json").read_text())["runtime_pid"]
    os.kill(runtime, signal.SIGKILL)
    _until_noted(up, "the runtime runs again")
    _wait_until(lambda: call(f"{ready['url']}/_freehold/health")[0] == 200)


def test_killed_with_9_it_leaves_no_process_and_carries_on(owner: Owner, sample: Path) -> None:
    data = owner.home / "killed"
    first = owner.start(str(sample), "--port", "0", "--data", str(data))
    ready = first.wait_for("ready")
    token = sign_up(ready, "kept@example.com")
    first.kill()
    _wait_until(lambda: processes_below(data) == [])
    assert owner.run("status", "--data", str(data)).returncode == 1
    second = owner.start(str(sample), "--port", "0", "--data", str(data))
    try:
        again = second.wait_for("ready")
        headers = {"apikey": str(again["publishable_key"]), "authorization": f"Bearer {token}"}
        assert json.loads(call(f"{again['api_url']}/auth/v1/user", headers=headers)[1])["email"] == "kept@example.com"
        assert again["publishable_key"] == ready["publishable_key"]
        assert "nothing has changed since the last build" in [event.get("text") for event in second.events]
    finally:
        stopped = owner.run("down", "--data", str(data))
    assert stopped.returncode == 0
    assert second.process.wait(timeout=60) == 0
    assert processes_below(data) == []


def test_a_taken_port_is_named_with_a_free_one(owner: Owner, sample: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = owner.run("up", str(sample), "--port", str(port), "--data", str(owner.home / "port"))
    assert done.returncode == 1
    assert f"error: port {port} is taken" in done.stderr
    assert "hint: add --port" in done.stderr


def test_a_folder_that_is_no_app_says_what_was_looked_for(owner: Owner) -> None:
    empty = owner.home / "empty"
    empty.mkdir()
    done = owner.run("up", str(empty), "--port", "0")
    assert done.returncode == 1
    assert done.stderr.startswith("error:") or "\nerror:" in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr


def _until_noted(up: Up, text: str) -> None:
    """Wait for a note; those of what was changed before may come first."""
    while up.wait_for("note")["text"] != text:
        pass


def _wait_until(condition: "object", timeout: float = 180) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            if condition():  # type: ignore[operator]
                return
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail("it did not happen in time")
