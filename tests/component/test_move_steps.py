"""What the steps of a move leave in the report: on this machine, and in the database that was moved to."""

import json
from pathlib import Path

from move_world import Target, live
from supabase_project import OLD_REF, OLD_URL

from freehold.core.app import App
from freehold.core.inventory import BackendAddress, EdgeFunction, Inventory
from freehold.core.secret import Secret
from freehold.data.move import ledger
from freehold.flows import move_steps
from freehold.flows.move_papers import papers_of
from freehold.flows.move_work import MoveWork, Request
from freehold.flows.up_work import Work
from freehold.secrets.age import AgeStore
from freehold.targets.local import keys
from freehold.targets.local.place import Place
from freehold.testing import database as databases

NEW_URL = "https://app.example.org"


def test_the_report_of_the_database_knows_what_was_rewritten(
    source: databases.FreshDatabase, target: Target, tmp_path: Path
) -> None:
    place = Place(root=tmp_path / "place")
    place.prepare()
    reads = ("LOVABLE_API_KEY", "MAIL_KEY", "OTHER_KEY", "SUPABASE_URL")
    function = EdgeFunction(name="send", entry="send/index.ts", verify_jwt=True, imports=(), secrets=reads)
    backend = BackendAddress(url=OLD_URL, project_ref=OLD_REF)
    inventory = Inventory(builder="lovable", generation="", backend=backend, functions=(function,))
    with live(source) as opened:
        store = AgeStore(place.secrets, tmp_path / "identity")
        app = App(root=tmp_path, origin=str(tmp_path), name="app")
        work = MoveWork(
            request=Request(source=Secret(source.superuser_dsn), app=str(tmp_path), rewrite_to=NEW_URL),
            place=place,
            papers=papers_of(place),
            inventory=inventory,
            secrets=("MAIL_KEY",),
            source=opened,
            files=None,
            up=Work(
                place=place,
                app=app,
                inventory=inventory,
                keys=keys.load_or_make(store),
                secrets=store,
                database_url=None,
            ),
            there=target.destination,
        )
        for step in (move_steps.BringEverything, move_steps.CompareEverything, move_steps.RewriteAddresses):
            before = dict(work.document)
            step(work).run(target.events.append)
    assert before["old_addresses"]
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
