"""What functions import is fetched at build time, and a release then starts without any network."""

import json
import subprocess
from pathlib import Path

import aiohttp
import pytest
from functions_world import DENO, served
from npm_registry import npm_registry

from freehold.core.app import App
from freehold.core.event import Event
from freehold.core.inventory import EdgeFunction, Inventory
from freehold.flows import up_build
from freehold.flows.up_work import Build
from freehold.kit import files
from freehold.kit.deno import Graph
from freehold.releases import function_versions, functions
from freehold.runtime.settings import FunctionSettings
from freehold.targets.local.place import Place

pytestmark = [
    pytest.mark.skipif(not DENO, reason="Deno is not installed"),
    pytest.mark.skipif(
        subprocess.run(["npm", "view", "is-odd", "version"], capture_output=True, check=False).returncode != 0,
        reason="npm's registry cannot be reached",
    ),
]

SHARED = 'export const cors = { "Access-Control-Allow-Origin": "*" };'
CLASSIC = """
import { serve } from "https://deno.land/std@0.168.0/http/server.ts";
import { createClient } from "https://esm.sh/@supabase/supabase-js@2.45.0?target=deno";
import "https://deno.land/x/xhr@0.1.0/mod.ts";
import "jsr:@supabase/functions-js/edge-runtime.d.ts";
import { encode } from "std/encoding/base64.ts";
import { decodeHex, encodeHex } from "jsr:@std/encoding@1/hex";
import { v4 } from "jsr:@std/uuid@1";
import { crypto } from "https://deno.land/std@0.190.0/crypto/mod.ts";
import { Status, STATUS_CODE } from "https://deno.land/std@0.190.0/http/http_status.ts";
import { delay } from "https://deno.land/std@0.190.0/async/delay.ts";
import { z } from "zod";
import type { Nothing } from "https://esm.sh/a-package-that-is-only-a-type@1";
import { cors } from "../_shared/cors.ts";
import data from "./data.json" with { type: "json" };
const late = await import("https://deno.land/x/gone@1/mod.ts").catch(() => "caught");
serve(async (req: Request) => {
  await delay(1);
  const md5 = await crypto.subtle.digest("MD5", new TextEncoder().encode("a"));
  return Response.json({
    client: typeof createClient, base64: encode("hi"), hex: encodeHex(decodeHex("00ff")),
    uuid: v4.validate(v4.generate()),
    md5: encodeHex(md5), status: [Status.NotFound, STATUS_CODE.NotFound], zod: z.string().parse("z"), late, data,
    text: await Deno.readTextFile(new URL("./page.html", import.meta.url)), key: crypto.randomUUID().length,
  }, { headers: cors });
}, { port: 8000, onListen: () => {} });
"""
MAIL = """
import { render } from "npm:preact-render-to-string@6";
Deno.serve(() => new Response(render(<b>hello</b>)));
"""
BROKEN = """
import a from "https://deno.land/x/deno_dom@v0.1.38/mod.ts";
import b from "npm:a-package-that-nobody-has-published-for-freehold@1";
import c from "./gone.ts";
Deno.serve(() => new Response(`${a}${b}${c}`));
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("app")
    folder = root / "supabase/functions"
    sources = {
        "_shared/cors.ts": SHARED,
        "classic/index.ts": CLASSIC,
        "classic/data.json": '{"a": 1}',
        "classic/page.html": "<p>",
        "classic/deno.json": '{ /* own */ "imports": { "zod": "https://deno.land/x/zod@v3.22.4/mod.ts", '
        '"std/": "https://deno.land/std@0.168.0/" } }',
        "mail/index.tsx": MAIL,
        "mail/deno.json": '{"compilerOptions": '
        '{"jsx": "react-jsx", "jsxImportSource": "https://esm.sh/preact@10.22.0"}}',
        "broken/index.ts": BROKEN,
    }
    for name, text in sources.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return root


FUNCTIONS = (
    EdgeFunction(
        name="classic",
        entry="supabase/functions/classic/index.ts",
        import_map="supabase/functions/classic/deno.json",
        verify_jwt=False,
    ),
    EdgeFunction(
        name="mail",
        entry="supabase/functions/mail/index.tsx",
        import_map="supabase/functions/mail/deno.json",
        verify_jwt=False,
    ),
    EdgeFunction(name="broken", entry="supabase/functions/broken/index.ts", verify_jwt=False),
)


@pytest.fixture(scope="module")
def built(app: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event], dict[str, str]]:
    destination = tmp_path_factory.mktemp("artifact")
    events: list[Event] = []
    before = _contents(app)
    vendored = functions.vendor(app, FUNCTIONS, destination, deno=DENO, report=events.append)
    assert _contents(app) == before, "the app is never changed"
    return destination, events, functions.problems(vendored)


def test_what_cannot_be_fetched_is_named_and_stops_nothing_else(
    built: tuple[Path, list[Event], dict[str, str]],
) -> None:
    artifact, events, problems = built
    assert set(problems) == {"broken"}
    detail = str(events[0].values["detail"])
    for line, specifier in ((2, "https://deno.land/x/deno_dom"), (3, "npm:a-package-that-nobody"), (4, "./gone.ts")):
        assert f"supabase/functions/broken/index.ts:{line} imports {specifier}" in detail
    assert [item["name"] for item in functions.settings(artifact)] == ["broken", "classic", "mail"]


async def test_a_release_starts_without_a_network(
    built: tuple[Path, list[Event], dict[str, str]], tmp_path: Path
) -> None:
    settings = tuple(
        FunctionSettings(**(item | {"directory": Path(str(item["directory"]))}))  # type: ignore[arg-type]
        for item in functions.settings(built[0])
    )
    offline = ("0.0.0.0/0",)
    async with (
        served(tmp_path / "s", settings, function_denied_addresses=offline) as world,
        aiohttp.ClientSession() as http,
    ):
        answer = await http.get(world.address("classic"))
        assert answer.status == 200, world.log("classic")
        got = await answer.json()
        assert await (await http.get(world.address("mail"))).text() == "<b>hello</b>"
        broken = await http.get(world.address("broken"))
        assert (broken.status, (await broken.json())["code"]) == (503, "BOOT_ERROR")
        assert "deno_dom" in world.log("broken")[0]["text"]
    assert len(got.pop("md5")) == 32
    assert got == {
        "client": "function", "base64": "aGk=", "hex": "00ff", "uuid": True, "status": [404, 404], "zod": "z",
        "late": "caught", "data": {"a": 1}, "text": "<p>", "key": 36,
    }  # fmt: skip


def test_the_same_sources_give_the_same_artifact(
    app: Path, built: tuple[Path, list[Event], dict[str, str]], tmp_path: Path
) -> None:
    functions.vendor(app, FUNCTIONS, tmp_path, deno=DENO, report=lambda _: None)
    assert _contents(tmp_path) == _contents(built[0])


def test_a_version_that_the_registry_lacks_is_replaced_by_its_neighbour_and_told() -> None:
    missing = "Could not find npm package '@base44/sdk' matching '0.8.21'."
    problems = {
        "npm:@base44/sdk@0.8.21": missing,
        "npm:/zod@3.0.99/v4": missing,
        "npm:zod@^9": missing,
        "npm:left-pad@1.0.0": "Permission denied",
    }
    found = function_versions.nearest(Graph(imports=(), modules=(), problems=problems))
    assert found == {"npm:@base44/sdk@0.8.21": "npm:@base44/sdk@~0.8.21", "npm:/zod@3.0.99/v4": "npm:zod@~3.0.99/v4"}


@pytest.mark.parametrize(("age", "starts"), [(30, True), (4, False)])
def test_packages_of_a_week_ago_are_taken_where_todays_want_one_that_is_not_there(
    age: int, *, starts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = tmp_path / "supabase/functions/outer/index.ts"
    entry.parent.mkdir(parents=True)
    entry.write_text('import outer from "npm:outer@^1";\nDeno.serve(() => new Response(outer));\n')
    function = EdgeFunction(name="outer", entry="supabase/functions/outer/index.ts", verify_jwt=False)
    told: list[Event] = []
    with npm_registry({"outer": {"1.0.0": (age, {}), "1.1.0": (3, {"not-there-yet": "^1.0.0"})}}) as address:
        monkeypatch.setenv("npm_config_registry", address)
        (vendored,) = functions.vendor(tmp_path, [function], tmp_path / "built", deno=DENO, report=told.append)
    assert (vendored.problem is None) is starts
    assert "not-there-yet" in str(told[-1].text)
    if starts:
        assert "as they were 7 days ago" in str(told[-1].text)
        assert '"npm:outer@1": "1.0.0"' in (tmp_path / "built/functions/outer/deno.lock").read_text()


def test_a_config_that_is_no_json_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "app/supabase/functions/odd"
    folder.mkdir(parents=True)
    (folder / "index.ts").write_text("Deno.serve(() => new Response());")
    (folder / "deno.json").write_text("{ nonsense")
    function = EdgeFunction(
        name="odd", entry="supabase/functions/odd/index.ts", import_map="supabase/functions/odd/deno.json"
    )
    (made,) = functions.vendor(tmp_path / "app", (function,), tmp_path / "out", deno=DENO, report=lambda _: None)
    assert made.problem is not None
    assert "supabase/functions/odd/deno.json is no JSON" in made.problem.message
    assert json.loads((tmp_path / "out/functions.json").read_text())[0]["problem"] == made.problem.message


def _contents(root: Path) -> dict[str, str]:
    return {name: files.sha256(root / name) for name in files.list_files(root)}


def _work(root: Path, place: Place, *made: EdgeFunction) -> Build:
    inventory = Inventory(builder="lovable", generation="vite", functions=made)
    return Build(place=place, app=App(root=root, origin=str(root), name="app"), inventory=inventory)


def test_a_function_that_cannot_be_parsed_is_named_with_its_line_and_read_once(tmp_path: Path) -> None:
    entry = "supabase/functions/garbled/index.ts"
    (tmp_path / "app" / entry).parent.mkdir(parents=True)
    (tmp_path / "app" / entry).write_text("Deno.serve(() => new Response(`a`;\n")
    place = Place(tmp_path / "place")
    place.prepare()
    events: list[Event] = []
    digests = set()
    for _ in range(2):
        work = _work(tmp_path / "app", place, EdgeFunction(name="garbled", entry=entry))
        up_build.build(work, events.append)
        digests.add(work.artifact_digest)
        assert f"{entry} cannot be parsed" in work.functions_not_startable["garbled"]
    assert ["garbled" in event.text for event in events] == [True, True]
    assert len(digests) == 1
    assert len(list((place.artifacts / ".functions").iterdir())) == 1


def test_functions_that_were_fetched_once_come_up_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {"good": 'import "npm:is-odd@3.0.1";', "bad": 'import "npm:a-package-that-nobody-has-ever-made@1";'}
    made = []
    for name, text in sources.items():
        entry = f"supabase/functions/{name}/index.ts"
        (tmp_path / "app" / entry).parent.mkdir(parents=True)
        (tmp_path / "app" / entry).write_text(text)
        made.append(EdgeFunction(name=name, entry=entry))
    place = Place(tmp_path / "place")
    place.prepare()
    for address in ("", "http://127.0.0.1:9/"):
        if address:
            monkeypatch.setenv("npm_config_registry", address)
        work = _work(tmp_path / "app", place, *made)
        events: list[Event] = []
        up_build.build(work, events.append)
        assert set(work.functions_not_startable) == {"bad"}
        assert {event.values["function"] for event in events} == {"bad"}, "what is served is told, not what was tried"
