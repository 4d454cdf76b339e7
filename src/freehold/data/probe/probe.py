"""The whole probe, in one transaction that is always rolled back."""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import psycopg

from freehold.core.errors import DatabaseUnfit
from freehold.core.inventory import Inventory, Unknown
from freehold.core.secret import Secret
from freehold.data.migrations import ledger
from freehold.data.probe import catalogue, queues
from freehold.data.probe import plant as planting
from freehold.data.probe.files import probe_files
from freehold.data.probe.functions import probe_function
from freehold.data.probe.garden import Garden
from freehold.data.probe.login import login
from freehold.data.probe.objects import Objects, Relation
from freehold.data.probe.observation import Observation, ProbeReport
from freehold.data.probe.stage import ACT_SECONDS, FORGED, Actor, Lost, Stage, literal, name
from freehold.data.probe.tables import probe_table
from freehold.data.probe.values import PRIVILEGED
from freehold.data.probe.views import probe_view
from freehold.kit import postgres

BUDGET_SECONDS = 180
"""For everything; what is left then is named among the unknowns."""
NOBODY = Actor(name="nobody", role="anon")
ANON = Actor(name="anon", role="anon", claims={"role": "anon", "iss": "supabase"})
_METADATA = re.compile(r"user_metadata|raw_user_meta_data")


def probe(inventory: Inventory, *, admin_dsn: Secret) -> ProbeReport:
    """Act as nobody, as anon and as another signed-in user on rows of a planted user; nothing of it stays.

    The app's code runs as a login of its own that is no superuser. Sequences go on counting: PostgreSQL does not roll
    them back. Meant for a replayed schema or a copy, not for a database that people use: rows are locked meanwhile.
    Raises DatabaseUnavailable, and DatabaseUnfit where `admin_dsn` is not a superuser's.
    """
    started = time.monotonic()
    with postgres.connect(admin_dsn) as admin:
        admin.execute("set search_path = pg_catalog, pg_temp")
        _need_superuser(admin)
        found = catalogue.read(admin)
        run = _Run(inventory, found, started + BUDGET_SECONDS)
        with login(admin, admin_dsn, ledger.describe(admin).owner) as connection:
            try:
                run.everything(Stage(connection, ledger.describe(admin).owner))
            except Lost:
                run.lost()
            finally:
                if not connection.closed:
                    connection.execute("rollback")
    return ProbeReport(
        observations=_sorted(run.observations),
        unknowns=tuple(run.unknowns),
        probed=tuple(run.probed),
        seconds=time.monotonic() - started,
    )


def _need_superuser(admin: postgres.Connection) -> None:
    row = admin.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    if row is None or not row[0]:
        raise DatabaseUnfit(
            "the probe needs a superuser, to make a login of its own that is none",
            hint="give the address of the server's administrator, such as postgresql://postgres@HOST/DATABASE",
        )


@dataclass
class _Run:
    inventory: Inventory
    objects: Objects
    deadline: float
    observations: list[Observation] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)
    probed: list[str] = field(default_factory=list)
    current: str = "planting"
    skipped: list[str] = field(default_factory=list)

    def everything(self, stage: Stage) -> None:
        stage.connection.execute("begin")
        stage.connection.execute(
            "set local search_path = public, extensions; set local lock_timeout = '2s';"
            " set local statement_timeout = '10s'; set local client_min_messages = error"
        )
        garden = planting.plant(stage, self.objects)
        queues.plant(stage, self.objects)
        self._note_failures(garden)
        self._sign_up(stage)
        actors = self._actors(stage)
        for relation in self._exposed():
            if relation.kind in {"r", "p"}:
                self._watch(relation.full_name, probe_table(stage, self.objects, garden, relation, actors))
            else:
                self._watch(relation.full_name, probe_view(stage, self.objects, garden, relation, actors))
        self._watch("storage.objects", probe_files(stage, self.objects, self.inventory, actors))
        for function in self.objects.functions:
            if function.definer and function.callers and function.schema in self._schemas():
                self._watch(
                    function.full_name, probe_function(stage, self.objects, garden, function, (ANON, stage.other()))
                )
        if stage.timed_out:
            why = f"these did not end within {ACT_SECONDS} s: {', '.join(stage.timed_out)}"
            self.unknowns.append(Unknown(what="what some functions do", why=why))
        if self.skipped:
            self.unknowns.append(
                Unknown(
                    what="access to some objects",
                    why=f"the probe stopped after {BUDGET_SECONDS} s, before {len(self.skipped)} of them: "
                    + ", ".join(self.skipped[:5]),
                )
            )

    def _actors(self, stage: Stage) -> tuple[Actor, ...]:
        """Leave the one with forged metadata out where nothing reads metadata."""
        rules = [rule for item in self.objects.relations.values() for rule in item.policies]
        texts = [text for rule in rules for text in (rule.using, rule.check)]
        texts += [function.source for function in self.objects.functions] + [self.objects.storage_rules]
        actors = (NOBODY, ANON, stage.other())
        return (*actors, stage.other(forged=True)) if any(_METADATA.search(text) for text in texts) else actors

    def _schemas(self) -> set[str]:
        api = self.inventory.settings.get("api")
        named = api.get("schemas") if isinstance(api, dict) else None
        return {"public", *(str(item) for item in named or ())}

    def _exposed(self) -> list[Relation]:
        return [item for item in self.objects.relations.values() if item.schema in self._schemas()]

    def _watch(self, title: str, seen: Iterator[Observation]) -> None:
        """Collect what one object shows, unless time is up."""
        if time.monotonic() > self.deadline:
            self.skipped.append(title)
            return
        self.current = title
        for item in seen:
            self._add(item)
        self.probed.append(title)

    def _add(self, item: Observation) -> None:
        """Keep what the least of all actors can do: what nobody in particular may, everybody may."""
        same = [one for one in self.observations if (one.object, one.action) == (item.object, item.action)]
        if item.actor.startswith("other with"):
            if any(one.actor != item.actor for one in same):
                return
            item = replace(item, kind="metadata-trusted", hole=True)
        if any(one.kind == item.kind and one.columns == item.columns for one in same):
            return
        if item.kind == "rows-given-away" and any(one.kind == "rows-changeable" for one in same):
            return
        self.observations.append(item)

    def _note_failures(self, garden: Garden) -> None:
        if garden.sign_up:
            self.unknowns.append(
                Unknown(what="sign-up", why=f"the app's own trigger refuses a new user: {garden.sign_up}")
            )
        for oid, why in garden.failures.items():
            self.unknowns.append(
                Unknown(
                    what=f"access to {self.objects.relations[oid].full_name}",
                    why=f"no row could be planted, so nothing of it is proven: {why}",
                )
            )

    def lost(self) -> None:
        """Say which object ended the connection."""
        why = f"PostgreSQL ended the connection at {self.current}; what comes after it was not tried"
        self.unknowns.append(Unknown(what="access to some objects", why=why))

    def _sign_up(self, stage: Stage) -> None:
        """Sign up while asking for more, and look whether a trigger gave it."""
        user, metadata = planting.forged_user()
        stage.connection.execute("savepoint sign_up")
        try:
            planting.sign_up(stage, user, metadata)
            stage.connection.execute(f"set local role {name(stage.owner)}".encode())
            for relation, column, statement in self._promotions(user.id):
                rows = stage.connection.execute(statement.encode()).fetchall()
                given = str(rows[0][0]).lower() if rows else ""
                if given in PRIVILEGED or given in {"true", "t"}:
                    self.observations.append(_promoted(relation, column, given))
        except psycopg.Error:
            if stage.connection.closed:
                raise Lost from None
        finally:
            stage.connection.execute("rollback to savepoint sign_up; reset role")

    def _promotions(self, user: str) -> Iterator[tuple[Relation, str, str]]:
        for oid, users in self.objects.user_columns.items():
            relation = self.objects.relations[oid]
            for column in relation.columns if relation.kind == "r" else ():
                if re.search(r"role|^(is_)?(admin|super_?admin|staff|moderator)$", column.name) and users:
                    table = name(relation.schema, relation.name)
                    mine = " or ".join(f"{name(item)}::text = {literal(user)}" for item in users)
                    yield relation, column.name, f"select {name(column.name)}::text from {table} where {mine}"


def _promoted(relation: Relation, column: str, value: str) -> Observation:
    return Observation(
        kind="sign-up-chooses-role",
        object=relation.full_name,
        actor="nobody",
        action="sign up",
        evidence=f"whoever signs up with role {FORGED['role']} in their metadata gets {column} = {value} in "
        f"{relation.full_name}",
        sql="-- supabase.auth.signUp({ email, password, options: { data: { role: 'admin' } } })",
        columns=(column,),
    )


def _sorted(found: Iterable[Observation]) -> tuple[Observation, ...]:
    return tuple(sorted(found, key=lambda item: (not item.hole, item.object, item.kind, item.actor)))
