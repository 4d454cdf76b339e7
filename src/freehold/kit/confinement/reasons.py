"""Why this machine does not confine a program, and what its owner can do about it."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path

_SWITCHES = (
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "this machine lets only root make user namespaces",
        "kernel.unprivileged_userns_clone=1",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "this machine allows no user namespaces",
        "user.max_user_namespaces=10000",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor takes the rights away that a user namespace brings",
        "kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)
_OPEN = "echo {setting} | sudo tee /etc/sysctl.d/60-freehold.conf && sudo sysctl --system"
"""It has to hold after a reboot, too: a release would not start then."""
_CONTAINER = "inside a container, start it with: --security-opt seccomp=unconfined --security-opt apparmor=unconfined"


def explain(error: Exception) -> Mapping[str, str]:
    """Give `missing` and `hint` for an error of the launcher."""
    if isinstance(error, KeyError):
        return {"missing": f"confinement is made for x86_64 and aarch64, this machine is {error.args[0]}", "hint": ""}
    number = error.errno if isinstance(error, OSError) else 0
    if number == errno.ENOSYS:
        return {"missing": f"Linux {os.uname().release} is too old, 5.14 is needed ({error})", "hint": ""}
    known = closed() if number in (errno.EPERM, errno.EACCES, errno.ENOSPC) else {}
    if known:
        return {"missing": f"{known['missing']} ({error})", "hint": known["hint"]}
    if number in (errno.EPERM, errno.EACCES):
        return {"missing": f"the kernel refuses a namespace ({error})", "hint": _CONTAINER}
    return {"missing": f"its confinement cannot be set up ({error})", "hint": ""}


def closed() -> Mapping[str, str]:
    """Give `missing` and `hint` where a switch of the machine closes namespaces to who is not root; else nothing."""
    for path, value, missing, setting in _SWITCHES:
        if _read(path) == value:
            return {"missing": missing, "hint": _OPEN.format(setting=setting)}
    return {}


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
