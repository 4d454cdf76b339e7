"""Repositories as far as an app's sources need them: clones, what is tracked, and what history knows."""

import base64
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from freehold.core.errors import SourceUnreachable
from freehold.kit import git_program

CLONE_TIMEOUT_SECONDS = 1800
_SCP_FORM = re.compile(r"^[\w.-]+@[\w.-]+:(?!//)[^\s]+$")
_USERINFO = re.compile(r"(?<=://)[^\s/@]+(?::[^\s/@]*)?@")


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One commit, as far as it says who made it."""

    author: str
    email: str
    subject: str
    trailers: str = ""
    """The `Name: value` lines at the end of the message."""


@dataclass(frozen=True, kw_only=True)
class FormerFile:
    """The newest version of a file in any branch's history. `content` is None when the repository lacks the bytes."""

    path: str
    content: bytes | None


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A line that holds a string that was looked for."""

    path: str
    line: int
    text: str


def is_address(text: str) -> bool:
    """Say whether a text is meant as a git address rather than a path on this machine."""
    scheme = text.partition("://")[0].lower()
    return ("://" in text and scheme in git_program.SCHEMES) or bool(_SCP_FORM.match(text))


def redact(text: str) -> str:
    """Take user names and passwords out of all addresses in a text."""
    return _USERINFO.sub("", text)


def clone(address: str, destination: Path) -> None:
    """Clone with full history into a folder that is not there yet.

    Never asks for a password, runs no hooks and fetches no submodules. A password inside the address is handed over
    by the environment: it does not appear in the process list, nor in the clone's config. Raises SourceUnreachable.
    """
    plain, header = _split_credentials(address)
    config = {f"http.{_server(plain)}.extraHeader": header} if header else {}
    argv = ["clone", "--quiet", "--no-recurse-submodules", "--template=", "--", plain, str(destination)]
    try:
        result = git_program.run(argv, Path.cwd(), timeout_seconds=CLONE_TIMEOUT_SECONDS, config=config)
    except subprocess.TimeoutExpired as error:
        minutes = CLONE_TIMEOUT_SECONDS // 60
        raise SourceUnreachable(
            f"cloning {plain} took more than {minutes} minutes", hint="clone it yourself and give the folder"
        ) from error
    if result.returncode != 0:
        raise SourceUnreachable(
            f"cannot clone {plain}",
            detail=_last_lines(redact(result.stderr)),
            hint=f"check that this works, then try again: git clone {plain}",
        )


def is_repository(root: Path) -> bool:
    """Say whether a folder is inside a git repository that can be read."""
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return False
    return git_program.ask(root, "rev-parse", "--is-inside-work-tree").strip() == "true"


def is_shallow(root: Path) -> bool:
    """Say whether the repository lacks older history."""
    return git_program.ask(root, "rev-parse", "--is-shallow-repository").strip() == "true"


def head(root: Path) -> str:
    """Give the commit that is checked out, "" when there is none yet."""
    return git_program.ask(root, "rev-parse", "--verify", "--quiet", "HEAD").strip()


def describe(root: Path) -> dict[str, str]:
    """Say which commit and branch a tree is at, and whether it differs from it; {} without git or a commit."""
    commit = head(root) if is_repository(root) else ""
    if not commit:
        return {}
    branch = git_program.ask(root, "rev-parse", "--abbrev-ref", "HEAD").strip()
    changed = "yes" if git_program.ask(root, "status", "--porcelain").strip() else "no"
    return {"commit": commit, "branch": branch, "changed": changed}


def files(root: Path) -> tuple[str, ...]:
    """List the tracked and the untracked, not ignored files below a folder, relative to it and sorted."""
    text = git_program.ask(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    return tuple(sorted(name for name in text.split("\0") if name))


def commits(root: Path, limit: int = 5000) -> tuple[Commit, ...]:
    """List the newest commits that touch a folder, newest first."""
    text = git_program.ask(root, "log", f"--max-count={limit}", "--format=%an%x1f%ae%x1f%s%x1f%(trailers:only)%x1e")
    fields = (entry.strip("\n").split("\x1f") for entry in text.split("\x1e"))
    return tuple(
        Commit(author=item[0], email=item[1], subject=item[2], trailers=item[3])
        for item in fields
        if len(item) == 4  # noqa: PLR2004 - the four of the format
    )


def deleted_files(root: Path, folder: str) -> tuple[str, ...]:
    """List the files of a folder that history knows and the working tree does not have, sorted."""
    text = git_program.ask(
        root,
        "log",
        "--all",
        "--no-renames",
        "--diff-filter=A",
        "--name-only",
        "--format=",
        "-z",
        "--relative",
        "--",
        folder,
    )
    names = {name.strip("\n") for name in text.split("\0")}
    return tuple(sorted(name for name in names if name and not (root / name).exists()))


def history(root: Path, folder: str) -> tuple[FormerFile, ...]:
    """List every file of a folder that ever existed in any branch, sorted by path, each as it was newest.

    A deleted file comes as it was before its deletion; a renamed one comes under both names. Nothing is fetched, not
    even by a clone that was made without its blobs.
    """
    text = git_program.ask(
        root,
        "log",
        "--all",
        "--no-renames",
        "-m",
        "--raw",
        "--no-abbrev",
        "--format=",
        "-z",
        "--relative",
        "--",
        folder,
    )
    blobs: dict[str, str] = {}
    parts = iter(text.split("\0"))
    for header in parts:
        fields = header.lstrip("\n").split(" ")
        if len(fields) == _RAW_FIELDS and fields[0].startswith(":"):
            blobs.setdefault(next(parts, ""), fields[2] if fields[4].startswith("D") else fields[3])
    contents = _contents(root, sorted({*blobs.values()}))
    return tuple(FormerFile(path=path, content=contents.get(blob)) for path, blob in sorted(blobs.items()))


_RAW_FIELDS = 5


def _contents(root: Path, blobs: list[str]) -> dict[str, bytes]:
    """Read blobs through one `git cat-file --batch`; what is missing is left out."""
    result = git_program.run_raw(
        ["cat-file", "--batch"],
        root,
        timeout_seconds=git_program.QUERY_TIMEOUT_SECONDS,
        config={"protocol.allow": "never"},
        given="".join(f"{blob}\n" for blob in blobs).encode(),
    )
    found, start = {}, 0
    while (end := result.stdout.find(b"\n", start)) >= 0:
        name, kind, *size = result.stdout[start:end].decode().split(" ")
        start = end + 1
        if kind == "blob":
            found[name] = result.stdout[start : start + int(size[0])]
        start += int(size[0]) + 1 if size else 0
    return found


def grep(root: Path, strings: tuple[str, ...], limit: int = 200, suffixes: tuple[str, ...] = ()) -> tuple[Hit, ...]:
    """Find fixed strings in tracked text files, by suffix if any is given; at most `limit` lines, a few a file."""
    where = [f":(glob)**/*{suffix}" for suffix in suffixes] or ["."]
    patterns = [part for string in strings for part in ("-e", string)]
    text = git_program.ask(
        root, "grep", "--no-color", "-I", "-n", "-z", "--max-count=3", "--fixed-strings", *patterns, "--", *where
    )
    return tuple(_hits(text, limit))


def _hits(text: str, limit: int) -> Iterator[Hit]:
    for entry in text.split("\n")[:limit]:
        path, _, rest = entry.partition("\0")
        line, _, content = rest.partition("\0")
        if line.isdigit():
            yield Hit(path=path, line=int(line), text=content)


def _split_credentials(address: str) -> tuple[str, str]:
    """Give the address without a password, and the header that carries it."""
    parts = urlsplit(address) if "://" in address else None
    if parts is None or parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return address, ""
    userinfo, _, host = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    pair = f"{unquote(user)}:{unquote(password)}".encode()
    header = f"Authorization: Basic {base64.b64encode(pair).decode()}"
    return urlunsplit((parts.scheme, host, parts.path, parts.query, "")), header


def _server(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/"


def _last_lines(text: str, count: int = 5) -> str:
    return "\n".join(text.strip().splitlines()[-count:])
