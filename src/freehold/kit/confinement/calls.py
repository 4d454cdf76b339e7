"""Which system calls a confined program may not make, as the kernel's filter program.

Closed are those that start processes, look into or act on other processes, make namespaces and mounts, load code into
the kernel, hold memory that counts for nobody, or open sockets of families that no namespace holds (a virtual
machine's vsock among them). The numbers are the kernel's, from asm/unistd.h of each machine.
"""

import errno
import struct
from collections.abc import Mapping
from dataclasses import dataclass

CLONE_THREAD = 0x00010000
UNIX, INET, INET6 = 1, 2, 10
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_SECOND_TABLE = 0x40000000
"""Bit of x86-64's x32 calls, which are the same under other numbers."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A processor's calls by number."""

    audit: int
    clone: int
    socket: int
    closed: tuple[int, ...]


_EVERYWHERE = (*range(424, 434), 438, 440, 442, 447, 448, 467)
"""pidfd_send_signal, io_uring, the calls for mounts (open_tree to fspick), pidfd_getfd, process_madvise,
mount_setattr, memfd_secret, process_mrelease, open_tree_attr."""
_CLONE3 = 435
MACHINES: Mapping[str, Machine] = {
    "x86_64": Machine(
        audit=0xC000003E,
        clone=56,
        socket=41,
        # fork vfork; ptrace process_vm_readv/writev kcmp; unshare setns mount umount2 pivot_root chroot; bpf
        # perf_event_open userfaultfd; add_key request_key keyctl; memfd_create shmget; kexec_load kexec_file_load
        # init_module finit_module delete_module; reboot swapon swapoff acct quotactl; name_to/open_by_handle_at;
        # personality syslog move_pages migrate_pages vmsplice iopl ioperm modify_ldt uselib
        closed=(
            *(
                57,
                58,
                101,
                310,
                311,
                312,
                272,
                308,
                165,
                166,
                155,
                161,
                321,
                298,
                323,
                248,
                249,
                250,
                319,
                29,
                246,
                320,
            ),
            *(175, 313, 176, 169, 167, 168, 163, 179, 303, 304, 135, 103, 279, 256, 278, 172, 173, 154, 134),
        ),
    ),
    "aarch64": Machine(
        audit=0xC00000B7,
        clone=220,
        socket=198,
        closed=(
            *(117, 270, 271, 272, 97, 268, 40, 39, 41, 51, 280, 241, 282, 217, 218, 219, 279, 194, 104, 294),
            *(105, 273, 106, 142, 224, 225, 89, 60, 264, 265, 92, 116, 239, 238, 75),
        ),
    ),
}


def program(machine: Machine) -> bytes:
    """Assemble the filter for prctl(PR_SET_SECCOMP)."""
    lines = [
        _line(_LOAD, _MACHINE),
        _line(_EQUAL, machine.audit, yes=1),
        _line(_RETURN, _KILL),
        _line(_LOAD, _NUMBER),
        _line(_AT_LEAST, _SECOND_TABLE, no=1),
        _refuse(errno.ENOSYS),
        # Threads may be started, processes not. What clone3 is asked for cannot be seen; without it libc uses clone.
        _line(_EQUAL, machine.clone, no=4),
        _line(_LOAD, _FIRST_ARGUMENT),
        _line(_ANY_BIT, CLONE_THREAD, yes=1),
        _refuse(errno.EPERM),
        _line(_RETURN, _ALLOW),
        _line(_EQUAL, _CLONE3, no=1),
        _refuse(errno.ENOSYS),
        _line(_EQUAL, machine.socket, no=6),
        _line(_LOAD, _FIRST_ARGUMENT),
        _line(_EQUAL, UNIX, yes=3),
        _line(_EQUAL, INET, yes=2),
        _line(_EQUAL, INET6, yes=1),
        _refuse(errno.EAFNOSUPPORT),
        _line(_RETURN, _ALLOW),
    ]
    for number in (*machine.closed, *_EVERYWHERE):
        lines += [_line(_EQUAL, number, no=1), _refuse(errno.EPERM)]
    return b"".join((*lines, _line(_RETURN, _ALLOW)))


def _refuse(number: int) -> bytes:
    return _line(_RETURN, _REFUSE | number)


def _line(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)
