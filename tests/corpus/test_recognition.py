"""Public repositories at fixed commits: the right builder first, and no builder for what none made.

Nothing of them is kept here but their names. FREEHOLD_CORPUS names a folder with one checkout a repository, in a
folder of the name that the two lists give it, with its history.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from freehold.builders import registry
from freehold.core.app import App

HERE = Path(__file__).parent
APPS = json.loads((HERE / "apps.json").read_text())
UNRELATED = json.loads((HERE / "unrelated.json").read_text())
SURE = 5


def _app(case: dict[str, str]) -> App:
    corpus = os.environ.get("FREEHOLD_CORPUS")
    if not corpus:
        pytest.skip("FREEHOLD_CORPUS is not set: it names a folder of checkouts")
    root = Path(corpus) / case["folder"]
    if not root.is_dir():
        pytest.skip(f"{case['repository']} is not in the corpus")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True)
    assert head.stdout.strip() == case["commit"], f"{case['repository']} is checked out at another commit"
    return App(root=root, origin=case["repository"], name=case["folder"])


@pytest.mark.parametrize("case", APPS, ids=lambda case: case["folder"])
def test_the_right_builder_comes_first_and_is_sure_and_the_app_is_read(case: dict[str, str]) -> None:
    app = _app(case)
    matches = registry.recognise(app)
    assert [match.builder for match in matches[:1]] == [case["builders"][0]]
    assert set(case["builders"]) <= {match.builder for match in matches}
    assert matches[0].score >= SURE
    assert registry.builder(matches[0].builder).read(app).builder == matches[0].builder


@pytest.mark.parametrize("case", UNRELATED, ids=lambda case: case["folder"])
def test_a_repository_that_no_builder_made_is_not_claimed(case: dict[str, str]) -> None:
    assert all(match.score < SURE for match in registry.recognise(_app(case)))


def test_the_lists_name_enough_repositories_each_once() -> None:
    names = [case["repository"] for case in (*APPS, *UNRELATED)]
    assert len(UNRELATED) >= 40
    assert len(set(names)) == len(names)
