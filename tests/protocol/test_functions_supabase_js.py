"""supabase.functions of an unmodified supabase-js, and an unmodified supabase-js inside a function."""

from pathlib import Path

import pytest
from functions_world import DENO, PUBLISHABLE, served, token
from node_client import Speak

from freehold.core.inventory import EdgeFunction
from freehold.releases import functions
from freehold.runtime.settings import FunctionSettings

pytestmark = [pytest.mark.protocol, pytest.mark.skipif(not DENO, reason="Deno is not installed")]

SOURCES = {
    "echo": """Deno.serve(async (req) => {
      const url = new URL(req.url);
      return Response.json({
        method: req.method, path: url.pathname + url.search, body: await req.text(),
        type: req.headers.get("content-type"), own: req.headers.get("x-own"),
        authorization: req.headers.get("authorization"),
      });
    });""",
    "bytes": """const kind = { headers: { "content-type": "application/octet-stream" } };
    Deno.serve((req) => new Response(req.body, kind));""",
    "refuses": """Deno.serve(() => Response.json({ error: "Payment required" }, { status: 402 }));""",
    "stream": """Deno.serve(() => {
      const text = new TextEncoder();
      const body = new ReadableStream({ async start(c) {
        c.enqueue(text.encode("data: 1\\n\\n"));
        await new Promise((r) => setTimeout(r, 200));
        c.enqueue(text.encode("data: 2\\n\\n"));
        c.close();
      } });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });""",
    "inside": """
    import { serve } from "https://deno.land/std@0.168.0/http/server.ts";
    import { createClient } from "https://esm.sh/@supabase/supabase-js@2";
    serve(async (req) => {
      const client = createClient(Deno.env.get("SUPABASE_URL")!, Deno.env.get("SUPABASE_ANON_KEY")!, {
        global: { headers: { Authorization: req.headers.get("Authorization")! } } });
      const { data, error } = await client.from("todos").select("*");
      return Response.json(error ?? data);
    });""",
}


async def test_functions_answer_an_unmodified_client(tmp_path: Path, speak: Speak) -> None:
    root = tmp_path / "app"
    made = []
    for name, source in SOURCES.items():
        entry = f"supabase/functions/{name}/index.ts"
        (root / entry).parent.mkdir(parents=True)
        (root / entry).write_text(source)
        made.append(EdgeFunction(name=name, entry=entry))
    vendored = functions.vendor(root, made, tmp_path / "artifact", deno=DENO, report=lambda _: None)
    if functions.problems(vendored):
        pytest.skip(f"npm's registry cannot be reached: {functions.problems(vendored)}")
    settings = tuple(
        FunctionSettings(**(item | {"directory": Path(str(item["directory"]))}))  # type: ignore[arg-type]
        for item in functions.settings(tmp_path / "artifact")
    )
    async with served(tmp_path / "s", settings) as world:
        outcomes = await speak(
            "functions_invoke.mjs",
            URL=world.url,
            PUBLISHABLE=PUBLISHABLE,
            OLD_KEY="the-old-anon-key",
            ANN_TOKEN=token("authenticated", sub="00000000-0000-0000-0000-00000000000a"),
        )
        problems = [item for item in outcomes if not item["ok"]]
        assert problems == [], problems
    assert len(outcomes) == 9
