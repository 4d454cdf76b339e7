import json
import os
import signal
import subprocess
import sys
import threading
import time
from importlib import metadata, resources
from pathlib import Path

import pytest

from freehold.core.errors import ProgramMissing
from freehold.kit import npm_settings, postgres_settings, process, process_output, programs, tool_cache

HERE = {"PATH": os.environ.get("PATH", os.defpath)}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FREEHOLD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_node_comes_with_an_npm_that_runs_from_a_path(cache: Path) -> None:
    node = programs.node()
    for name in ("node", "npm", "npx"):
        ended = process.run([name, "--version"], environment={"PATH": str(node.bin)}, timeout_seconds=60)
        assert ended.ok, (name, ended.lines)
    assert process.run([*node.npm, "--version"], environment=HERE, timeout_seconds=60).ok
    assert node.bin.is_relative_to(cache)


def test_an_old_node_of_the_system_does_not_run_an_apps_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, version in (("node", "v20.19.0"), ("npm", "10.8.2")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs.metadata, "distribution", _no_wheel)
    assert programs.node().node == tmp_path / "node"
    with pytest.raises(ProgramMissing, match=r"needs Node 22\.13") as caught:
        programs.server_node()
    assert "20.19" in caught.value.detail


def _no_wheel(name: str) -> metadata.Distribution:
    raise metadata.PackageNotFoundError(name)


def test_deno_is_new_enough() -> None:
    assert programs.server_node() == programs.node().node
    ended = process.run([str(programs.deno()), "--version"], environment=HERE, timeout_seconds=60)
    assert ended.lines[0].startswith("deno 2.")


def test_psql_runs() -> None:
    assert process.run([str(programs.psql()), "--version"], environment=HERE, timeout_seconds=60).ok


def test_strangers_code_at_build_time_sees_no_variable_of_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    kept = {
        "PATH": "/bin",
        "LANG": "de_DE.UTF-8",
        "LC_ALL": "C.UTF-8",
        "HTTPS_PROXY": "http://proxy:3128",
        "no_proxy": "localhost",
        "NODE_EXTRA_CA_CERTS": "/ca.pem",
        "SSL_CERT_FILE": "/ca.pem",
        "SSL_CERT_DIR": "/ca",
        "npm_config_registry": "https://npm.example.test/",
    }
    private = {"AWS_SECRET_ACCESS_KEY": "x", "NPM_TOKEN": "x", "npm_config_userconfig": "/x", "NODE_OPTIONS": "--x"}
    for name, value in (kept | private | {"HOME": "/home/owner"}).items():
        monkeypatch.setenv(name, value)
    assert process.build_environment(tmp_path) == kept | {"HOME": str(tmp_path), "DENO_TLS_CA_STORE": "system"}


def test_only_the_registry_comes_along_from_an_npmrc(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text(
        "//npm.example.test/:_authToken=token\n@own:registry=https://own.test/\nregistry = https://npm.${ZONE}.test/\n"
    )
    assert npm_settings.registry({"HOME": str(tmp_path), "ZONE": "example"}) == "https://npm.example.test/"
    assert npm_settings.registry({"HOME": "/", "NPM_CONFIG_USERCONFIG": str(tmp_path / ".npmrc")}).startswith(
        "https://npm"
    )
    assert npm_settings.registry({"HOME": str(tmp_path), "npm_config_registry": "https://a.test/"}) == "https://a.test/"
    assert npm_settings.registry({"HOME": str(tmp_path / "none")}) == ""


@pytest.mark.parametrize("tool", ["postgres", "pnpm", "bun", "yarn", "nft"])
def test_lock_files_pin_every_package_and_name_no_server(tool: str) -> None:
    text = resources.files("freehold.kit.tools").joinpath(tool, "package-lock.json").read_text()
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert packages
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert "resolved" not in text


def test_an_installation_that_fails_leaves_nothing_behind(cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise ProgramMissing("no network")

    with pytest.raises(ProgramMissing):
        tool_cache.installed("tool", fail)
    assert [path.name for path in cache.iterdir() if path.suffix != ".lock"] == []


def test_an_installation_that_was_killed_half_way_is_done_again(cache: Path) -> None:
    script = (
        "import os, signal; from freehold.kit import tool_cache\n"
        "def die(folder): (folder / 'half').write_text(''); os.kill(os.getpid(), signal.SIGKILL)\n"
        "tool_cache.installed('tool', die)"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not (cache / "tool").exists()
    folder = tool_cache.installed("tool", lambda new: (new / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]
    assert sorted(path.name for path in cache.iterdir()) == ["tool", "tool.lock"]


def test_of_two_installations_at_once_one_installs_and_both_have_it(cache: Path) -> None:
    calls: list[Path] = []

    def slow(folder: Path) -> None:
        calls.append(folder)
        time.sleep(0.2)

    threads = [threading.Thread(target=tool_cache.installed, args=("tool", slow)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert (cache / "tool").is_dir()


def test_an_installed_program_can_be_used_by_every_user_whatever_the_umask(cache: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "bin").mkdir(mode=0o700)
        (folder / "bin/run").touch(mode=0o700)
        (folder / "text").touch(mode=0o600)

    before = os.umask(0o077)
    try:
        folder = tool_cache.installed("tool", fill)
    finally:
        os.umask(before)
    modes = {str(path.relative_to(cache)): path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
    assert modes == {"tool": 0o755, "tool/bin": 0o755, "tool/bin/run": 0o755, "tool/text": 0o644}


def test_a_cache_that_others_can_write_is_refused(cache: Path) -> None:
    cache.mkdir()
    cache.chmod(0o777)
    with pytest.raises(ProgramMissing, match="can be written by others"):
        tool_cache.folder()


def test_without_the_registry_the_error_says_what_npm_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1/")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ProgramMissing) as caught:
        programs.pnpm()
    assert "ECONNREFUSED" in caught.value.detail
    assert "npm_config_registry" in caught.value.hint
    assert not list(cache.glob("pnpm-*[0-9a-f]/"))


def test_lines_reach_the_caller_and_the_log_while_the_program_runs(tmp_path: Path) -> None:
    lines: list[str] = []
    ended = process.run(
        ["sh", "-c", "cat; echo err >&2; printf no-newline; exit 3"],
        environment=HERE,
        timeout_seconds=30,
        stdin=b"one\ntwo\n",
        log=tmp_path / "log",
        on_line=lines.append,
    )
    assert ended == process.Ended(code=3, lines=("one", "two", "err", "no-newline"))
    assert lines == list(ended.lines)
    assert (tmp_path / "log").read_text() == "one\ntwo\nerr\nno-newline"
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0


def test_a_program_that_takes_too_long_is_killed_with_all_it_started() -> None:
    ended = process.run(["sh", "-c", "sleep 600 & echo $!; wait"], environment=HERE, timeout_seconds=1)
    assert ended.timed_out
    assert not ended.ok
    _wait_until(lambda: not _alive(int(ended.lines[0])))


def test_what_a_program_leaves_running_is_killed_and_not_waited_for() -> None:
    ended = process.run(["sh", "-c", "sleep 600 & echo $!"], environment=HERE, timeout_seconds=300)
    assert ended.ok
    _wait_until(lambda: not _alive(int(ended.lines[0])))


def test_a_program_that_closes_its_streams_is_still_waited_for() -> None:
    ended = process.run(["sh", "-c", "echo a; exec >&- 2>&-; sleep 0.3; exit 4"], environment=HERE, timeout_seconds=300)
    assert ended == process.Ended(code=4, lines=("a",))


def test_a_callback_that_fails_ends_the_program() -> None:
    seen: list[str] = []

    def fail(line: str) -> None:
        seen.append(line)
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        process.run(["sh", "-c", "echo $$; sleep 600"], environment=HERE, timeout_seconds=300, on_line=fail)
    assert not _alive(int(seen[0]))


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ProgramMissing, match="no-such-program"):
        process.run(["no-such-program"], environment=HERE, timeout_seconds=1)


def test_a_long_line_without_an_end_does_not_fill_the_memory() -> None:
    ended = process.run(["sh", "-c", "head -c 3000000 /dev/zero"], environment=HERE, timeout_seconds=30)
    assert ended.ok
    assert max(map(len, ended.lines)) <= 2 * process_output.LONGEST_LINE_BYTES


def test_a_child_gets_its_signal_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from freehold.kit import process\n"
        "child = process.start(['sleep', '600'], environment=process.own_environment(), log=Path(sys.argv[1]))\n"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert _alive(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _wait_until(lambda: not _alive(child))


def test_a_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    children: list[process.Child] = []

    def start() -> None:
        children.append(process.start(["sleep", "600"], environment=HERE, log=tmp_path / "log"))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert children[0].wait(0.5) is None
    assert children[0].stop(10) == -signal.SIGTERM


def test_settings_are_quoted_and_the_owners_come_last() -> None:
    text = postgres_settings.render(
        major=18, port=5433, socket_folder=Path("/it's"), extra={"fsync": "off", "application_name": "a\\b"}
    )
    assert "unix_socket_directories = '/it''s'" in text
    assert "fsync = 'off'" in text
    assert "application_name = 'a\\\\b'" in text
    assert "io_method" not in postgres_settings.render(major=15, port=1, socket_folder=None, extra={})


def test_a_socket_path_that_is_too_long_is_not_tried() -> None:
    assert postgres_settings.socket_folder_fits(Path("/tmp/short"))
    assert not postgres_settings.socket_folder_fits(Path("/tmp") / ("x" * 100))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait_until(condition: object, seconds: float = 10) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
