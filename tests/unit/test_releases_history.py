"""Which release is gone back to, which ones go, when one is sick, and what is different between two."""

import dataclasses

import pytest

from freehold.core.release import COLD, LIVE, STAGED, WARM, Manifest, Release, Standing, Traffic
from freehold.releases import compare, history, locked, watch


def release(number: int, **changes: object) -> Release:
    base = Release(
        id=str(number),
        number=number,
        artifact="a",
        config={"max_rows": 1000},
        secrets={"KEY": "1"},
        schema_revision="r",
        runtime="1",
        created_at="",
    )
    return dataclasses.replace(base, **changes)


def standing(number: int, state: str, **changes: object) -> Standing:
    live_since = "" if state == STAGED else f"2026-01-{number:02}"
    return Standing(release=release(number), state=state, **({"live_since": live_since} | changes))


def test_the_way_back_skips_what_is_bad_and_what_never_was_live() -> None:
    standings = [standing(1, COLD), standing(2, COLD), standing(3, COLD, bad="sick"), standing(4, STAGED)]
    found = history.previous([*standings, standing(5, LIVE)])
    assert found is not None
    assert found.release.number == 2


def test_going_back_twice_goes_back_further() -> None:
    found = history.previous([standing(1, COLD), standing(2, LIVE), standing(3, WARM)])
    assert found is not None
    assert found.release.number == 1


def test_there_is_no_way_back_from_the_first() -> None:
    assert history.previous([standing(1, LIVE), standing(2, WARM)]) is None
    assert history.previous([]) is None


def test_pruning_keeps_the_newest_the_live_the_warm_the_pinned_and_the_way_back() -> None:
    standings = [
        standing(1, COLD),
        standing(2, COLD, pinned=True),
        standing(3, COLD),
        standing(4, LIVE),
        standing(5, WARM),
        standing(6, STAGED),
        standing(7, STAGED),
    ]
    assert history.prunable(standings, 1) == (1, 6)
    assert history.prunable(standings, 5) == (1,)
    assert history.prunable(standings, 100) == ()


def test_the_same_again_is_the_same_release_unless_it_is_bad() -> None:
    draft = release(9, created_at="later", created_by="anna", message="again", source={"commit": "x"}, id="other")
    newest = standing(2, COLD)
    assert history.again([standing(1, LIVE), newest], draft) == newest
    assert history.again([standing(1, LIVE), dataclasses.replace(newest, bad="sick")], draft) is None
    assert history.again([newest], dataclasses.replace(draft, secrets={"KEY": "2"})) is None
    assert history.again([newest], dataclasses.replace(draft, config={"max_rows": 5})) is None
    assert history.again([], draft) is None


@pytest.mark.parametrize(
    ("seen", "before", "sick"),
    [
        ((100, 0), (1000, 0), False),
        ((4, 4), (1000, 0), False),
        ((5, 5), (1000, 0), True),
        ((100, 5), (1000, 0), False),
        ((100, 6), (1000, 0), True),
        ((100, 20), (1000, 100), False),
        ((100, 40), (1000, 100), True),
        ((100, 6), (0, 0), True),
    ],
)
def test_a_release_is_sick_when_it_fails_far_more_often_than_the_one_before(
    seen: tuple[int, int], before: tuple[int, int], sick: bool
) -> None:
    traffic = [Traffic(requests=requests, failed=failed) for requests, failed in (seen, before)]
    assert watch.is_sick(*traffic) is sick


def test_counters_that_began_anew_count_from_nothing() -> None:
    now = Traffic(requests=3, failed=1)
    assert watch.since(Traffic(requests=100, failed=50), now) == now
    assert watch.since(Traffic(requests=1, failed=1), now) == Traffic(requests=2, failed=0)


def test_a_comparison_names_everything_that_is_different() -> None:
    was = Manifest(
        code={"src/a.ts": "1", "src/b.ts": "1"},
        dependencies={"react": "18.0.0", "zod": "3.0.0"},
        environment={"VITE_URL": "build"},
        functions={"mail": "1"},
        files={"assets/index-abc.js": 100, "index.html": 10},
        schema={"column public.todos.title": "text", "policy public.todos read": "permissive", "grant SELECT": ""},
    )
    now = Manifest(
        code={"src/a.ts": "2", "src/c.ts": "1"},
        dependencies={"react": "19.0.0", "zod": "3.0.0"},
        environment={"VITE_URL": "build", "STRIPE_KEY": "functions"},
        functions={"mail": "2"},
        files={"assets/index-def.js": 150, "index.html": 10},
        schema={"column public.todos.title": "integer", "policy public.todos read": "restrictive"},
    )
    newer = release(
        2, secrets={"KEY": "2"}, config={"max_rows": 10, "auth": {"site_url": "x"}}, runtime="2", artifact="b"
    )
    found = compare.compare((release(1), was), (newer, now))
    sections = found.sections
    assert sections["code"] == compare.Difference(
        added={"src/c.ts": "1"}, removed={"src/b.ts": "1"}, changed={"src/a.ts": ("1", "2")}
    )
    assert sections["dependencies"].changed == {"react": ("18.0.0", "19.0.0")}
    assert sections["environment"].added == {"STRIPE_KEY": "functions"}
    assert sections["functions"].changed == {"mail": ("1", "2")}
    assert sections["secrets"].changed == {"KEY": ("1", "2")}
    assert sections["schema"].changed == {"column public.todos.title": ("text", "integer")}
    assert sections["policies"].changed == {"policy public.todos read": ("permissive", "restrictive")}
    assert sections["policies"].removed == {"grant SELECT": ""}
    assert sections["configuration"].changed == {"max_rows": ("1000", "10")}
    assert sections["configuration"].added == {"auth.site_url": "x"}
    assert sections["runtime"].changed == {"runtime": ("1", "2")}
    assert (found.bundle_bytes, found.largest, found.same) == ((110, 160), {"js": 50}, False)
    assert compare.compare((release(1), was), (release(2), was)).same


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package-lock.json", '{"packages": {"": {}, "node_modules/@a/b": {"version": "1.2.3"}}}'),
        ("bun.lock", '{\n  "packages": {\n    "@a/b": ["@a/b@1.2.3", "", {}, "sha512-x"],\n  }\n}'),
        ("pnpm-lock.yaml", "packages:\n\n  '@a/b@1.2.3':\n    resolution: {}\n"),
        ("yarn.lock", '"@a/b@^1.0.0":\n  version "1.2.3"\n'),
        ("yarn.lock", '"@a/b@npm:^1.0.0":\n  version: 1.2.3\n'),
    ],
)
def test_versions_are_read_from_every_lock_file(name: str, text: str) -> None:
    assert locked.versions(f"web/{name}", text) == {"@a/b": "1.2.3"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"packages": 3}', "\x00"])
def test_a_lock_file_that_cannot_be_read_fixes_nothing(text: str) -> None:
    assert locked.versions("package-lock.json", text) == {}
    assert locked.versions("bun.lockb", text) == {}
