"""The files that a confined program sees: the interpreter, libraries, certificates, and what it is given."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from freehold.kit.confinement import Confinement, kernel

USER = 1000
_SYSTEM = (
    "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/lib", "/lib32", "/lib64",
    "/usr/share/zoneinfo", "/usr/share/ca-certificates", "/usr/share/pki",
    "/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted",
    "/etc/ld.so.cache", "/etc/mime.types", "/etc/localtime",
)  # fmt: skip
_TEMPORARY = "/tmp"  # noqa: S108 - the program's own
_DEVICES = ("null", "full", "random", "urandom")
"""Not zero: what is mapped of it is memory that counts for nobody."""
_TEXTS = {
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "/etc/passwd": f"app:x:{USER}:{USER}:app:/tmp:/bin/false\n",
    "/etc/group": f"app:x:{USER}:\n",
}
EXECUTABLE = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
"""The interpreter itself: the links that lead to it are not in the root."""
_GIVEN = kernel.READ_ONLY | kernel.NO_SUID | kernel.NO_DEVICES
_WRITABLE = kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_EXEC
_MEMORY = kernel.MS_NOSUID | kernel.MS_NODEV


def enter(given: Confinement) -> None:
    """Build the root in a mount namespace of its own, and enter it for good."""
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.keep_mounts_private()
    # Before the root covers `work`: each is a copy that no longer needs its path.
    mounts = [(kernel.copied_mount(source, _GIVEN), target, Path(source).is_dir()) for source, target in _all(given)]
    mounts += [(kernel.copied_mount(source, _WRITABLE), target, True) for source, target in given.writable]
    # They are written to all the same; the program may own them, and must not change who else may.
    devices = kernel.READ_ONLY | kernel.NO_EXEC | kernel.NO_SUID
    mounts += [(kernel.copied_mount(f"/dev/{name}", devices), f"/dev/{name}", False) for name in _DEVICES]
    kernel.mount_memory(given.work, megabytes=4, flags=_MEMORY | kernel.MS_NOEXEC)
    for path, text in _TEXTS.items():
        _make_file(given.work + path).write_text(text)
    for tree, target, is_folder in mounts:
        place = given.work + target
        if is_folder:
            Path(place).mkdir(parents=True, exist_ok=True)
        else:
            _make_file(place)
        kernel.attach(tree, place)
    _make_temporary(given)
    kernel.enter_root(given.work)
    kernel.make_read_only("/")


def _all(given: Confinement) -> Iterator[tuple[str, str]]:
    """What is there of the system, and what is given; each once, and nothing below another."""
    seen: set[str] = set()
    system = (*_SYSTEM, str(Path(sys.base_prefix, "lib")), EXECUTABLE)
    for source, target in (*((path, path) for path in system if Path(path).exists()), *given.binds):
        if not any(target == other or target.startswith(other + "/") for other in seen):
            seen.add(target)
            yield os.path.realpath(source), target


def _make_file(path: str) -> Path:
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()
    return place


def _make_temporary(given: Confinement) -> None:
    place = Path(given.work + _TEMPORARY)
    place.mkdir()
    kernel.mount_memory(str(place), megabytes=given.temporary_megabytes, flags=_MEMORY | kernel.MS_NOEXEC)
    # libc keeps semaphores in a folder of this name.
    Path(given.work, "dev", "shm").symlink_to(_TEMPORARY)
