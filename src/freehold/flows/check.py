"""Know an app: what it is made of, what its database really looks like, and what a careful reader would change."""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from freehold.audit import history, leaks, masking, registry
from freehold.audit.environment import secret_values
from freehold.audit.facts import AppFacts
from freehold.builders import registry as builders
from freehold.builders.shared.checkout import Checkout, open_checkout
from freehold.builders.shared.supabase_project import local_closure
from freehold.core.app import App, Match
from freehold.core.errors import FreeholdError
from freehold.core.event import Event
from freehold.core.finding import CONFIDENCES, SEVERITIES, Finding, FormerText, Severity
from freehold.core.inventory import Inventory, Unknown
from freehold.core.plan import Report
from freehold.flows import check_probe
from freehold.flows.check_schema import Schema, replayed
from freehold.flows.read import SURE
from freehold.flows.source import open_source
from freehold.kit import git, git_objects
from freehold.kit.files import remove_tree

_TYPES = ("integrations/supabase/types.ts", "database.types.ts", "types/supabase.ts", "lib/database.types.ts")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the owner asked for."""

    origin: str
    """A folder, a git address or a zip."""
    database: bool = True
    """Whether to replay the schema into a throw-away PostgreSQL."""
    fill_from_types: bool = False
    """Whether tables that only the generated types know are reconstructed."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """All that was found. No text in it holds a secret."""

    app: App
    matches: tuple[Match, ...]
    inventory: Inventory | None
    schema: Schema | None
    findings: tuple[Finding, ...]
    unknowns: tuple[Unknown, ...]
    seconds: float
    whole: bool = True
    """False when a part of the check could not be done, so that silence proves nothing there."""

    def worst(self) -> Severity | None:
        """The severity of the most severe finding."""
        return min((finding.severity for finding in self.findings), key=SEVERITIES.index, default=None)


def check(request: Request, report: Report) -> Checked:
    """Check an app: nothing of it is changed, none of its code is run, and nothing is sent anywhere.

    Raises NotAnApp, BadArchive or SourceUnreachable when there is nothing to look at.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="freehold-check-"))
        stack.callback(remove_tree, folder)
        folder.chmod(0o711)  # PostgreSQL's own user passes through; it cannot list
        _say(report, f"Read {git.redact(request.origin)}")
        app = open_source(request.origin, folder)
        matches = builders.recognise(app)
        inventory = builders.builder(matches[0].builder).read(app) if matches and matches[0].score >= SURE else None
        unknowns = list(inventory.unknowns if inventory else [_no_builder(matches)])
        schema, lacks = _schema(request, app, inventory, folder, stack, report)
        unknowns += lacks
        _say(report, "Look for what should be changed")
        facts, whole = _facts(app, inventory, schema, unknowns)
        found = check_probe.merged(registry.findings(facts), schema.observations if schema else (), facts)
        result = Checked(
            app=app,
            matches=matches,
            inventory=inventory,
            schema=schema,
            findings=tuple(sorted(found, key=_rank)),
            unknowns=_told_once(unknowns),
            seconds=round(time.monotonic() - started, 2),
            whole=whole and inventory is not None and not any(item.what == "the database" for item in lacks),
        )
        return masking.masked(result, (*leaks.values(facts), *secret_values(facts)))


def _schema(  # noqa: PLR0913, PLR0917 - the check's own state
    request: Request, app: App, inventory: Inventory | None, folder: Path, stack: ExitStack, report: Report
) -> tuple[Schema | None, tuple[Unknown, ...]]:
    if inventory is None or not inventory.migrations:
        return None, ()
    if not request.database:
        why = "the schema was not replayed, as asked (--no-database): rules about tables and policies did not run"
        return None, (Unknown(what="the schema", why=why, hint="freehold check without --no-database"),)
    _say(report, "Replay the schema into a throw-away PostgreSQL")
    try:
        schema = stack.enter_context(
            replayed(app, inventory, folder, report, types=types_of(app), fill=request.fill_from_types)
        )
    except FreeholdError as error:
        why = f"no throw-away PostgreSQL, so rules about tables and policies did not run: {error.message}"
        return None, (Unknown(what="the database", why=why, hint=error.hint),)
    return schema, schema.unknowns


def types_of(app: App) -> str:
    """The text of the builder's generated types, "" when there are none."""
    checkout = open_checkout(app)
    path = next((path for path in checkout.files if path.endswith(_TYPES)), "")
    text = checkout.text(path) if path else ""
    return text if "Tables: {" in text else ""


def _facts(
    app: App, inventory: Inventory | None, schema: Schema | None, unknowns: list[Unknown]
) -> tuple[AppFacts, bool]:
    checkout = open_checkout(app)
    tracked = frozenset(git_objects.tracked(app.root)) if checkout.is_repository else frozenset()
    past = history.read(app.root) if tracked else history.History(texts=())
    if not past.whole:
        why = "git history is larger than is read for secrets; older versions were left out"
        unknowns.append(Unknown(what="secrets in history", why=why))
    facts = AppFacts(
        files=checkout,
        inventory=inventory,
        closure=partial(local_closure, checkout),
        history=_given(past.texts),
        commit_of=partial(git_objects.commit_of, app.root),
        tracked=tracked or None,
        rows=schema.rows if schema else None,
        doubtful=schema.failed_text(_statement_text(checkout)) if schema else "",
    )
    return facts, past.whole


def _given(texts: tuple[FormerText, ...]) -> Callable[[], tuple[FormerText, ...]]:
    return lambda: texts


def _statement_text(checkout: Checkout) -> Callable[[str], str]:
    return checkout.text


def _no_builder(matches: tuple[Match, ...]) -> Unknown:
    best = f"{matches[0].builder} has {matches[0].score} of {SURE} points" if matches else "no mark of any was found"
    why = f"no builder that Freehold knows is sure of this app ({best}), so it was not inventoried"
    return Unknown(what="builder", why=why, hint="give the folder with its git history")


def _told_once(unknowns: list[Unknown]) -> tuple[Unknown, ...]:
    """Leave out what a later one says of the same thing in more words."""
    return tuple(
        item
        for number, item in enumerate(unknowns)
        if not any(other.what == item.what and other.why.startswith(item.why) for other in unknowns[number + 1 :])
    )


def _say(report: Report, text: str) -> None:
    report(Event(name="step-started", text=text))


def _rank(finding: Finding) -> tuple[int, int, str, str]:
    return SEVERITIES.index(finding.severity), CONFIDENCES.index(finding.confidence), finding.rule, finding.title
