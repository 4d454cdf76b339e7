"""Functions with their owner's rights, queues and triggers: what they give, tell and do, and what only looks alike."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from freehold.core.inventory import Inventory, MigrationFile
from freehold.core.secret import Secret
from freehold.data import migrations, probe
from freehold.data.probe import Observation, ProbeReport
from freehold.data.schema import fingerprint
from freehold.testing.database import FreshDatabase, fresh_database

WORLD = Path(__file__).parents[1] / "support" / "probe"


def look(database: FreshDatabase, text: str) -> ProbeReport:
    migrations.migrate(
        [MigrationFile(path="0.sql", version="1", sql=text)],
        owner_dsn=Secret(database.owner_dsn),
        admin_dsn=Secret(database.superuser_dsn),
        report=lambda _event: None,
    )
    return probe.probe(Inventory(builder="lovable", generation="vite"), admin_dsn=Secret(database.superuser_dsn))


@pytest.fixture(scope="module")
def holes() -> Iterator[tuple[FreshDatabase, ProbeReport]]:
    with fresh_database() as database:
        yield database, look(database, (WORLD / "functions.sql").read_text())


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        ("function-bypasses", "public.visits_by_member()"),
        ("function-bypasses", "public.find_invitation(_email text)"),
        ("function-bypasses", "public.next_mails(queue_name text, batch_size integer, vt integer)"),
        ("address-told", "public.is_member(_email text)"),
        ("figures-told", "public.visit_figures()"),
        ("queue-open", "public.enqueue_mail(queue_name text, payload jsonb)"),
        ("queue-open", "public.drop_mail(queue_name text, message_id bigint)"),
        ("queue-open", "public.bury_mail(source_queue text, dlq_name text, message_id bigint, payload jsonb)"),
        ("insert-spreads", "public.applications"),
    ],
)
def test_each_planted_hole_is_found(holes: tuple[FreshDatabase, ProbeReport], kind: str, thing: str) -> None:
    found = [item for item in holes[1].holes if (item.kind, item.object) == (kind, thing)]
    assert [item.actor in {"anon", "nobody"} for item in found] == [True], [item.evidence for item in holes[1].holes]


def test_what_is_given_is_named_by_column(holes: tuple[FreshDatabase, ProbeReport]) -> None:
    assert _one(holes[1], "public.find_invitation(_email text)").columns == ("token",)
    assert _one(holes[1], "public.visits_by_member()").columns == ("email",)


def test_the_queue_and_the_table_that_grow_are_named(holes: tuple[FreshDatabase, ProbeReport]) -> None:
    drop = _one(holes[1], "public.drop_mail(queue_name text, message_id bigint)").evidence
    assert drop.endswith("lets anon delete from the queue outgoing")
    assert _one(holes[1], "public.applications").columns == ("public.members",)


def test_no_message_and_no_row_stays(holes: tuple[FreshDatabase, ProbeReport]) -> None:
    with psycopg.connect(holes[0].superuser_dsn) as connection:
        for table, rows in (("pgmq.q_outgoing", 0), ("public.members", 1), ("public.applications", 0)):
            assert connection.execute(f"select count(*) from {table}").fetchone() == (rows,)


def test_what_asks_is_closed_or_is_for_everybody_is_no_hole(database: FreshDatabase) -> None:
    report = look(database, (WORLD / "functions_sound.sql").read_text())
    assert [item.evidence for item in report.holes] == []
    assert report.unknowns == ()
    assert "public.all_members()" in report.probed


def test_the_platforms_own_tables_are_nobodys_app(database: FreshDatabase) -> None:
    report = look(database, "create table public.pots (id uuid primary key);")
    assert [item for item in report.probed if not item.startswith(("public.", "storage."))] == []
    assert report.unknowns == ()
    with psycopg.connect(database.superuser_dsn) as connection:
        assert fingerprint.take(connection).text.count("base44") == 0


def _one(report: ProbeReport, thing: str) -> Observation:
    (found,) = [item for item in report.holes if item.object == thing]
    return found
