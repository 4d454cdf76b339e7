"""The probe finds what is planted, calls nothing else a hole, and leaves nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from freehold.core.errors import DatabaseUnfit
from freehold.core.inventory import Inventory, MigrationFile
from freehold.core.secret import Secret
from freehold.data import migrations, probe
from freehold.data.probe import Observation, ProbeReport
from freehold.testing.database import FreshDatabase, fresh_database

WORLD = Path(__file__).parents[1] / "support" / "probe"
EVERYTHING = """
select format('%I.%I', schemaname, tablename) from pg_tables
 where schemaname in ('public', 'auth', 'storage', 'net', 'cron')
"""


def apply(database: FreshDatabase, text: str) -> None:
    migrations.migrate(
        [MigrationFile(path="0.sql", version="1", sql=text)],
        owner_dsn=Secret(database.owner_dsn),
        admin_dsn=Secret(database.superuser_dsn),
        report=lambda _event: None,
    )


def look(database: FreshDatabase, **inventory: object) -> ProbeReport:
    app = Inventory(builder="lovable", generation="vite", **inventory)
    return probe.probe(app, admin_dsn=Secret(database.superuser_dsn))


def ask(database: FreshDatabase, query: str) -> list[tuple]:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        return connection.execute(query).fetchall()


def contents(database: FreshDatabase) -> dict[str, list[tuple]]:
    return {table: ask(database, f"select * from {table}") for (table,) in ask(database, EVERYTHING)}


@pytest.fixture(scope="module")
def holes() -> Iterator[tuple[FreshDatabase, ProbeReport]]:
    with fresh_database() as database:
        apply(database, (WORLD / "holes.sql").read_text())
        yield database, look(database)


@pytest.mark.parametrize(
    ("kind", "thing", "actor", "action"),
    [
        ("rows-changeable", "public.any_update", "other", "change"),
        ("rows-deletable", "public.role_delete", "other", "delete"),
        ("rows-readable", "public.same_column", "nobody", "read"),
        ("rows-readable", "public.true_or", "nobody", "read"),
        ("rows-changeable", "public.not_false", "nobody", "change"),
        ("rows-deletable", "public.self_comparison", "nobody", "delete"),
        ("secret-columns", "public.secrets_open", "nobody", "read"),
        ("self-promotion", "public.profiles", "other", "change"),
        ("rows-forged", "public.insert_as_other", "other", "insert"),
        ("rows-readable", "public.events", "nobody", "read"),
        ("rows-readable", "public.always_true", "nobody", "read"),
        ("metadata-trusted", "public.metadata_role", "other with forged metadata", "read"),
        ("materialized-view-bypasses", "public.note_cache", "nobody", "read"),
        ("files-deletable", "storage: bucket documents", "nobody", "delete"),
    ],
)
def test_each_of_the_fourteen_kinds_is_found(
    holes: tuple[FreshDatabase, ProbeReport], kind: str, thing: str, actor: str, action: str
) -> None:
    found = [(item.kind, item.object, item.actor, item.action) for item in holes[1].holes]
    assert (kind, thing, actor, action) in found


@pytest.mark.parametrize(
    ("kind", "thing", "action"),
    [
        ("view-bypasses", "public.all_notes", "read"),
        ("view-bypasses", "public.all_notes", "delete"),
        ("rows-deletable", "public.unprotected", "delete"),
        ("rows-given-away", "public.giving", "change"),
        ("personal-columns", "public.contacts", "read"),
        ("function-bypasses", "public.find_contact(p_user_id uuid)", "call"),
        ("function-runs-sql", "public.exec_sql(query text)", "call"),
        ("function-injectable", "public.search_notes(term text)", "call"),
        ("function-changes", "public.wipe_notes(p_user_id uuid)", "call"),
        ("self-promotion", "public.user_roles", "insert"),
        ("sign-up-chooses-role", "public.user_roles", "sign up"),
        ("files-insertable", "storage: bucket documents", "insert"),
    ],
)
def test_further_holes_are_found(holes: tuple[FreshDatabase, ProbeReport], kind: str, thing: str, action: str) -> None:
    assert (kind, thing, action) in [(item.kind, item.object, item.action) for item in holes[1].holes]


def test_every_table_is_probed_and_nothing_is_unknown(holes: tuple[FreshDatabase, ProbeReport]) -> None:
    database, report = holes
    tables = {
        f"public.{row[0]}" for row in ask(database, "select tablename from pg_tables where schemaname = 'public'")
    }
    assert report.unknowns == ()
    assert tables <= {*report.probed}


def test_nothing_of_the_probe_stays(holes: tuple[FreshDatabase, ProbeReport]) -> None:
    database, _ = holes
    before = contents(database)
    look(database)
    assert contents(database) == before
    assert ask(database, "select id from auth.users") == []
    assert ask(database, "select rolname from pg_roles where rolname like 'freehold_probe%'") == []


def test_an_observation_can_be_repeated_by_hand(holes: tuple[FreshDatabase, ProbeReport]) -> None:
    database, report = holes
    (item,) = [one for one in report.holes if one.object == "public.exec_sql(query text)"]
    with psycopg.connect(database.rest_dsn) as connection:
        connection.execute("set local role anon")
        with pytest.raises(psycopg.errors.RaiseException, match="8022"):
            connection.execute(item.sql)


def test_what_is_right_or_meant_so_is_no_hole(database: FreshDatabase) -> None:
    apply(database, (WORLD / "sound.sql").read_text())
    report = look(database)
    assert [item.evidence for item in report.holes] == []
    assert report.unknowns == ()
    notes = {(item.kind, item.object) for item in report.observations}
    assert notes == {
        ("rows-readable", "public.sound_posts"),
        ("rows-readable", "public.sound_profiles"),
        ("rows-insertable", "public.sound_contact_form"),
        ("files-readable", "storage: bucket avatars"),
    }


def holes_of(database: FreshDatabase, text: str, **inventory: object) -> list[Observation]:
    apply(database, text)
    return [*look(database, **inventory).holes]


def test_code_of_the_app_cannot_leave_its_rights_nor_the_transaction(database: FreshDatabase) -> None:
    apply(
        database,
        """
        create table public.spied (who text, super boolean, id int);
        create function public.escape(term text) returns text language plpgsql security definer as $$
        begin
          perform set_config('statement_timeout', '0', false);
          execute 'create role intruder superuser';
          return term;
        exception when others then
          return 'refused';
        end $$;
        create table public.traps (id uuid primary key default gen_random_uuid(), user_id uuid not null);
        create function public.trap() returns trigger language plpgsql as $$
        begin
          execute 'reset role';
          insert into public.spied
          values (session_user, (select rolsuper from pg_roles where rolname = session_user), 1);
          begin
            execute 'copy public.spied to program ''touch /tmp/freehold-escaped''';
          exception when others then null;
          end;
          perform net.http_post('http://127.0.0.1:9/');
          return new;
        end $$;
        create trigger trap before insert or update on public.traps for each row execute function public.trap();
        """,
    )
    look(database)
    assert ask(database, "select * from public.spied") == []
    assert ask(database, "select count(*) from pg_roles where rolname = 'intruder'") == [(0,)]
    assert not Path("/tmp/freehold-escaped").exists()
    assert ask(database, "select count(*) from net.http_request_queue") == [(0,)]


def test_a_function_that_never_ends_is_ended(database: FreshDatabase) -> None:
    text = """
        create function public.forever(term text) returns text language plpgsql security definer as $$
        begin perform pg_sleep(600); return term; end $$;
    """
    apply(database, text)
    report = look(database)
    assert report.holes == ()
    assert ["forever" in item.why for item in report.unknowns] == [True]


def test_code_of_the_app_cannot_end_the_probe(database: FreshDatabase) -> None:
    apply(
        database,
        """
        create table public.open (id uuid primary key default gen_random_uuid(), user_id uuid not null);
        create function public.the_end() returns void language sql security definer as
          'select pg_terminate_backend(pg_backend_pid())';
        """,
    )
    report = look(database)
    assert {item.object for item in report.holes} == {"public.open"}
    assert report.unknowns == ()
    assert "public.the_end()" in report.probed
    assert ask(database, "select rolname from pg_roles where rolname like 'freehold_probe%'") == []


def test_a_table_in_which_nothing_can_be_planted_is_unknown_and_not_safe(database: FreshDatabase) -> None:
    report_text = "create table public.odd (id int primary key, code text check (code ~ '^[A-Z]{7}-\\d{9}$') not null);"
    apply(database, report_text)
    report = look(database)
    assert [item.what for item in report.unknowns] == ["access to public.odd"]
    assert "odd_code_check" in report.unknowns[0].why


def test_a_trigger_that_refuses_new_users_is_unknown_and_the_rest_is_probed(database: FreshDatabase) -> None:
    apply(
        database,
        """
        create table public.open (id uuid primary key default gen_random_uuid(), user_id uuid not null);
        create function public.refuse() returns trigger language plpgsql as
          $$ begin raise exception 'not today'; end $$;
        create trigger refuse before insert on auth.users for each row execute function public.refuse();
        """,
    )
    report = look(database)
    assert [(item.what, "not today" in item.why) for item in report.unknowns] == [("sign-up", True)]
    assert {item.object for item in report.holes} == {"public.open"}


def test_a_group_is_entered_from_outside_and_not_by_its_founder(database: FreshDatabase) -> None:
    text = """
        create table public.teams (id uuid primary key default gen_random_uuid(), owner_id uuid not null);
        alter table public.teams enable row level security;
        create policy own on public.teams for all using (owner_id = auth.uid());
        create table public.team_members (
          id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id),
          user_id uuid not null, role text not null check (role in ('member', 'admin')), unique (team_id, user_id));
        alter table public.team_members enable row level security;
        create policy see on public.team_members for select using (user_id = auth.uid());
        create policy founder on public.team_members for update
          using (exists (select from public.teams as t where t.id = team_id and t.owner_id = auth.uid()));
    """
    assert holes_of(database, text) == []
    text = "create policy own on public.team_members for update using (user_id = auth.uid());"
    migrations.migrate(
        [MigrationFile(path="1.sql", version="2", sql=text)],
        owner_dsn=Secret(database.owner_dsn),
        admin_dsn=Secret(database.superuser_dsn),
        report=lambda _event: None,
    )
    assert ("self-promotion", "public.team_members") in [(item.kind, item.object) for item in look(database).holes]


def test_a_first_user_who_becomes_admin_proves_nothing_about_the_others(database: FreshDatabase) -> None:
    text = """
        create table public.roles (user_id uuid primary key, role text not null);
        alter table public.roles enable row level security;
        create function public.first() returns trigger language plpgsql security definer as $$
        begin
          insert into public.roles
          values (new.id, case when exists (select from public.roles) then 'user' else 'admin' end);
          return new;
        end $$;
        create trigger first after insert on auth.users for each row execute function public.first();
        create table public.kept (id uuid primary key default gen_random_uuid(), user_id uuid not null, email text);
        alter table public.kept enable row level security;
        create policy admin on public.kept for all
          using (exists (select from public.roles as r where r.user_id = auth.uid() and r.role = 'admin'));
        create policy me on public.roles for select using (user_id = auth.uid());
        create table public.admins (user_id uuid primary key);
        alter table public.admins enable row level security;
        create policy me on public.admins for select using (user_id = auth.uid());
        create policy admins on public.kept for all
          using (exists (select from public.admins as a where a.user_id = auth.uid()));
    """
    assert holes_of(database, text) == []


def test_a_bucket_that_only_code_names_is_probed_too(database: FreshDatabase) -> None:
    text = "create policy p on storage.objects for all to authenticated using (bucket_id = 'photos');"
    found = {(item.kind, item.object) for item in holes_of(database, text, buckets_used=("photos",))}
    assert ("files-deletable", "storage: bucket photos") in found
    assert {thing for _, thing in found} == {"storage: bucket photos"}
    assert ask(database, "select count(*) from storage.buckets") == [(0,)]


def test_it_needs_a_superuser_and_says_so(database: FreshDatabase) -> None:
    with pytest.raises(DatabaseUnfit, match="superuser"):
        probe.probe(Inventory(builder="x", generation=""), admin_dsn=Secret(database.owner_dsn))
