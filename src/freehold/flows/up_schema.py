"""The schema of an app whose migrations do not apply as they stand: from git, and from the builder's types."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from freehold.builders.shared import queries, supabase_app
from freehold.builders.shared.checkout import open_checkout
from freehold.core.errors import BadUsage
from freehold.core.event import Event
from freehold.core.inventory import MigrationFile
from freehold.core.plan import Report, Step
from freehold.core.secret import Secret
from freehold.data import schema
from freehold.data.schema import queried
from freehold.flows.check import types_of
from freehold.flows.up_work import Work
from freehold.kit import postgres
from freehold.targets.local.place import place_of

SHOWN = 6
COLUMN_ROUNDS = 4
_Fill = Callable[[frozenset[str], Sequence[MigrationFile]], tuple[str, ...]]
"""Makes stand-ins, but for the tables named, in the light of the app's history; gives what it made."""
_MISSING = """
select name from unnest(%s::text[]) as name
 where name !~ '\\.'
   and not exists (select from pg_catalog.pg_class as c
                    where c.relnamespace = 'public'::regnamespace and c.relname = name
                      and c.relkind in ('r', 'p', 'v', 'm', 'f'))
 order by name
"""


@dataclass(frozen=True)
class ReplayHistory:
    """Every statement that the app's migrations ever had in git, as far as it applies: the baseline of the schema.

    `before` are the steps that start a database and give it the platform: run again when one has to be put aside.
    """

    work: Work
    before: tuple[Step, ...]
    title: str = "Replay the history of the app's migrations into the empty database"

    def done(self) -> bool:
        """Whether this database has its baseline."""
        return schema.is_recorded(self.work.database.admin_dsn)

    def run(self, report: Report) -> None:
        """Replay; what does not apply is told and stands in the ledger. Raises DatabaseUnfit unless it is empty."""
        work = self.work
        if _was_never_served(work):
            self._put_aside(report)
        found = schema.replay(
            work.app.root, work.inventory, owner_dsn=_owner(work), admin_dsn=work.database.admin_dsn, report=report
        )
        if found.failed:
            causes = ", ".join(f"{count} {cause}" for cause, count in found.causes.items())
            text = f"{len(found.failed)} of {len(found.entries)} statements did not apply ({causes})"
            report(Event(name="warning", text=f"{text}; `freehold check` lists them. Compare with the live database"))
        _tell_of_circles(found.set_aside, report)

    def _put_aside(self, report: Report) -> None:
        """Begin anew after migrations that failed half-way; what they left is kept under another name."""
        work = self.work
        aside = work.place.postgres.with_name(time.strftime("postgres-before-replay-%Y%m%d-%H%M%S", time.gmtime()))
        work.stop_database()
        work.place.postgres.rename(aside)
        report(Event(name="note", text=f"The database that the migrations left half-made is kept in {aside}"))
        for step in self.before:
            step.run(report)

    def undo(self) -> bool:
        """Nothing: the schema stays, with its ledger."""
        return False


@dataclass(frozen=True)
class FillFromTypes:
    """Tables, columns and enums that only the builder's generated types know."""

    work: Work
    title: str = "Make the tables that only the builder's types know"

    def done(self) -> bool:
        """Never: what is there is not made twice."""
        return False

    def run(self, report: Report) -> None:
        """Make them; raises BadUsage where there are no such types, or they cannot be read."""
        text = types_of(self.work.app)
        if not text:
            raise BadUsage(
                "the app has no generated types to make tables from",
                detail="looked for supabase/types.ts and the like below src/",
                hint=command(self.work, "--replay"),
            )
        made = _fill(self.work, lambda without, past: _fill_from_types(self.work, text, without, past, report), report)
        _tell_of_stand_ins(made, "the types", report)

    def undo(self) -> bool:
        """Nothing: empty tables harm nobody."""
        return False


@dataclass(frozen=True)
class FillFromQueries:
    """Tables and columns that nothing but the app's own queries names."""

    work: Work
    title: str = "Make the tables that only the app's queries name"

    def done(self) -> bool:
        """Never: what is there is not made twice."""
        return False

    def run(self, report: Report) -> None:
        """Make them."""
        found = _queried(self.work)
        asked = {name: (item.columns, item.related) for name, item in found.items()}
        made = _fill(
            self.work, lambda without, past: _fill_from_queries(self.work, asked, without, past, report), report
        )
        if self.work.replay:
            _add_columns(self.work, report)
        schema.add_keys(
            {name: item.conflicts for name, item in found.items()},
            owner_dsn=_owner(self.work),
            admin_dsn=self.work.database.admin_dsn,
            report=report,
        )
        _tell_of_stand_ins(made, "the app's queries", report)

    def undo(self) -> bool:
        """Nothing: empty tables harm nobody."""
        return False


def _fill(work: Work, fill: _Fill, report: Report) -> tuple[str, ...]:
    """Make stand-ins; after a replay its own statements go first, as they know more than any guess.

    Tables that a failed statement would make once others are there are left to it; what is missing then is made too.
    """
    history = _history(work)
    if not work.replay:
        return fill(frozenset(), history)
    made = fill(_run_again(work, history, report).creates, history)
    _run_again(work, history, report)
    made += fill(frozenset(), history)
    _run_again(work, history, report)
    return made


def _add_columns(work: Work, report: Report) -> None:
    """Give stand-ins the columns that statements and functions of the history use of them."""
    history = _history(work)
    for _ in range(COLUMN_ROUNDS):
        missed = _run_again(work, history, report).columns
        if not missed:
            return
        asked = {table: (dict.fromkeys(sorted(names), ""), ()) for table, names in missed.items()}
        _fill_from_queries(work, asked, frozenset(), history, report)


def _history(work: Work) -> Sequence[MigrationFile]:
    return schema.union(work.app.root, work.inventory).files


def _run_again(work: Work, history: Sequence[MigrationFile], report: Report) -> schema.Again:
    found = schema.run_again(history, owner_dsn=_owner(work), admin_dsn=work.database.admin_dsn, report=report)
    _tell_of_circles(found.set_aside, report)
    return found


def _fill_from_types(
    work: Work, text: str, without: frozenset[str], history: Sequence[MigrationFile], report: Report
) -> tuple[str, ...]:
    return schema.fill_from_types(
        text,
        owner_dsn=_owner(work),
        admin_dsn=work.database.admin_dsn,
        report=report,
        without=without,
        history=history,
    ).tables


def _fill_from_queries(
    work: Work, asked: queried.Asked, without: frozenset[str], history: Sequence[MigrationFile], report: Report
) -> tuple[str, ...]:
    dsn = work.database.admin_dsn
    asked = queried.with_text_ids(asked) if _keeps_people_elsewhere(work) else asked
    made = schema.fill_from_queries(
        asked, owner_dsn=_owner(work), admin_dsn=dsn, report=report, without=without, history=history
    ).tables
    schema.suit(owner_dsn=_owner(work), admin_dsn=dsn, report=report)  # before views of the history hold the types
    return made


def _keeps_people_elsewhere(work: Work) -> bool:
    """Whether the app's own code signs people in at Firebase: their ids are no UUIDs."""
    checkout = open_checkout(work.app)
    return any("firebase/auth" in checkout.text(path) for path in supabase_app.sources(checkout))


def _tell_of_stand_ins(made: tuple[str, ...], evidence: str, report: Report) -> None:
    if made:
        text = f"{len(made)} tables were made from {evidence} alone: {_listed(made)}"
        closed = "They are empty, and closed but for what policies of the app's history open"
        report(Event(name="warning", text=f"{text}. {closed}"))


def _tell_of_circles(found: tuple[schema.SetAside, ...], report: Report) -> None:
    if found:
        named = _listed(tuple(f'"{item.policy}" on {item.table}' for item in found))
        text = f"{len(found)} policies ask their own table without end, and grant nothing now: {named}"
        report(Event(name="warning", text=f"{text}. Take them from the live database, where they must be others"))


def command(work: Work, *options: str) -> str:
    """Give what to type to bring the same app up in the same place with these options."""
    usual = place_of(work.app.origin, None).root == work.place.root
    return " ".join(["freehold up", work.app.origin, *options, *([] if usual else ["--data", str(work.place.root)])])


def _was_never_served(work: Work) -> bool:
    """Whether an embedded database has something in it that no release ever ran on: no user can have been there."""
    if work.database_url is not None or any(work.place.releases.iterdir()):
        return False
    return schema.is_occupied(work.database.admin_dsn)


def tell_of_missing_tables(work: Work, report: Report) -> None:
    """Warn of tables that the builder's types or the app's queries name and the database has not.

    The app's requests for them fail. Those that the types know are told first: more is known of them.
    """
    of_types = () if work.fill_from_types else _missing_of_types(work)
    if of_types:
        shown = f"{len(of_types)} tables that the app's types name are made by no migration: {_listed(of_types)}"
        report(Event(name="warning", text=f"{shown}. To have them, empty: {_again(work, '--fill-from-types')}"))
    known = {*of_types, *(_missing_of_types(work) if work.fill_from_types else ())}
    asked = tuple(name for name in _missing_of_queries(work) if f"public.{name}" not in known and name not in known)
    if asked and not work.fill_from_code:
        shown = f"{len(asked)} tables that the app asks for are made by no migration: {_listed(asked)}"
        report(Event(name="warning", text=f"{shown}. To have them, empty: {_again(work, '--fill-from-code')}"))


def _again(work: Work, option: str) -> str:
    chosen = {
        "--replay": work.replay,
        "--fill-from-types": work.fill_from_types,
        "--fill-from-code": work.fill_from_code,
    }
    return command(work, *(name for name, on in chosen.items() if on or name == option))


def _missing_of_types(work: Work) -> tuple[str, ...]:
    text = types_of(work.app)
    try:
        return schema.compare(text, work.database.admin_dsn).missing_tables if text else ()
    except BadUsage:
        return ()


def _missing_of_queries(work: Work) -> tuple[str, ...]:
    names = list(work.inventory.tables_used)
    with postgres.connect(work.database.admin_dsn) as admin:
        rows = admin.execute(_MISSING, [names]).fetchall()
    return tuple(str(row[0]) for row in rows)


def _queried(work: Work) -> Mapping[str, queries.Queried]:
    checkout = open_checkout(work.app)
    return queries.scan(checkout, supabase_app.sources(checkout))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _owner(work: Work) -> Secret:
    return work.database.dsn(work.owner_role, work.keys.owner_password)
