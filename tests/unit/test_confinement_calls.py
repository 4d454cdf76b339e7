"""The filter of system calls, run as the kernel runs it: every answer, on both kinds of machine."""

import errno
import struct

import pytest

from freehold.kit.confinement import calls

KILLED, ALLOWED = 0x80000000, 0x7FFF0000
MACHINES = tuple(calls.MACHINES.values())


def judged(machine: calls.Machine, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the filter says to a call: an errno, ALLOWED or KILLED."""
    given = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("<IIQ6Q", number, machine.audit if audit is None else audit, 0, *given)
    lines = list(struct.iter_unpack("<HBBI", calls.program(machine)))
    held, at = 0, 0
    while True:
        code, yes, no, value = lines[at]
        at += 1
        match code:
            case 0x20:
                held = struct.unpack_from("<I", data, value)[0]
            case 0x54:
                held &= value
            case 0x06:
                return value & 0xFFFF if value & 0xFFFF0000 == 0x00050000 else value
            case _:
                holds = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[code]
                at += yes if holds else no


@pytest.mark.parametrize("machine", MACHINES, ids=calls.MACHINES)
def test_what_is_looked_at_is_judged_by_its_arguments(machine: calls.Machine) -> None:
    assert judged(machine, machine.clone, 0x3D0F00) == ALLOWED
    assert {judged(machine, machine.clone, flags) for flags in (17, 0x10000011, 0x4111)} == {errno.EPERM}
    assert {judged(machine, machine.mmap, 0, 9, 3, flags) for flags in (0x02, 0x22, 0x4022, 0x01, 0x20022)} == {ALLOWED}
    assert {judged(machine, machine.mmap, 0, 9, 3, flags) for flags in (0x21, 0x4021, 0x40021)} == {errno.EPERM}
    known = [(1, 1, 0), (1, 5, 1), (2, 1, 0), (2, 0x80801, 6), (2, 2, 17), (10, 1, 6), (10, 2, 0)]
    assert {judged(machine, machine.socket, *given) for given in known} == {ALLOWED}
    assert {judged(machine, machine.socket, family, 1) for family in (0, 3, 16, 17, 30, 38, 40)} == {errno.EAFNOSUPPORT}
    assert {judged(machine, machine.socket, 2, 1, other) for other in (1, 33, 132, 262)} == {errno.EPROTONOSUPPORT}
    assert judged(machine, machine.socketpair, 1, 1) == ALLOWED
    assert judged(machine, machine.socketpair, 30, 1) == errno.EAFNOSUPPORT
    assert {judged(machine, machine.setsockopt, 3, 1, name) for name in (7, 8)} == {0}
    assert {judged(machine, machine.setsockopt, 3, *given) for given in ((1, 2), (1, 9), (6, 7), (0, 8))} == {ALLOWED}


@pytest.mark.parametrize("machine", MACHINES, ids=calls.MACHINES)
def test_no_file_is_made_that_runs_as_its_owner(machine: calls.Machine) -> None:
    for number, place in machine.modes:
        before = [0] * place
        assert {judged(machine, number, *before, mode) for mode in (0o4755, 0o2755, 0o106000)} == {errno.EPERM}
        assert {judged(machine, number, *before, mode) for mode in (0o755, 0o1777, 0o100644)} == {ALLOWED}
    for number, place in machine.opens:
        before = [0] * place
        assert {judged(machine, number, *before, flags, 0o4755) for flags in (0x41, 0x410001)} == {errno.EPERM}
        assert {judged(machine, number, *before, *given) for given in ((0x41, 0o644), (0, 0o4755))} == {ALLOWED}


@pytest.mark.parametrize("machine", MACHINES, ids=calls.MACHINES)
def test_every_call_of_the_list_is_closed_and_new_ones_are_not_there(machine: calls.Machine) -> None:
    assert {judged(machine, number) for number in machine.closed} == {errno.EPERM}
    assert {judged(machine, number) for number in (435, 437, 442, 600, 0x40000027, 0xFFFFFFFF)} == {errno.ENOSYS}
    assert {judged(machine, number) for number in (436, 439, 441)} == {ALLOWED}
    assert judged(machine, 436, audit=0x40000003) == KILLED, "a call of a 32-bit program"
