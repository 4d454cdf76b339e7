"""A way back logs in at its server while the command is still being loaded, and loses no error by that."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from owner import Owner

from freehold.kit import ssh, ssh_client

TARGETS = '[production]\nkind = "server"\naddress = "root@127.0.0.1:1"\napp = "shop"\n'
LOADED = """
import sys
from freehold.cli import ahead
from freehold.flows import server_target

ahead.begin(["2", "--to", "production"])
print("click" in sys.modules, "freehold.core.release" in sys.modules)
opened = server_target.open_target("production", {"address": "root@127.0.0.1:1", "app": "shop"})
print(opened.agent._session is not None)
"""


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    if shutil.which("ssh") is None:
        pytest.skip("not installed: ssh")
    (tmp_path / "freehold").mkdir()
    (tmp_path / "freehold/targets.toml").write_text(TARGETS)
    environment = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "NO_COLOR": "1"}
    return Owner(tmp_path, environment)


def test_the_login_begins_before_the_command_is_loaded_and_is_used_by_it(owner: Owner) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], env=owner.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["False", "False", "True"], done.stderr


def test_why_a_login_failed_that_was_begun_ahead_is_told(owner: Owner) -> None:
    done = owner.run("rollback", "2", "--to", "production")
    assert done.returncode == 1
    assert "root@127.0.0.1:1 cannot be reached by SSH" in done.stderr
    assert "Connection refused" in done.stderr


@pytest.mark.parametrize(
    ("setting", "words", "first"),
    [("", (), True), ("KexAlgorithms ecdh-sha2-nistp256\n", (), False), ("", ("--plan",), False)],
)
def test_the_quicker_key_exchange_is_asked_for_unless_the_owner_has_said_which_or_passwords_go_with_it(
    owner: Owner, setting: str, words: tuple[str, ...], first: bool
) -> None:
    """OpenSSH reads the configuration; a script before it writes down how it was called."""
    usual = subprocess.run(["ssh", "-G", "-F", "none", "x"], capture_output=True, text=True, check=True).stdout
    if "kexalgorithms sntrup761" not in usual:
        pytest.skip("this OpenSSH does not begin with sntrup761")
    (owner.home / "bin").mkdir()
    script = owner.home / "bin/ssh"
    script.write_text(f'#!/bin/sh\necho "$@" >> {owner.home}/calls\nexec {shutil.which("ssh")} "$@"\n')
    script.chmod(0o700)
    (owner.home / "config").write_text(f"Host *\n{setting}")
    owner.environment |= {"PATH": f"{owner.home}/bin:/usr/bin:/bin", ssh.CONFIG_VARIABLE: str(owner.home / "config")}
    owner.run("rollback", "2", "--to", "production", *words)
    logins = [line for line in (owner.home / "calls").read_text().splitlines() if " -M " in line]
    assert len(logins) == 1
    assert ("KexAlgorithms=^curve25519-sha256" in logins[0]) is first


def test_a_client_that_does_not_say_its_settings_is_called_as_it_is(owner: Owner) -> None:
    """Its configuration may ask a program of the owner's, and that may fail."""
    (owner.home / "config").write_text("Host *\nNoSuchSetting yes\n")
    owner.environment |= {ssh.CONFIG_VARIABLE: str(owner.home / "config")}
    done = owner.run("rollback", "2", "--to", "production")
    assert (done.returncode, "cannot be reached by SSH" in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize(("port", "known"), [("", "203.0.113.7"), (":2222", "'[203.0.113.7]:2222'")])
def test_another_host_key_is_forgotten_by_the_name_it_is_kept_under(port: str, known: str) -> None:
    error = ssh_client.unreachable(ssh.parse(f"root@203.0.113.7{port}"), "Host key verification failed.")
    assert error.hint.endswith(f"ssh-keygen -R {known}")


def test_a_laptop_without_an_ssh_client_is_told(owner: Owner) -> None:
    (owner.home / "bin").mkdir()
    owner.environment["PATH"] = str(owner.home / "bin")
    for words in (("rollback", "--to", "production"), ("server", "add", "root@203.0.113.7")):
        done = owner.run(*words)
        assert done.returncode == 1
        assert "error: the OpenSSH client is not there" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--to", "elsewhere"), 1, "there is no target 'elsewhere'"),
        (("--to=elsewhere",), 1, "there is no target 'elsewhere'"),
        (("--to",), 2, "requires an argument"),
        (("two", "--to", "production"), 2, "not a valid integer"),
        (("--help", "--to", "production"), 0, "Give the traffic to release NUMBER"),
    ],
)
def test_what_is_wrong_with_a_command_is_told_by_the_command(
    owner: Owner, words: tuple[str, ...], code: int, told: str
) -> None:
    done = owner.run("rollback", *words)
    assert done.returncode == code
    assert told in done.stdout + done.stderr
