"""Users who call at the same moment, in every way an app has: nobody gets what is another's."""

import gc
from pathlib import Path

import pytest

from freehold.core.errors import ProgramMissing
from freehold.kit import programs
from freehold.testing import crowd
from freehold.testing.database import FreshDatabase


async def test_nobody_gets_what_is_anothers(
    database: FreshDatabase, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        programs.deno(), programs.node()
    except ProgramMissing as missing:
        pytest.skip(missing.message)
    gc.collect()
    caplog.clear()  # what earlier tests have left behind is not of these users
    outcome = await crowd.run(database, tmp_path, calls=1000, users=20)
    assert outcome.wrong == []
    assert {*outcome.calls} == {*crowd.KINDS}
    assert outcome.calls.total() == 1000
    gc.collect()
    assert [record.message for record in caplog.records if "destroyed" in record.message] == [], "lost connections"


async def test_a_mix_up_would_be_seen(database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that remembers its last caller, as a careless one does, is found out."""
    careless = crowd.SERVER.replace("const cookie =", "const cookie = last ??=")
    monkeypatch.setattr(crowd, "SERVER", f"let last;\n{careless}")
    outcome = await crowd.run(database, tmp_path, calls=200, users=5)
    assert outcome.wrong != []
    assert {line.split(" of ")[0] for line in outcome.wrong} == {"page"}
