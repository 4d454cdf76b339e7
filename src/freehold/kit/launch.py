"""Become another program whose life ends with its parent's.

Usage: python -I -S launch.py PARENT SIGNAL UID:GID:NAME|- PROGRAM [ARGUMENT...]

Runs between fork and the program, in a fresh single-threaded interpreter: calling prctl in the forked copy of a
process with threads could deadlock. The order matters: the kernel forgets the signal when the user changes.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
CANNOT_START = 127


def main() -> None:
    """Change the user, tie the process to its parent, and become the program."""
    parent, number, identity, *argv = sys.argv[1:]
    if identity != "-":
        uid, gid, name = identity.split(":", 2)
        os.initgroups(name, int(gid))
        os.setgid(int(gid))
        os.setuid(int(uid))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != int(parent):
        sys.exit("the parent has ended")
    try:
        os.execvpe(argv[0], argv, os.environ)  # noqa: S606 - a list, no shell
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        sys.exit(CANNOT_START)


if __name__ == "__main__":
    main()
