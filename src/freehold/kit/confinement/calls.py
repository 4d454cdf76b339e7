"""Which system calls a confined program may not make, as the kernel's filter program.

Closed are those that start processes, look into or act on other processes, make namespaces and mounts, load code into
the kernel, hold memory or means of the whole machine that count for nobody, open sockets of families and protocols
that nobody needs, and all that are newer than this list. The numbers are the kernel's, from asm/unistd.h of each
machine.
"""

import errno
import struct
from collections.abc import Mapping
from dataclasses import dataclass

CLONE_THREAD = 0x00010000
MAP_SHARED, MAP_ANONYMOUS, _MAP_TYPE = 0x01, 0x20, 0x0F
UNIX, INET, INET6 = 1, 2, 10
TCP, UDP = 6, 17
CREATES, RUNS_AS_ITS_OWNER = 0x400040, 0o6000
"""O_CREAT and O_TMPFILE of an open, the bits for another user and group of a mode."""
SOCKET_LEVEL, SEND_BUFFER, RECEIVE_BUFFER = 1, 7, 8
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _KEEP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER, _MACHINE = 0, 4
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_FIRST_UNKNOWN = 442
"""mount_setattr; from here on, and for x86-64's second table of numbers, libraries have to do without."""
_CLONE3, _OPENAT2 = 435, 437
_EVERYWHERE = (*range(424, 435), 438, 440)
"""pidfd_send_signal, io_uring, the calls for mounts (open_tree to fspick), pidfd_open, pidfd_getfd, process_madvise."""
_CLOSED = """
fork 57 -  vfork 58 -  ptrace 101 117  process_vm_readv 310 270  process_vm_writev 311 271  kcmp 312 272
unshare 272 97  setns 308 268  mount 165 40  umount2 166 39  pivot_root 155 41  chroot 161 51
bpf 321 280  perf_event_open 298 241  userfaultfd 323 282  add_key 248 217  request_key 249 218  keyctl 250 219
memfd_create 319 279  shmget 29 194  semget 64 190  msgget 68 186  mq_open 240 180  io_setup 206 0
inotify_init 253 -  inotify_init1 294 26  fanotify_init 300 262  sync 162 81  syncfs 306 267
kexec_load 246 104  kexec_file_load 320 294  init_module 175 105  finit_module 313 273  delete_module 176 106
reboot 169 142  swapon 167 224  swapoff 168 225  acct 163 89  quotactl 179 60  vhangup 153 58  syslog 103 116
name_to_handle_at 303 264  open_by_handle_at 304 265  personality 135 92
move_pages 279 239  migrate_pages 256 238  vmsplice 278 75  iopl 172 -  ioperm 173 -  modify_ldt 154 -  uselib 134 -
"""
"""Each with its number on x86-64 and on aarch64."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A processor's calls by number: those whose arguments are looked at, and those that are closed."""

    audit: int
    clone: int
    mmap: int
    socket: int
    socketpair: int
    setsockopt: int
    opens: tuple[tuple[int, int], ...]
    """With the place of the flags among the arguments; the mode follows."""
    modes: tuple[tuple[int, int], ...]
    """chmod and its like, with the place of the mode."""
    closed: tuple[int, ...]


def _closed(column: int) -> tuple[int, ...]:
    words = _CLOSED.split()
    return (*(int(word) for word in words[column::3] if word != "-"), *_EVERYWHERE)


MACHINES: Mapping[str, Machine] = {
    "x86_64": Machine(
        audit=0xC000003E, clone=56, mmap=9, socket=41, socketpair=53, setsockopt=54, closed=_closed(1),
        opens=((2, 1), (257, 2)), modes=((85, 1), (90, 1), (91, 1), (133, 1), (259, 2), (268, 2)),
    ),
    "aarch64": Machine(
        audit=0xC00000B7, clone=220, mmap=222, socket=198, socketpair=199, setsockopt=208, closed=_closed(2),
        opens=((56, 2),), modes=((52, 1), (53, 2), (33, 2)),
    ),
}  # fmt: skip
"""Of the modes: creat, chmod, fchmod, mknod, mknodat, fchmodat; aarch64 has those alone that are left."""


def program(machine: Machine) -> bytes:
    """Assemble the filter for prctl(PR_SET_SECCOMP)."""
    lines = [
        _line(_LOAD, _MACHINE),
        _line(_EQUAL, machine.audit, yes=1),
        _line(_RETURN, _KILL),
        _line(_LOAD, _NUMBER),
        _line(_AT_LEAST, _FIRST_UNKNOWN, no=1),
        _refuse(errno.ENOSYS),
        # What these are asked for cannot be seen; without them libc uses older ones.
        *_for(_CLONE3, _refuse(errno.ENOSYS)),
        *_for(_OPENAT2, _refuse(errno.ENOSYS)),
        *_for(machine.clone, *_threads_alone()),
        *_for(machine.mmap, *_no_shared_memory()),
        *_for(machine.socket, *_known_sockets()),
        *_for(machine.socketpair, _argument(0), _line(_EQUAL, UNIX, no=1), _ALLOWED, _refuse(errno.EAFNOSUPPORT)),
        *_for(machine.setsockopt, *_buffers_as_they_are()),
    ]
    for number, flags in machine.opens:
        lines += _for(number, _argument(flags), _line(_ANY_BIT, CREATES, no=3), *_plain_mode(flags + 1))
    for number, mode in machine.modes:
        lines += _for(number, *_plain_mode(mode))
    for number in machine.closed:
        lines += _for(number, _refuse(errno.EPERM))
    return b"".join((*lines, _ALLOWED))


def _threads_alone() -> tuple[bytes, ...]:
    """Threads may be started, processes not."""
    return (_argument(0), _line(_ANY_BIT, CLONE_THREAD, no=1), _ALLOWED, _refuse(errno.EPERM))


def _no_shared_memory() -> tuple[bytes, ...]:
    """Memory of no file that others could share stays when it is unmapped in part, and then counts for nobody."""
    return (
        _argument(3),
        _line(_ANY_BIT, MAP_ANONYMOUS, no=3),
        _line(_KEEP_BITS, _MAP_TYPE),
        _line(_EQUAL, MAP_SHARED, no=1),
        _refuse(errno.EPERM),
        _ALLOWED,
    )


def _known_sockets() -> tuple[bytes, ...]:
    """Unix sockets, TCP and UDP: asking for another one makes the kernel load what it has of it."""
    return (
        _argument(0),
        _line(_EQUAL, UNIX, yes=7),
        _line(_EQUAL, INET, yes=2),
        _line(_EQUAL, INET6, yes=1),
        _refuse(errno.EAFNOSUPPORT),
        _argument(2),
        _line(_EQUAL, 0, yes=2),
        _line(_EQUAL, TCP, yes=1),
        _line(_EQUAL, UDP, no=1),
        _ALLOWED,
        _refuse(errno.EPROTONOSUPPORT),
    )


def _buffers_as_they_are() -> tuple[bytes, ...]:
    """What waits in sockets counts for nobody. Programs ask for more as a favour: they are told that it is done."""
    return (
        _argument(1),
        _line(_EQUAL, SOCKET_LEVEL, no=4),
        _argument(2),
        _line(_EQUAL, SEND_BUFFER, yes=1),
        _line(_EQUAL, RECEIVE_BUFFER, no=1),
        _refuse(0),
        _ALLOWED,
    )


def _plain_mode(index: int) -> tuple[bytes, ...]:
    """Outside of the confinement, a file that runs as its owner would run as ours."""
    return (_argument(index), _line(_ANY_BIT, RUNS_AS_ITS_OWNER, no=1), _refuse(errno.EPERM), _ALLOWED)


def _for(number: int, *block: bytes) -> tuple[bytes, ...]:
    """What is decided for one call: `block` ends with a decision on every way, as the number is gone behind it."""
    return (_line(_EQUAL, number, no=len(block)), *block)


def _argument(index: int) -> bytes:
    """Look at an argument's lower half."""
    return _line(_LOAD, 16 + 8 * index)


def _refuse(number: int) -> bytes:
    return _line(_RETURN, _REFUSE | number)


def _line(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)


_ALLOWED = _line(_RETURN, _ALLOW)
