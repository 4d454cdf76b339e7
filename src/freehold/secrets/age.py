"""Secrets as age files: one folder a name, one file a version, the key apart from the data.

The identity (private key) lies outside the data folder, so that a copy of the data alone opens nothing.
"""

import re
from pathlib import Path

import pyrage

from freehold.core.errors import SecretRefused
from freehold.core.secret import Secret
from freehold.kit import private

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
RESERVED_PREFIX = "SUPABASE_"
OWN_PREFIX = "freehold_"
"""Of the keys that Freehold makes for an app: nobody can set them again."""


class AgeStore:
    """A SecretStore in a folder. Versions are numbered from 1; old ones stay, for a release that is rolled back."""

    def __init__(self, directory: Path, identity_file: Path) -> None:
        """`identity_file` is made with mode 0600 when the first secret is put."""
        self._directory = directory
        self._identity_file = identity_file

    def names(self) -> tuple[str, ...]:
        """The names that have a value, sorted."""
        return tuple(sorted(name for name in _names_in(self._directory) if self.version(name)))

    def version(self, name: str) -> str:
        """The newest version's id, "" when the name was never put."""
        stems = [file.removesuffix(".age") for file in _names_in(self._directory / name) if file.endswith(".age")]
        numbers = [int(stem) for stem in stems if stem.isdigit()]
        return str(max(numbers)) if numbers else ""

    def get_version(self, name: str, version: str) -> Secret:
        """One version's value, for a release that records it. Raises SecretRefused when it is gone."""
        file = self._directory / name / f"{version}.age"
        if not NAME.fullmatch(name) or not version.isdigit() or not file.exists():
            raise SecretRefused(
                f"version {version} of {name} is not there any more",
                detail="the release was made with it",
                hint=f"freehold secrets set {name}, then freehold deploy",
            )
        return self._decrypt(file)

    def get(self, name: str) -> Secret | None:
        """The newest value, or None. Raises SecretRefused when it cannot be decrypted."""
        version = self.version(name)
        if not version:
            return None
        return self._decrypt(self._directory / name / f"{version}.age")

    def put(self, name: str, value: Secret) -> str:
        """Store a new version and give its id; on disk when it returns, and safe with two callers at once.

        Raises SecretRefused where the others are sealed for another identity: nobody could open all of them.
        """
        check_name(name)
        if not value.reveal():
            raise SecretRefused(
                f"the value of {name} is empty", hint=f"freehold secrets set {name}   and give the value, or: < FILE"
            )
        self._check_owner(name)
        folder = self._directory / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sealed = pyrage.encrypt(value.reveal().encode(), [self._owner().to_public()])
        return _write_next(folder, sealed)

    def recipient(self) -> str:
        """The public half of the identity: what others encrypt for this owner with."""
        return str(self._owner().to_public())

    def _check_owner(self, name: str) -> None:
        """Refuse an identity that opens none of the other secrets."""
        refusals = []
        for other in self.names():
            if other != name:
                try:
                    self.get(other)
                except SecretRefused as refused:
                    refusals.append(refused)
                else:
                    return
        if refusals:
            raise SecretRefused(
                f"{name} is not set: the secrets beside it cannot be opened with this identity",
                detail=refusals[0].detail,
                hint=f"restore the identity file, or name it in FREEHOLD_AGE_IDENTITY; "
                f"if it is lost, remove {self._directory} and set each secret again",
            )

    def _decrypt(self, file: Path) -> Secret:
        try:
            return Secret(pyrage.decrypt(file.read_bytes(), [self._identity()]).decode())
        except (pyrage.DecryptError, OSError, UnicodeDecodeError) as error:
            what = "no such file" if isinstance(error, FileNotFoundError) else type(error).__name__
            name = file.parent.name
            again = "" if name.startswith(OWN_PREFIX) else f", or set the secret again: freehold secrets set {name}"
            raise SecretRefused(
                f"{name} cannot be decrypted",
                detail=f"{file} with the identity {self._identity_file}: {what}",
                hint=f"restore the identity file, or name it in FREEHOLD_AGE_IDENTITY{again}",
            ) from error

    def _owner(self) -> pyrage.x25519.Identity:
        """Give the identity, made now where there is none."""
        if not self._identity_file.exists():
            _create_identity(self._identity_file)
        return self._identity()

    def _identity(self) -> pyrage.x25519.Identity:
        text = self._identity_file.read_text()
        keys = [line for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-")]
        if not keys:
            raise SecretRefused(f"{self._identity_file} holds no age identity", hint="restore the file from a backup")
        return pyrage.x25519.Identity.from_str(keys[0])


def check_name(name: str) -> None:
    """Refuse a name that cannot be an environment variable, or that Freehold sets itself."""
    if not NAME.fullmatch(name):
        raise SecretRefused(
            f"{name!r} cannot be a secret's name",
            detail="letters, digits and underscores, at most 128, not starting with a digit",
        )
    if name.startswith(RESERVED_PREFIX):
        raise SecretRefused(f"{name} is set by Freehold itself", detail=f"names starting with {RESERVED_PREFIX}")


def _names_in(folder: Path) -> list[str]:
    """Give what a folder holds; nothing where there is none, or none any more: an owner may remove it at any time."""
    try:
        return [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _create_identity(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    private.create(path, f"{pyrage.x25519.Identity.generate()}\n".encode())


def _write_next(folder: Path, sealed: bytes) -> str:
    number = 1 + max((int(item.stem) for item in folder.glob("*.age") if item.stem.isdigit()), default=0)
    while not private.create(folder / f"{number}.age", sealed):
        number += 1
    return str(number)
