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


_EVERYWHERE = (*range(424, 434), 438, 440, 442, 443, 447, 448, 457, 458, 467)
"""pidfd_send_signal, io_uring, the calls for mounts (open_tree to fspick), pidfd_getfd, process_madvise,
mount_setattr, quotactl_fd, memfd_secret, process_mrelease, statmount, listmount, open_tree_attr."""
_FIRST_UNKNOWN = 470
"""Calls that came after this was written are as if they were not there; x86-64 has old x32 ones among them."""
_CLONE3 = 435
_CLOSED = """
fork 57 -  vfork 58 -  ptrace 101 117  process_vm_readv 310 270  process_vm_writev 311 271  kcmp 312 272
unshare 272 97  setns 308 268  mount 165 40  umount2 166 39  pivot_root 155 41  chroot 161 51
bpf 321 280  perf_event_open 298 241  userfaultfd 323 282  add_key 248 217  request_key 249 218  keyctl 250 219
memfd_create 319 279  shmget 29 194  kexec_load 246 104  kexec_file_load 320 294
init_module 175 105  finit_module 313 273  delete_module 176 106  reboot 169 142  swapon 167 224  swapoff 168 225
acct 163 89  quotactl 179 60  name_to_handle_at 303 264  open_by_handle_at 304 265  fanotify_init 300 262
vhangup 153 58  personality 135 92  syslog 103 116  move_pages 279 239  migrate_pages 256 238  vmsplice 278 75
iopl 172 -  ioperm 173 -  modify_ldt 154 -  uselib 134 -
"""
"""Each with its number on x86-64 and on aarch64."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A processor's calls by number."""

    audit: int
    clone: int
    socket: int
    closed: tuple[int, ...]


def _closed(column: int) -> tuple[int, ...]:
    words = _CLOSED.split()
    return (*(int(word) for word in words[column::3] if word != "-"), *_EVERYWHERE)


MACHINES: Mapping[str, Machine] = {
    "x86_64": Machine(audit=0xC000003E, clone=56, socket=41, closed=_closed(1)),
    "aarch64": Machine(audit=0xC00000B7, clone=220, socket=198, closed=_closed(2)),
}


def program(machine: Machine) -> bytes:
    """Assemble the filter for prctl(PR_SET_SECCOMP)."""
    lines = [
        _line(_LOAD, _MACHINE),
        _line(_EQUAL, machine.audit, yes=1),
        _line(_RETURN, _KILL),
        _line(_LOAD, _NUMBER),
        _line(_AT_LEAST, _FIRST_UNKNOWN, no=1),
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
    for number in machine.closed:
        lines += [_line(_EQUAL, number, no=1), _refuse(errno.EPERM)]
    return b"".join((*lines, _line(_RETURN, _ALLOW)))


def _refuse(number: int) -> bytes:
    return _line(_RETURN, _REFUSE | number)


def _line(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)
