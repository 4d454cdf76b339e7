"""What is built for a release: the site, and the functions with everything they import."""

import hashlib
import json
import tempfile
from pathlib import Path

import freehold
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.flows.up_work import Work
from freehold.kit import files, private, programs
from freehold.releases import artifact, functions
from freehold.releases.site import build_site

FUNCTIONS_REVISION = 1
"""Counted up when the same sources would be vendored in another way."""


def build(work: Work, report: Report) -> None:
    """Build what has changed since the last time; raises BuildFailed or ProgramMissing."""
    digests = []
    if work.inventory.frontends:
        site = build_site(
            work.app, work.inventory, work.place.artifacts, report=report, cache=work.place.work / "build"
        )
        work.site_artifact = site.directory
        if site.warm:
            report(Event(name="progress", text="nothing has changed since the last build"))
        digests.append(site.digest)
    if work.inventory.functions:
        digests.append(_vendor(work, report))
    work.artifact_digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _vendor(work: Work, report: Report) -> str:
    """Vendor the functions, or take them as they were; those that could not be fetched are tried again."""
    record = work.place.artifacts / ".functions" / f"{_functions_key(work)}.json"
    if record.exists():
        digest = str(json.loads(record.read_text())["digest"])
        work.functions_artifact = work.place.artifacts / digest
        return digest
    with tempfile.TemporaryDirectory(dir=work.place.work, prefix="functions-") as folder:
        parcel = Path(folder) / "parcel"
        parcel.mkdir()
        vendored = functions.vendor(
            work.app.root, work.inventory.functions, parcel, deno=str(programs.deno()), report=report
        )
        stored = artifact.store(parcel, work.place.artifacts)
    work.functions_artifact = stored.directory
    work.functions_not_startable = functions.problems(vendored)
    if not work.functions_not_startable:
        record.parent.mkdir(exist_ok=True)
        private.replace(record, json.dumps({"digest": stored.digest}).encode())
    return stored.digest


def _functions_key(work: Work) -> str:
    """Hash the sources below supabase/ and everything that turns them into an artifact."""
    total = hashlib.sha256(f"{FUNCTIONS_REVISION} {freehold.__version__} {programs.deno()}".encode())
    total.update(repr(work.inventory.functions).encode())
    root = work.app.root / "supabase"
    for name in files.list_files(root) if root.is_dir() else ():
        total.update(f"\0{name}\0".encode())
        total.update((root / name).read_bytes())
    return total.hexdigest()
