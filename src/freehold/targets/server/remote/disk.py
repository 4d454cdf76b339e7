"""Write to disk so that a kill leaves the old state or the new one."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A file as it should be."""

    path: Path
    content: str
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"

    def is_there(self) -> bool:
        """Whether it is exactly so."""
        try:
            state = self.path.stat()
            same = self.path.read_text() == self.content
        except (FileNotFoundError, NotADirectoryError):
            return False
        return same and state.st_mode & 0o7777 == self.mode and self.path.owner() == self.owner

    def write(self) -> bool:
        """Make it so; says whether anything had to be done."""
        if self.is_there():
            return False
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self.content)
            file.flush()
            os.fsync(file.fileno())
        shutil.chown(temporary, self.owner, self.group)
        temporary.chmod(self.mode)
        temporary.rename(self.path)
        return True


def stamped(stamp: Path, files: tuple[Wanted, ...]) -> bool:
    """Whether these files are there and whoever reads them was started since; see `stamp`."""
    return all(file.is_there() for file in files) and stamp.exists() and stamp.read_text() == _digest(files)


def stamp(path: Path, files: tuple[Wanted, ...]) -> None:
    """Write down that a program was started with these files: a kill before this has it started again."""
    Wanted(path=path, content=_digest(files), mode=0o600).write()


def _digest(files: tuple[Wanted, ...]) -> str:
    return hashlib.sha256("".join(f"{file.path}\n{file.content}" for file in files).encode()).hexdigest()


def folder(path: Path, mode: int, owner: str = "root", group: str = "root") -> None:
    """Make a folder with exactly these rights."""
    path.mkdir(parents=True, exist_ok=True)
    shutil.chown(path, owner, group)
    path.chmod(mode)


def link(path: Path, to: str) -> None:
    """Let a symbolic link lead somewhere, in one step."""
    links((path, to))


def links(*wanted: tuple[Path, str]) -> None:
    """The same for several, one after the other; none of them when there is no room for all."""
    temporaries = [path.with_name(f".{path.name}.next") for path, _ in wanted]
    for temporary, (_, to) in zip(temporaries, wanted, strict=True):
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(to)
    for temporary, (path, _) in zip(temporaries, wanted, strict=True):
        temporary.rename(path)


def sync(path: Path) -> None:
    """Wait until a folder's names are on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def text(name: str, **values: str) -> str:
    """Give one of this program's own texts with @NAME@ filled in."""
    import pkgutil  # noqa: PLC0415 - read from the archive that this program is

    content = (pkgutil.get_data(__package__ or "", f"texts/{name}") or b"").decode()
    for key, value in values.items():
        content = content.replace(f"@{key.upper()}@", value)
    return content
