"""A small app for servers: one page, one hashed script, a function that streams events, a table open to all."""

import json
from dataclasses import replace
from pathlib import Path

from server_load import STREAM_EVENTS

from freehold.core.release import Lease, Manifest, Release
from freehold.kit import postgres
from freehold.releases.artifact import digest_of
from freehold.targets.server.target import ServerTarget

TICKS = """Deno.serve(() => {
  let sent = 0;
  const body = new ReadableStream({
    async pull(controller) {
      if (sent === %d) return controller.close();
      await new Promise((done) => setTimeout(done, 300));
      controller.enqueue(new TextEncoder().encode(`data: ${++sent}\\n\\n`));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
});
"""
TABLE = """
create table if not exists public.notes (id bigint generated always as identity primary key, body text);
grant insert, select on public.notes to anon, authenticated;
"""


def make_release(folder: Path, number: int, text: str = "") -> tuple[Release, dict[str, Path]]:
    """Build release `number` below `folder`; its page says which it is."""
    site, functions = folder / f"site{number}", folder / f"functions{number}"
    (site / "assets").mkdir(parents=True)
    (site / "index.html").write_text(f"<h1>{text or f'release {number}'}</h1>https://freehold-origin.invalid")
    (site / f"assets/app-{number}.js").write_text(f"say({number})")
    (functions / "ticks").mkdir(parents=True)
    (functions / "ticks/index.ts").write_text(TICKS % STREAM_EVENTS)
    (functions / "ticks/deno.json").write_text("{}")
    parts = {}
    for name, path in (("site", site), ("functions", functions)):
        digest = digest_of(path)
        parts[name] = folder / digest
        if not parts[name].exists():
            path.rename(parts[name])
    function = {"name": "ticks", "directory": {"$part": "functions", "path": "ticks"}, "entry": "index.ts"}
    release = Release(
        id=f"20270101-0000-{parts['site'].name[:7]}",
        number=number,
        app="shop",
        artifact=parts["site"].name,
        parts={name: path.name for name, path in parts.items()},
        config={
            "site_directory": {"$part": "site", "path": ""},
            "functions": [{**function, "verify_jwt": False}],
        },
        secrets={},
        schema_revision="0",
        runtime="0.1.0",
        created_at="2027-01-01T00:00:00Z",
    )
    return release, parts


def make_table(target: ServerTarget) -> None:
    """Let anyone add notes."""
    with target.database() as (_, owner), postgres.connect(owner) as connection:
        connection.execute(TABLE)


def bring(target: ServerTarget, lease: Lease, release: Release, parts: dict[str, Path]) -> None:
    """Upload and record a release."""
    target.push(lease, parts, lambda _: None)
    target.add(lease, release, Manifest())


def with_setting(release: Release, name: str, value: object) -> Release:
    """The same release with one setting more."""
    return replace(release, config=json.loads(json.dumps(release.config)) | {name: value})
