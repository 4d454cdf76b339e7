"""What is built for a release: the site, and the functions with everything they import."""

import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import freehold
from freehold.core.errors import ImportUnreachable
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.flows.up_work import Build
from freehold.kit import files, private, programs
from freehold.releases import artifact, functions
from freehold.releases.site import build_site

FUNCTIONS_REVISION = 2
"""Counted up when the same sources would be vendored in another way."""


def build(work: Build, report: Report) -> None:
    """Build what has changed since the last time; raises BuildFailed or ProgramMissing."""
    digests = []
    if work.inventory.frontends:
        site = build_site(
            work.app,
            work.inventory,
            work.place.artifacts,
            report=report,
            cache=work.place.work / "build",
            interpreter=work.interpreter,
        )
        work.site_artifact = site.directory
        if site.warm:
            report(Event(name="progress", text="nothing has changed since the last build"))
        digests.append(site.digest)
    if work.inventory.functions:
        digests.append(_vendor(work, report))
    work.artifact_digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _vendor(work: Build, report: Report) -> str:
    """Vendor the functions, or take them as they were.

    Those whose imports could not be fetched are tried again; what is worse than before is not taken, so that an app
    that was built once comes up without a network as well.
    """
    record = work.place.artifacts / ".functions" / f"{_functions_key(work)}.json"
    before = _recall(record)
    if before is not None and not before.try_again:
        return _take(work, before, report)
    told: list[Event] = []  # what is worse than before and not taken is not told either
    made = _vendor_anew(work, report if before is None else told.append)
    if before is not None and len(before.problems) <= len(made.problems):
        return _take(work, before, report)
    for event in told:
        report(event)
    record.parent.mkdir(exist_ok=True)
    private.replace(record, json.dumps(asdict(made)).encode())
    return _take(work, made, None)


@dataclass(frozen=True, kw_only=True)
class _Vendored:
    digest: str
    problems: dict[str, str] = field(default_factory=dict)
    try_again: bool = False
    """Whether a problem may be gone next time: an address that did not answer, not a mistake in the code."""


def _vendor_anew(work: Build, report: Report) -> _Vendored:
    with tempfile.TemporaryDirectory(dir=work.place.work, prefix="functions-") as folder:
        parcel = Path(folder) / "parcel"
        parcel.mkdir()
        vendored = functions.vendor(
            work.app.root, work.inventory.functions, parcel, deno=str(programs.deno()), report=report
        )
        stored = artifact.store(parcel, work.place.artifacts)
    unreachable = any(isinstance(item.problem, ImportUnreachable) for item in vendored)
    return _Vendored(digest=stored.digest, problems=functions.problems(vendored), try_again=unreachable)


def _take(work: Build, vendored: _Vendored, report: Report | None) -> str:
    """Serve these functions; tells their problems where a `report` is given: where they were not just found."""
    work.functions_artifact = work.place.artifacts / vendored.digest
    work.functions_not_startable = vendored.problems
    for name, problem in vendored.problems.items():
        if report is not None:
            report(Event(name="warning", text=problem, values={"function": name}))
    return vendored.digest


def _recall(record: Path) -> _Vendored | None:
    """Give what was vendored from the same sources, if it is still there."""
    try:
        found = _Vendored(**json.loads(record.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if (record.parent.parent / found.digest).is_dir() else None


def _functions_key(work: Build) -> str:
    """Hash the folders that hold functions, and everything that turns them into an artifact."""
    deno = programs.version_of(programs.deno())
    total = hashlib.sha256(f"{FUNCTIONS_REVISION} {freehold.__version__} {deno}".encode())
    total.update(repr(work.inventory.functions).encode())
    tops = {function.entry.partition("/")[0] for function in work.inventory.functions if "/" in function.entry}
    for root in (work.app.root / top for top in sorted({"supabase", *tops})):
        for name in files.list_files(root) if root.is_dir() else ():
            total.update(f"\0{name}\0".encode())
            total.update((root / name).read_bytes())
    return total.hexdigest()
