"""What a release is compared by, read while it is made."""

import hashlib

from freehold.core.release import Manifest
from freehold.core.secret import Secret
from freehold.data.schema import fingerprint
from freehold.flows import own_server
from freehold.flows.up_work import Build
from freehold.kit import files, postgres
from freehold.releases import locked, scratch

LONGEST_VALUE = 160
_WORDS = {"policy": 3, "constraint": 3, "trigger": 3}
"""How many words of a fingerprint's line name the object, where it is not two; rights and indexes are all name."""
_ALL_NAME = frozenset({"grant", "index"})


def take(build: Build, admin_dsn: Secret) -> Manifest:
    """Read sources, lock files, the built parts and the schema."""
    return Manifest(
        code={name: files.sha256(build.app.root / name) for name in scratch.sources(build.app)},
        dependencies=_dependencies(build),
        functions=_functions(build),
        environment=_environment(build),
        files=_sizes(build),
        schema=_schema(admin_dsn),
    )


def _dependencies(build: Build) -> dict[str, str]:
    found: dict[str, str] = {}
    for frontend in build.inventory.frontends:
        lock = build.app.root / frontend.lock_file
        if frontend.lock_file and lock.is_file():
            found |= locked.versions(lock.name, lock.read_text(encoding="utf-8", errors="replace"))
    return found | own_server.packages(build)


def _functions(build: Build) -> dict[str, str]:
    """A digest of each function's folder with everything that was fetched for it."""
    artifact = build.functions_artifact
    found: dict[str, str] = {}
    for name in build.function_names if artifact is not None else ():
        total = hashlib.sha256()
        folder = artifact / "functions" / name if artifact is not None else build.app.root
        for file in files.list_files(folder) if folder.is_dir() else ():
            total.update(f"{file} {files.sha256(folder / file)}\n".encode())
        found[name] = total.hexdigest()
    return found


def _environment(build: Build) -> dict[str, str]:
    """Names only: what the build bakes in, and what functions read."""
    found = {item.name: "build" for item in build.inventory.environment if not item.function}
    for function in build.inventory.functions:
        found |= dict.fromkeys(function.secrets, "functions")
    return dict(sorted(found.items()))


def _sizes(build: Build) -> dict[str, int]:
    site = build.site_artifact / "site" if build.site_artifact is not None else None
    if site is None or not site.is_dir():
        return {}
    return {name: (site / name).stat().st_size for name in files.list_files(site)}


def _schema(admin_dsn: Secret) -> dict[str, str]:
    with postgres.connect(admin_dsn) as admin:
        text = fingerprint.take(admin).text
    return dict(_object(line) for line in text.splitlines())


def _object(line: str) -> tuple[str, str]:
    kind = line.split(" ", 1)[0]
    if kind in _ALL_NAME:
        return line, ""
    words = line.split(" ", _WORDS.get(kind, 2))
    count = _WORDS.get(kind, 2)
    value = " ".join(words[count:])
    if len(value) > LONGEST_VALUE:
        value = f"{value[: LONGEST_VALUE - 12]}… {hashlib.sha256(value.encode()).hexdigest()[:8]}"
    return " ".join(words[:count]), value
