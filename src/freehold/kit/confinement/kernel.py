"""The few calls of Linux that Python has no name for. Each raises OSError with what was tried."""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_REC_PRIVATE = 0x4000 | (1 << 18)
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8
"""Of mount_setattr."""
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_MOVE_FROM_DESCRIPTOR = 4
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_PR_SET_SECCOMP, _SECCOMP_FILTER = 22, 2
_CAPABILITIES_3 = 0x20080522
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave the namespaces that this process was in."""
    _check("unshare", _libc.unshare(flags))


def map_user(inner: int) -> None:
    """Be user and group `inner` in the new user namespace, and who we are outside of it."""
    user, group = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{inner} {user} 1"), ("gid_map", f"{inner} {group} 1")):
        Path(f"/proc/self/{name}").write_text(text)


def raise_loopback() -> None:
    """Bring up `lo` of a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def keep_buffers_small() -> None:
    """Bound what waits in TCP's buffers of a new network namespace, where the machine lets it be bounded."""
    for name in ("tcp_rmem", "tcp_wmem"):
        with contextlib.suppress(OSError):
            Path(f"/proc/sys/net/ipv4/{name}").write_text("4096 65536 262144")


def copied_mount(source: str, attributes: int) -> int:
    """Give a descriptor of a copy of what is mounted at `source` and below, with `attributes`."""
    flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_RECURSIVE
    tree = int(_libc.syscall(_OPEN_TREE, _AT_FDCWD, os.fsencode(source), flags))
    _check(f"open_tree {source}", tree)
    _restrict(tree, attributes, _AT_RECURSIVE)
    return tree


def make_read_only(path: str) -> None:
    """Close one mount to writing, not those below it."""
    tree = os.open(path, os.O_PATH | os.O_CLOEXEC)
    _restrict(tree, READ_ONLY, 0)
    os.close(tree)


def _restrict(tree: int, attributes: int, flags: int) -> None:
    wanted = ctypes.create_string_buffer(struct.pack("QQQQ", attributes, 0, 0, 0))
    done = _libc.syscall(_MOUNT_SETATTR, tree, b"", flags | _AT_EMPTY_PATH, wanted, ctypes.c_size_t(32))
    _check("mount_setattr", done)


def attach(tree: int, target: str) -> None:
    """Mount what `copied_mount` gave."""
    flags = _MOVE_FROM_DESCRIPTOR
    _check(f"move_mount {target}", _libc.syscall(_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(target), flags))
    os.close(tree)


def mount_memory(target: str, *, megabytes: int, flags: int) -> None:
    """Mount an empty file system that is kept in memory."""
    options = f"size={megabytes}m,mode=0755,nr_inodes=16384".encode()
    _check(f"mount {target}", _libc.mount(b"freehold", os.fsencode(target), b"tmpfs", ctypes.c_ulong(flags), options))


def keep_mounts_private() -> None:
    """Let no mount made from here on be seen outside, nor the other way round."""
    _check("mount /", _libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC_PRIVATE), None))


def enter_root(root: str) -> None:
    """Make `root` the root, and the one before unreachable."""
    os.chdir(root)
    _check("pivot_root", _libc.pivot_root(b".", b"."))
    _check("umount2", _libc.umount2(b".", _DETACH))
    os.chdir("/")


def drop_capabilities() -> None:
    """Give up every right that being the first user of a namespace brings, for good."""
    header = ctypes.create_string_buffer(struct.pack("Ii", _CAPABILITIES_3, 0))
    _check("capset", _libc.capset(header, ctypes.create_string_buffer(24)))
    _check("no_new_privs", _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def die_with_parent(number: int) -> None:
    """Have the kernel send `number` when the process that started this one ends, however it ends."""
    _check("prctl", _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0))


def filter_calls(program: bytes) -> None:
    """Install a filter of system calls, for this process and all that it becomes."""
    held = ctypes.create_string_buffer(program, len(program))
    described = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(held)))
    _check("seccomp", _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, described, 0, 0))


def _check(what: str, result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
