"""The remote side: a folder of modules, named by the digest of their sources; it travels as an archive."""

import hashlib
from pathlib import Path

import freehold

SHARED = (
    "core/__init__.py",
    "core/configuration.py",
    "core/errors.py",
    "core/event.py",
    "core/inventory.py",
    "core/plan.py",
    "core/release.py",
    "core/secret.py",
    "core/target.py",
    "core/target_name.py",
    "core/trail.py",
    "data/closing.py",
    "engine/apply.py",
    "engine/journal.py",
    "flows/arrival.py",
    "flows/holding.py",
    "flows/traffic_steps.py",
    "flows/way_back.py",
    "kit/confinement/reasons.py",
    "kit/files.py",
    "kit/private.py",
    "kit/row_digest.py",
    "kit/unix_http.py",
    "releases/digests.py",
    "releases/history.py",
    "releases/placeholders.py",
    "releases/watch.py",
    "targets/local/state.py",
    "targets/probe.py",
    "targets/recorded.py",
    "targets/records.py",
    "targets/traffic.py",
)
"""Modules of the standard library and each other only: tests/unit/test_server_program.py holds them to that."""
START = b"""from freehold.targets.server.remote.main import main

main(
    render="freehold.releases.placeholders.render",
    go_back="freehold.flows.way_back.go",
    arrive="freehold.flows.arrival.go",
    arrival="freehold.flows.arrival.Arrival",
    holder="freehold.flows.holding.Holder",
    wish="freehold.flows.way_back.Wish",
    window="freehold.data.closing",
)
"""
_LONG_AGO = (2020, 1, 1, 0, 0, 0)


def sources() -> dict[str, bytes]:
    """Every file of it, by its path in its folder."""
    root = Path(freehold.__file__).parent
    remote = root / "targets/server/remote"
    files = [root / name for name in SHARED] + sorted(remote.glob("*.py")) + sorted((remote / "texts").iterdir())
    found = {f"freehold/{file.relative_to(root)}": file.read_bytes() for file in files if file.is_file()}
    folders = {parent for name in found for parent in Path(name).parents if parent.name}
    empty = {f"{folder}/__init__.py": b"" for folder in folders if folder.name != "texts"}
    return {"__main__.py": START, **empty, **found}


def pack(content: dict[str, bytes]) -> bytes:
    """Give the archive: the same bytes for the same files."""
    import io  # noqa: PLC0415 - a server that has it already is not to wait for this
    import zipfile  # noqa: PLC0415 - likewise

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(content):
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), content[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def digest(content: dict[str, bytes]) -> str:
    """Name it."""
    total = hashlib.sha256()
    for name in sorted(content):
        total.update(f"{name} {len(content[name])}\n".encode() + content[name])
    return total.hexdigest()
