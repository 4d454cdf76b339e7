"""The builder's own local server, `base44 dev`: unpacked from npm, without an account, and with nothing to call."""

import base64
import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from functions_world import DENO
from loopback import held_port

from freehold.core.errors import ProgramMissing
from freehold.core.inventory import EdgeFunction
from freehold.kit import npm_settings, programs
from freehold.releases import functions as function_builds
from freehold.runtime.settings import FunctionSettings

VERSION = "0.1.18"
SHA512 = (
    "8447658407a2787377106fdce0aa5337a733d624727de3be825a29ae41a5632d"
    "71ec2221c850e23360b07e17a066926e30f6e88d7ac5a6b2c1ab400547ea1ce2"
)
READY_SECONDS = 90
OWNER = "owner@example.com"
SERVICE = "server@server.com"


class LocalServer:
    """`url` is its origin."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self._log = log

    def code(self) -> str:
        """The newest code that it has printed."""
        return re.findall(r"verification code: (\d{6})", self._log.read_text())[-1]


def token(address: str) -> str:
    """A token as it reads them: the subject is an address, and the signature is not looked at."""
    parts = ({"alg": "none"}, {"sub": address})
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "x"]
    )


@contextlib.contextmanager
def local_server(
    folder: Path, app_id: str, schemas: Mapping[str, dict[str, Any]], functions: Mapping[str, str] | None = None
) -> Iterator[LocalServer]:
    """Run it over these entities and functions; skips the test where npm's registry or Node cannot be had.

    Its own runtime for functions needs packages from jsr.io; the other one that it offers is Deno, which is here.
    """
    package = _package(folder)
    project, home = folder / "project", folder / "home"
    write_functions(project, functions or {})
    _write(project / "base44/config.jsonc", {"name": "App"})
    _write(project / "base44/.app.jsonc", {"id": app_id})
    for name, schema in schemas.items():
        _write(project / f"base44/entities/{name.lower()}.jsonc", schema)
    account = {"accessToken": "a.b.c", "refreshToken": "r", "expiresAt": 4102444800000, "email": OWNER, "name": "owner"}
    _write(home / ".base44/auth/auth.json", account)
    log, node = folder / "dev.log", programs.node()
    environment = os.environ | {
        "HOME": str(home), "BASE44_API_URL": "http://127.0.0.1:9", "BASE44_DISABLE_TELEMETRY": "1", "CI": "1",
        "PATH": os.pathsep.join([str(Path(DENO).parent), node.search_path()]), "B44_DEV_FUNCTIONS_RUNTIME": "deno",
        "DENO_DIR": str(folder / "deno"), "NPM_CONFIG_REGISTRY": npm_settings.registry(os.environ),
        "DENO_NO_UPDATE_CHECK": "1", "DENO_NO_PACKAGE_JSON": "1", "NO_COLOR": "1", "A_SECRET": "hush",
    }  # fmt: skip
    environment = {name: value for name, value in environment.items() if value}
    with held_port() as port:
        with log.open("wb") as output:
            command = [str(node.node), str(package / "bin/run.js"), "dev", "--port", str(port)]
            process = subprocess.Popen(
                command, cwd=project, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        try:
            _wait(process, f"http://127.0.0.1:{port}/api/apps/{app_id}/entities/{next(iter(schemas))}", log)
            yield LocalServer(f"http://127.0.0.1:{port}", log)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # its functions are processes of their own
            process.wait(timeout=30)


def write_functions(project: Path, sources: Mapping[str, str]) -> None:
    """Lay functions out as the builder does."""
    for name, source in sources.items():
        entry = project / f"base44/functions/{name}/entry.ts"
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.write_text(source)


def vendored(folder: Path, sources: Mapping[str, str]) -> tuple[FunctionSettings, ...]:
    """Functions as a release has them, built from their sources."""
    project, artifact = folder / "ours", folder / "artifact"
    write_functions(project, sources)
    found = [
        EdgeFunction(name=name, entry=f"base44/functions/{name}/entry.ts", verify_jwt=False, imports=(), secrets=())
        for name in sorted(sources)
    ]
    function_builds.vendor(project, found, artifact, deno=DENO, report=lambda _: None)
    items: list[dict[str, Any]] = function_builds.settings(artifact)
    return tuple(FunctionSettings(**(item | {"directory": Path(str(item["directory"]))})) for item in items)


def _package(folder: Path) -> Path:
    try:
        node = programs.node()
    except ProgramMissing as missing:
        pytest.skip(f"no Node here: {missing.message} {missing.detail}")
    command = [*node.npm, "pack", f"base44@{VERSION}", "--silent", "--pack-destination", str(folder)]
    environment = os.environ | {"PATH": node.search_path()}
    packed = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=180)
    file = folder / f"base44-{VERSION}.tgz"
    if packed.returncode or not file.exists():
        pytest.skip(f"npm's registry cannot be reached: {packed.stderr.decode()[-300:]}")
    assert hashlib.sha512(file.read_bytes()).hexdigest() == SHA512
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def _wait(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-2000:]
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    pytest.fail(f"base44 dev did not come up: {log.read_text()[-2000:]}")
