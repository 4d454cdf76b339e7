"""Lovable's marks in files, code and history."""

import json
from pathlib import Path

import pytest
from lovable_app import FILES, commit, write

from freehold.builders import registry
from freehold.core.app import App, Match


def _only(app: App) -> Match | None:
    matches = registry.recognise(app)
    return matches[0] if matches else None


def _package(**changes: object) -> str:
    return json.dumps(json.loads(FILES["package.json"]) | changes)


def test_an_app_with_all_its_marks_is_lovable_with_evidence_by_file_and_line(tmp_path: Path) -> None:
    match = _only(write(tmp_path))
    assert match is not None
    assert (match.builder, match.generation) == ("lovable", "vite-2025-07")
    assert match.score >= 20
    tagger = next(item for item in match.evidence if "tags components" in item.text)
    assert (tagger.path, tagger.line) == ("vite.config.ts", 2)
    assert [item.weight for item in match.evidence] == sorted((item.weight for item in match.evidence), reverse=True)


def test_an_app_of_nobody_is_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "plain", "dependencies": {"express": "5"}}')
    assert registry.recognise(App(root=tmp_path, origin="x", name="x")) == ()


def test_an_app_without_marks_but_with_the_builders_migrations_and_client_is_still_sure(tmp_path: Path) -> None:
    bare = {"package.json": '{"name": "mine"}', "vite.config.ts": None, "README.md": None}
    match = _only(write(tmp_path, bare))
    assert match is not None
    assert match.score == 7


def test_commits_of_the_builder_count_by_their_number(tmp_path: Path) -> None:
    bare = dict.fromkeys(FILES) | {"package.json": '{"name": "mine"}'}
    app = write(tmp_path, bare)
    commit(tmp_path, author="gpt-engineer-app[bot]")
    first = _only(app)
    for _ in range(2):
        commit(tmp_path, author="lovable-dev[bot]")
    later = _only(app)
    assert first is not None
    assert later is not None
    assert (first.score, later.score) == (3, 5)


def test_a_service_named_in_code_counts_also_without_git(tmp_path: Path) -> None:
    bare = dict.fromkeys(FILES) | {
        "package.json": '{"name": "mine"}',
        "src/ai.ts": '\nfetch("https://ai.gateway.lovable.dev/v1/chat/completions");\n',
    }
    app = write(tmp_path, bare)
    for _ in range(2):
        match = _only(app)
        assert match is not None
        assert [(item.weight, item.path, item.line) for item in match.evidence] == [(4, "src/ai.ts", 2)]
        commit(tmp_path)


def test_modules_and_built_files_are_not_evidence(tmp_path: Path) -> None:
    bare = dict.fromkeys(FILES) | {
        "package.json": '{"name": "mine"}',
        "node_modules/x/index.js": "LOVABLE_API_KEY",
        "dist/x.js": "LOVABLE_API_KEY",
    }
    assert registry.recognise(write(tmp_path, bare)) == ()


@pytest.mark.parametrize(
    ("changes", "generation"),
    [
        (
            {
                ".env": None,
                "src/integrations/supabase/client.ts": 'createClient("https://x.supabase.co", "key")',
                "index.html": '<script src="https://cdn.gpteng.co/gptengineer.js" type="module"></script>',
            },
            "vite-2025-01",
        ),
        ({}, "vite-2025-07"),
        ({"package.json": _package(devDependencies={"vitest": "3"})}, "vite-2026-01"),
        ({".lovable/plan.md": "plan"}, "vite-2026-01"),
        ({"package.json": _package(dependencies={"@tanstack/react-start": "1"})}, "tanstack-2026-05"),
        (
            {
                "package.json": _package(dependencies={"@tanstack/react-start": "1"}),
                ".lovable/project.json": '{"schemaVersion": 1, "revision": "a"}',
            },
            "tanstack-2026-08",
        ),
    ],
)
def test_each_generation_is_told_apart(tmp_path: Path, changes: dict[str, str | None], generation: str) -> None:
    match = _only(write(tmp_path, changes))
    assert match is not None
    assert match.generation == generation


def test_a_builder_is_found_by_name_or_refused_with_the_known_names() -> None:
    assert registry.builder("lovable").name == "lovable"
    with pytest.raises(Exception, match="does not know") as caught:
        registry.builder("nobody")
    assert "lovable" in getattr(caught.value, "detail", "")
