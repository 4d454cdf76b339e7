"""What the steps of a move leave in the report: on this machine, and in the database that was moved to."""

import json
from pathlib import Path

import psycopg
import pytest
from move_world import Target, live, write_files
from supabase_project import OLD_REF, OLD_URL

from freehold.core.app import App
from freehold.core.errors import MoveFailed, MoveRefused
from freehold.core.inventory import BackendAddress, EdgeFunction, Inventory
from freehold.core.secret import Secret
from freehold.data.move import ledger
from freehold.data.sources.files import Folder
from freehold.data.sources.toc import Source
from freehold.engine.apply import apply
from freehold.flows import move, move_here, move_steps
from freehold.flows.move_papers import papers_of
from freehold.flows.move_work import MoveWork, Request
from freehold.flows.up_work import Database, Work
from freehold.secrets.age import AgeStore
from freehold.targets.local import keys
from freehold.targets.local.place import Place
from freehold.testing import database as databases

NEW_URL = "https://app.example.org"
FILES = 6


def work_of(
    source: Source, target: Target, tmp_path: Path, files: Path | None = None, rewrite_to: str = ""
) -> MoveWork:
    place = Place(root=tmp_path / "place")
    place.prepare()
    reads = ("LOVABLE_API_KEY", "MAIL_KEY", "OTHER_KEY", "SUPABASE_URL")
    function = EdgeFunction(name="send", entry="send/index.ts", verify_jwt=True, imports=(), secrets=reads)
    backend = BackendAddress(url=OLD_URL, project_ref=OLD_REF)
    inventory = Inventory(builder="lovable", generation="", backend=backend, functions=(function,))
    store = AgeStore(place.secrets, tmp_path / "identity")
    app = App(root=tmp_path, origin=str(tmp_path), name="app")
    own_keys = keys.load_or_make(store)
    return MoveWork(
        request=Request(source=Secret("x"), app=str(tmp_path), rewrite_to=rewrite_to),
        place=place,
        papers=papers_of(place),
        inventory=inventory,
        secrets=("MAIL_KEY",),
        source=source,
        files=Folder(files) if files else None,
        up=Work(place=place, app=app, inventory=inventory, keys=own_keys, secrets=store, database_url=None),
        there=target.destination,
    )


def run(work: MoveWork, target: Target) -> list[str]:
    """Run all that a move is after its database was started; gives what was skipped."""
    seen = len(target.events)
    apply(move.plan(work, ()), target.events.append)
    return [event.text for event in target.events[seen:] if event.name == "step-skipped"]


def test_the_report_of_the_database_knows_what_was_rewritten(
    source: databases.FreshDatabase, target: Target, tmp_path: Path
) -> None:
    with live(source) as opened:
        work = work_of(opened, target, tmp_path, rewrite_to=NEW_URL)
        run(work, target)
    with target.destination.admin() as admin:
        told, status = ledger.report(admin), ledger.status(admin)
    assert isinstance(told, dict)
    assert (status, told["equal"], told["old_addresses"]) == ("equal", True, work.document["old_addresses"])
    assert told["rewritten"] == work.document["rewritten"] > 0  # type: ignore[operator]
    assert told == json.loads(work.papers.report.read_text()) == work.papers.last()
    wanted = {item["name"]: (item["set"], item["rotate"]) for item in told["secrets"]}
    assert wanted == {
        "LOVABLE_API_KEY": (True, False), "MAIL_KEY": (True, True), "OTHER_KEY": (False, True),
        "SUPABASE_URL": (True, False),
    }  # fmt: skip


def test_files_and_new_addresses_can_come_after_everything_was_equal(
    source: databases.FreshDatabase, target: Target, tmp_path: Path
) -> None:
    """What users have written and uploaded since stays as it is."""
    with live(source) as opened:
        run(work_of(opened, target, tmp_path), target)
        with pytest.raises(MoveRefused, match="was moved to already"):
            run(work_of(opened, target, tmp_path), target)
        with psycopg.connect(target.database.superuser_dsn, autocommit=True) as admin:
            admin.execute("update public.tasks set body = 'written here' where id = 3")
            admin.execute(
                "insert into storage.objects (bucket_id, name, version)"
                " values ('papers', 'folder/file 1.txt', 'here'), ('papers', 'new.txt', 'v1')"
            )
        files = write_files(tmp_path / "files", FILES)
        (files / "avatars/folder/file 4.txt").unlink()
        late = work_of(opened, target, tmp_path, files)
        assert len(run(late, target)) == 2, "nothing was copied or compared again"
        with pytest.raises(MoveRefused, match="was moved to already"):
            run(work_of(opened, target, tmp_path, files), target)
        assert run(work_of(opened, target, tmp_path, rewrite_to=NEW_URL), target)
    assert target.ask("select body from public.tasks where id = 3") == [("written here",)]
    names = [str(row[0]) for row in target.ask("select name || '@' || version from storage.objects order by 1")]
    assert names == ["folder/file 1.txt@here", *(f"folder/file {n}.txt@v1" for n in (2, 3, 5, 6)), "new.txt@v1"]
    told = late.papers.last()
    assert told["files"]["fetched"] == FILES - 2  # type: ignore[index]
    notes = {item["what"]: item["note"] for item in told["ledger"]["notes"]}  # type: ignore[index]
    assert notes["table data storage.objects"] == (
        "1 rows without bytes at the source were left out; 1 names were taken by uploads here, which stay"
    )
    assert target.ask("select count(*) from public.profiles where avatar_url like 'https://app.example.org/%'") == [
        (30,)
    ]
    assert target.ask("select count(*) from cron.job where command like '%supabase.co%'") == [(0,)]


def test_an_end_of_a_move_that_did_not_come_is_told(
    source: databases.FreshDatabase, target: Target, tmp_path: Path
) -> None:
    with psycopg.connect(target.database.superuser_dsn, autocommit=True) as admin:
        admin.execute("create function public.touch() returns int language sql as 'select 1'")
    with live(source) as opened:
        work = work_of(opened, target, tmp_path)
        with pytest.raises(MoveFailed):
            run(work, target)
        with pytest.raises(MoveFailed, match="has not ended: process"):
            work.papers.last()
        begun = json.loads(work.papers.begun.read_text())
        work.papers.begun.write_text(json.dumps(begun | {"started": "another"}))
        with pytest.raises(MoveFailed, match=r"has not ended$"):
            work.papers.last()


def test_a_source_that_was_refused_is_not_told_of(
    source: databases.FreshDatabase, target: Target, tmp_path: Path, postgres_server: databases.Server
) -> None:
    """A second person moves another source to a place that another move has half filled."""
    (tmp_path / "wrong").mkdir()
    with live(source) as opened:
        work = work_of(opened, target, tmp_path, tmp_path / "wrong")
        with pytest.raises(MoveRefused, match="not one of"):
            run(work, target)
        with pytest.raises(MoveFailed, match="has not ended"):
            work.papers.last()
        assert run(work_of(opened, target, tmp_path), target) == ["Fetch the uploaded files that were left"]
    with databases.fresh_database(postgres_server) as other, live(other) as opened:
        second = work_of(opened, target, tmp_path)
        with pytest.raises(MoveRefused, match="was moved to already"):
            run(second, target)
        assert second.papers.last()["equal"] is True
        with psycopg.connect(target.database.superuser_dsn, autocommit=True) as admin:
            admin.execute("update freehold.moves set status = 'different'")
        with pytest.raises(MoveRefused, match="another source"):
            run(work_of(opened, target, tmp_path), target)
        assert second.papers.last()["equal"] is True


def test_a_source_that_is_the_target_is_left_alone(
    source: databases.FreshDatabase, target: Target, tmp_path: Path
) -> None:
    with live(source) as opened:
        work = work_of(opened, target, tmp_path)
        work.up.database = Database(admin_dsn=Secret(source.superuser_dsn), described="")
        with pytest.raises(MoveRefused, match="are the same database"):
            move_steps.KeepEndsApart(work).run(target.events.append)
        work.up.database = Database(admin_dsn=Secret(target.database.superuser_dsn), described="")
        move_steps.KeepEndsApart(work).run(target.events.append)


def test_a_place_that_nothing_was_moved_to_is_not_compared(
    source: databases.FreshDatabase, target: Target, tmp_path: Path
) -> None:
    for own in (None, Secret("postgresql://127.0.0.1/x")):
        with pytest.raises(MoveRefused, match="nothing was moved"):
            move_here.refuse_new(Place(root=tmp_path / "new"), own, "freehold move")
    with live(source) as opened, pytest.raises(MoveRefused, match="nothing was moved"):
        move_steps.CompareEverything(work_of(opened, target, tmp_path)).run(target.events.append)
