"""The system's OpenSSH client: what it is called with, what its configuration says, and what its errors mean."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import BadUsage, ProgramMissing, TargetUnreachable

CONNECT_WITHIN_SECONDS = 20
ALIVE_EVERY_SECONDS = 5
ALIVE_MISSES = 6
CONFIG_VARIABLE = "FREEHOLD_SSH_CONFIG"
"""A client configuration to use instead of ~/.ssh/config, for those who keep one apart."""
_ADDRESS = re.compile(
    r"(?:(?P<user>[a-z_][a-z0-9_-]{0,31})@)?(?P<host>[A-Za-z0-9][A-Za-z0-9._-]{0,252}|\[[0-9a-fA-F:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_COMPARE = "the machine shows another host key than before: compare it, then ssh-keygen -R {known}"
_UP = "check that the machine is up and lets SSH in"
_EXPLAINED = {
    "Host key verification failed": _COMPARE,
    "REMOTE HOST IDENTIFICATION": _COMPARE,
    "Permission denied": "let your key in there first: ssh-copy-id {port}{login}",
    "Could not resolve": "check the name",
    "Connection refused": _UP,
    "timed out": _UP,
    "No route to host": "check the address and the network",
}


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where to log in: user@host:port, where only the host has to be said."""

    host: str
    user: str = ""
    port: int = 0

    def __str__(self) -> str:
        """Write it as it is typed."""
        return f"{self.user}@{self.host}".lstrip("@") + (f":{self.port}" if self.port else "")


def parse(text: str) -> Address:
    """Read user@host:port; raises BadUsage for what could be taken for anything else."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"] or 0) > 65535:  # noqa: PLR2004 - the highest port
        raise BadUsage(f"{text!r} is no address of a machine", hint="user@host or user@host:port")
    host = match["host"].strip("[]")
    return Address(host=host, user=match["user"] or "", port=int(match["port"] or 0))


def options(address: Address) -> list[str]:
    """What every call of the client has; the host comes after it."""
    given = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_WITHIN_SECONDS}", "-o", "ControlPersist=no"]
    given += ["-o", f"ServerAliveInterval={ALIVE_EVERY_SECONDS}", "-o", f"ServerAliveCountMax={ALIVE_MISSES}"]
    if os.environ.get(CONFIG_VARIABLE):
        given += ["-F", os.environ[CONFIG_VARIABLE]]
    if address.user:
        given += ["-l", address.user]
    return given + (["-p", str(address.port)] if address.port else [])


def quicker_options(address: Address) -> list[str]:
    """Put X25519 first where the client's own default is sntrup761, whose keys take OpenSSH 0.1 s to make.

    What the owner's configuration says of key exchanges holds. Clients that begin with ML-KEM are quick as they are.
    """
    said, usual = _settings("kexalgorithms", address, options(address), ["-F", "none"])
    return ["-o", "KexAlgorithms=^curve25519-sha256"] if said == usual and usual.startswith("sntrup761") else []


def host_name(address: Address) -> str:
    """Give the name or address that the client connects to: what is typed may stand for it in its configuration."""
    insist_on_program()
    return _settings("hostname", address, options(address))[0] or address.host


def insist_on_program() -> None:
    """Raise ProgramMissing without an OpenSSH client here."""
    if not any((Path(folder) / "ssh").exists() for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)):
        raise ProgramMissing("the OpenSSH client is not there", hint="apt install openssh-client")


def unreachable(address: Address, text: str) -> TargetUnreachable:
    """Give the error for what the client wrote before it ended."""
    hint = next((hint for sign, hint in _EXPLAINED.items() if sign in text), "")
    known = f"'[{address.host}]:{address.port}'" if address.port else address.host
    login = Address(host=address.host, user=address.user)
    port = f"-p {address.port} " if address.port else ""
    return TargetUnreachable(
        f"{address} cannot be reached by SSH",
        detail="\n".join(line for line in text.strip().splitlines() if line.strip())[-1500:],
        hint=hint.format(known=known, port=port, login=login) or f"try: ssh {address}",
    )


def _settings(name: str, address: Address, *ways: Sequence[str]) -> list[str]:
    """What a setting is in each way of calling the client, all asked at once; "" where it does not say in time."""
    none, pipe = subprocess.DEVNULL, subprocess.PIPE
    argvs = (["ssh", "-G", *way, "--", address.host] for way in ways)
    asked = [subprocess.Popen(argv, stdin=none, stdout=pipe, stderr=none, text=True) for argv in argvs]
    return [_setting(name, one) for one in asked]


def _setting(name: str, asked: subprocess.Popen[str]) -> str:
    try:
        shown, _ = asked.communicate(timeout=CONNECT_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:  # the owner's configuration may run a program of theirs
        asked.kill()
        shown, _ = asked.communicate()
    found = re.search(rf"(?m)^{name} (\S+)$", shown)
    return found[1] if found else ""
