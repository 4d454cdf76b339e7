"""A bare Debian server of our own: a root by mmdebstrap, started by systemd-nspawn, reached by SSH only.

It stands in a network namespace and has no route to anywhere. What `apt-get install` wants there comes from files
inside the root, so that the real package manager does its real work. The root is made once and kept in the user's
cache folder.
"""

import contextlib
import functools
import hashlib
import inspect
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from owner import Owner

from freehold.kit import ssh

BASE = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "iproute2",
    "ca-certificates",
    "apt",
    "libpam-systemd",
    "sudo",
)
LATER = ("python3", "caddy", "postgresql", "postgresql-contrib", "age")
"""What `freehold server add` installs: it waits in the repository."""
LEAN = ("path-exclude=/usr/share/doc/*", "path-exclude=/usr/share/man/*", "path-exclude=/usr/share/locale/*")
SUITE = "bookworm"
BOOT_SECONDS = 120.0
SHUTDOWN_SECONDS = 300.0
"""systemd gives a session manager that does not end two minutes before it kills it."""
PROGRAMS = ("mmdebstrap", "systemd-nspawn", "ip", "ssh", "ssh-keygen", "tar", "dpkg-deb")


def missing() -> str:
    """Say why this machine cannot start a server; "" when it can."""
    if os.geteuid() != 0:
        return "a server is started as root, and this is not root"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if not os.access("/sys/fs/cgroup", os.W_OK):
        return "the cgroup tree cannot be written"
    return ""


@dataclass
class Server:
    """A running machine, or one that can be started."""

    root: Path
    namespace: str
    address: str
    folder: Path
    """Outside of the machine: key, client configuration, console."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def ssh_config(self) -> Path:
        return self.folder / "ssh_config"

    def start(self) -> None:
        """Boot it, and wait until its sshd answers."""
        options = ["--register=no", "--keep-unit", f"--network-namespace-path=/run/netns/{self.namespace}"]
        with (self.folder / "console.log").open("ab") as console:
            self.process = subprocess.Popen(
                ["systemd-nspawn", "-q", "-D", str(self.root), f"--machine={self.namespace}", *options, "-b"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        deadline = time.monotonic() + BOOT_SECONDS
        while self.run("true", check=False).returncode != 0:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError((self.folder / "console.log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def reboot(self) -> None:
        """Ask for a reboot; with --keep-unit the container ends, and is started again like a machine would be."""
        self.run("systemctl reboot", check=False)
        assert self.process is not None
        self.process.wait(SHUTDOWN_SECONDS)
        self.start()

    def stop(self) -> None:
        """Cut the power."""
        if self.process is not None and self.process.poll() is None:
            # The machine is what nspawn has started: killed alone, nspawn would leave it running.
            for machine in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
                os.kill(int(machine), signal.SIGKILL)
            self.process.kill()
            self.process.wait()
        self.process = None

    def run(self, command: str, *, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a shell command there as root, as a test that looks from outside."""
        ended = subprocess.run(
            ["ssh", "-F", str(self.ssh_config), self.address, command],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if check and ended.returncode != 0:
            raise AssertionError(f"{command}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}")
        return ended


@contextlib.contextmanager
def bare_server(number: int = 1) -> Iterator[Server]:
    """Give a booted server that nothing was ever done to; it is gone afterwards. Where none can be started, skip."""
    reason = missing()
    if reason:
        pytest.skip(f"no server can be started here: {reason}")
    image = root_image()
    namespace, subnet = f"fh{os.getpid() % 100000}n{number}", f"10.{70 + number}.{os.getpid() % 250 + 1}"
    folder = Path(tempfile.mkdtemp(prefix="fh-server-"))
    server = Server(root=folder / "root", namespace=namespace, address=f"{subnet}.2", folder=folder)
    try:
        server.root.mkdir()
        _do("tar", "-C", str(server.root), "-xf", str(image))
        _give_identity(server)
        _hasten(server)
        _connect(namespace, subnet)
        server.start()
        yield server
    finally:
        server.stop()
        _do("ip", "netns", "delete", namespace, check=False)
        _do("ip", "link", "delete", f"{namespace}a"[:15], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def owner_of(server: Server) -> Owner:
    """Somebody with an empty home who may log in there."""
    home = server.folder / "home"
    home.mkdir()
    environment = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "NO_COLOR": "1"}
    environment |= {"XDG_CONFIG_HOME": str(home / "config"), ssh.CONFIG_VARIABLE: str(server.ssh_config)}
    (home / "cache").mkdir()
    (home / "cache/freehold").symlink_to(cache())
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FREEHOLD")}
    return Owner(home, {**inherited, **environment, "XDG_CACHE_HOME": str(home / "cache")})


def cache() -> Path:
    """Where roots and wheels are kept from one run to the next."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "freehold-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@functools.cache
def root_image() -> Path:
    """Give the tarball of the bare root, made on the first call of any run."""
    recipe = hashlib.sha256(
        repr((BASE, LATER, LEAN, SUITE, _INDEX, inspect.getsource(_make_image))).encode()
    ).hexdigest()[:12]
    image = cache() / f"server-{SUITE}-{recipe}.tar"
    if not image.exists():
        with tempfile.TemporaryDirectory(dir=cache()) as folder:
            made = _make_image(Path(folder))
            made.rename(image)
    return image


def _make_image(folder: Path) -> Path:
    """Make the root, then lay what is installed later beside it as a repository of files."""
    image, indexer = folder / "root.tar", folder / "index"
    indexer.write_text(_INDEX)
    indexer.chmod(0o755)
    later = " ".join(LATER)
    hooks = (
        f'chroot "$1" apt-get install --download-only -y --no-install-recommends {later}',
        'mkdir -p "$1/srv/packages" && mv "$1"/var/cache/apt/archives/*.deb "$1/srv/packages/"',
        f'{indexer} "$1/srv/packages"',
        'echo "deb [trusted=yes] file:/srv/packages ./" > "$1/etc/apt/sources.list"',
        'rm -f "$1"/etc/apt/sources.list.d/* "$1"/var/lib/apt/lists/*Packages* "$1"/etc/ssh/ssh_host_*; true',
        'echo force-unsafe-io > "$1/etc/dpkg/dpkg.cfg.d/test"',
        'printf "127.0.0.1 localhost\\n" > "$1/etc/hosts"',
    )
    options = [f"--dpkgopt={item}" for item in LEAN] + [f"--customize-hook={hook}" for hook in hooks]
    _do("mmdebstrap", "--variant=minbase", f"--include={','.join(BASE)}", *options, SUITE, str(image))
    return image


_INDEX = """#!/bin/sh
# Write the index of a folder of packages, as apt wants it.
cd "$1" || exit 1
for file in *.deb; do
  dpkg-deb -f "$file"
  echo "Filename: ./$file"
  echo "Size: $(stat -c %s "$file")"
  echo "SHA256: $(sha256sum "$file" | cut -d' ' -f1)"
  echo
done > Packages
"""


def _give_identity(server: Server) -> None:
    """Keys for the machine and for whoever comes from outside; the client trusts exactly this machine."""
    key, host_key = server.folder / "key", server.root / "etc/ssh/ssh_host_ed25519_key"
    for path in (key, host_key):
        _do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path))
    authorized = server.root / "root/.ssh/authorized_keys"
    authorized.parent.mkdir(mode=0o700, exist_ok=True)
    authorized.write_text(key.with_suffix(".pub").read_text())
    (server.root / "etc/hostname").write_text("server\n")
    known = server.folder / "known_hosts"
    known.write_text("")
    server.ssh_config.write_text(
        f"Host *\n  User root\n  IdentityFile {key}\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n"
        "  StrictHostKeyChecking accept-new\n  LogLevel ERROR\n  ConnectTimeout 30\n"
    )


def _hasten(server: Server) -> None:
    """Kill a session manager that does not end after seconds, not minutes.

    In a container it sometimes does not, and whoever logs in meanwhile waits for it, as a shutdown does.
    """
    note = server.root / "etc/systemd/system/user@.service.d/hasten.conf"
    note.parent.mkdir(parents=True)
    note.write_text("[Service]\nTimeoutStopSec=3s\n")


def _connect(namespace: str, subnet: str) -> None:
    """A cable between this machine and the namespace, and no way from there to anywhere else."""
    outer, inner = f"{namespace}a"[:15], f"{namespace}b"[:15]
    _do("ip", "netns", "add", namespace)
    _do("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", namespace)
    _do("ip", "address", "add", f"{subnet}.1/24", "dev", outer)
    _do("ip", "link", "set", outer, "up")
    _do("ip", "-n", namespace, "address", "add", f"{subnet}.2/24", "dev", inner)
    _do("ip", "-n", namespace, "link", "set", inner, "up")
    _do("ip", "-n", namespace, "link", "set", "lo", "up")


def _do(*argv: str, check: bool = True) -> None:
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=900, check=False)
    if check and ended.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: {ended.returncode}\n{ended.stderr[-3000:]}")
