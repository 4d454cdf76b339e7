"""Every rule finds the flaw that was planted for it, and stays silent about what looks alike."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import flaws
import lovable_app
import pytest
import tiny_base44

from freehold.audit import registry
from freehold.core.errors import ProgramMissing
from freehold.core.event import Event
from freehold.core.finding import Finding
from freehold.flows.check import Checked, Request, check
from freehold.kit import programs

SQL = re.compile(r"\s*(?:alter|revoke|grant|drop|update|create)\s")


def silent(_event: Event) -> None:
    pass


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[dict[str, str | None]], Checked]]:
    try:
        programs.postgres()
    except ProgramMissing as missing:
        pytest.skip(f"no PostgreSQL here: {missing.message}")
    done: dict[int, Checked] = {}

    def run(changes: dict[str, str | None]) -> Checked:
        if id(changes) not in done:
            root = tmp_path_factory.mktemp("app")
            lovable_app.write(root, changes)
            lovable_app.commit(root)
            done[id(changes)] = check(Request(origin=str(root)), silent)
        return done[id(changes)]

    return run


def said(findings: tuple[Finding, ...]) -> list[str]:
    return [f"{item.rule}: {item.title} ({item.proofs[0].path or item.proofs[0].object})" for item in findings]


def test_the_flawed_app_replays_completely(checked: Callable[[dict[str, str | None]], Checked]) -> None:
    schema = checked(flaws.FLAWED).schema
    assert schema is not None
    assert [failure.message for failure in schema.failures] == []


@pytest.mark.parametrize("rule", [rule.card.id for rule in registry.RULES])
def test_each_planted_flaw_is_found(checked: Callable[[dict[str, str | None]], Checked], rule: str) -> None:
    found = checked(flaws.FLAWED).findings
    assert rule in {finding.rule for finding in found}, said(found)


def test_what_looks_alike_is_not_reported(checked: Callable[[dict[str, str | None]], Checked]) -> None:
    result = checked(flaws.RIGHT)
    assert said(result.findings) == []
    assert result.schema is not None
    assert [failure.message for failure in result.schema.failures] == []


def test_addresses_that_callers_send_and_that_users_store_are_told_apart(
    checked: Callable[[dict[str, str | None]], Checked],
) -> None:
    found = {item.title: item for item in checked(flaws.FLAWED).findings if item.rule == "request-to-any-address"}
    sent = found["A server fetches any address that its caller sends"]
    stored = found["A server fetches addresses that users have stored"]
    assert [proof.path for proof in sent.proofs] == [
        "src/lib/preview.functions.ts",
        "supabase/functions/proxy/index.ts",
    ]
    assert [proof.path for proof in stored.proofs] == ["supabase/functions/send-hooks/index.ts"]
    assert (stored.severity, stored.confidence) == ("low", "possible")


def test_a_function_that_can_run_is_told_whatever_words_it_begins_with(
    checked: Callable[[dict[str, str | None]], Checked],
) -> None:
    said_of = [item.title for item in checked(flaws.FLAWED).findings if item.rule == "definer-function-open"]
    assert [any(name in title for title in said_of) for name in ("give_points", "raise_points")] == [True, True]


def test_the_service_key_gives_nothing_more_where_only_open_tables_are_read(
    checked: Callable[[dict[str, str | None]], Checked],
) -> None:
    told = {
        rule: " ".join(item.title for item in checked(flaws.FLAWED).findings if item.rule == rule)
        for rule in ("function-with-every-right-open", "function-with-paid-key-open")
    }
    assert "guide" not in told["function-with-every-right-open"]
    assert "guide" in told["function-with-paid-key-open"]


def test_a_role_that_nothing_reads_is_told_as_what_it_is(
    tmp_path: Path, checked: Callable[[dict[str, str | None]], Checked]
) -> None:
    read = [item for item in checked(flaws.FLAWED).findings if item.rule == "self-escalation"]
    assert [(item.severity, item.confidence) for item in read] == [("high", "proven")]
    lovable_app.write(tmp_path, flaws.FLAWED | {"supabase/migrations/20260301000000_roles.sql": flaws.ROLES_ELSEWHERE})
    lovable_app.commit(tmp_path)
    found = [item for item in check(Request(origin=str(tmp_path)), silent).findings if item.rule == "self-escalation"]
    assert [(item.severity, item.confidence) for item in found] == [("low", "proven")]
    assert [proof.object for proof in found[0].proofs[:2]] == ["table public.profiles", "table public.user_roles"]


def test_a_public_view_that_strangers_write_through_is_told(
    checked: Callable[[dict[str, str | None]], Checked],
) -> None:
    titles = [item.title for item in checked(flaws.FLAWED).findings if item.rule == "view-past-row-security"]
    assert "View scores_public lets anybody change and delete rows of public.scores" in titles


def test_the_sql_that_is_offered_runs_and_mends_what_was_found(
    tmp_path: Path, checked: Callable[[dict[str, str | None]], Checked]
) -> None:
    offered = [item for item in checked(flaws.FLAWED).findings if SQL.match(item.change)]
    assert len({item.rule for item in offered}) >= 15
    changes = dict.fromkeys(item.change for item in offered)
    lovable_app.write(tmp_path, flaws.FLAWED | {"supabase/migrations/20260401000000_mended.sql": "\n".join(changes)})
    lovable_app.commit(tmp_path)
    after = check(Request(origin=str(tmp_path)), silent)
    assert after.schema is not None
    assert [f"{failure.message}: {failure.statement}" for failure in after.schema.failures] == []
    mended = {item.rule for item in offered}
    left = [item.title for item in after.findings if item.rule in mended]
    assert left == ["View letter_list passes over row security"], "a matter of reading, once writing is closed"


def test_every_finding_says_what_how_bad_how_sure_why_and_how_to_mend_it(
    checked: Callable[[dict[str, str | None]], Checked],
) -> None:
    for finding in checked(flaws.FLAWED).findings:
        assert finding.title
        assert finding.impact
        assert finding.fix
        assert finding.owasp.endswith(":2025")
        assert finding.severity != "critical" or finding.confidence == "proven"
        assert all(proof.path or proof.object for proof in finding.proofs)


def test_a_key_that_only_history_has_is_found_with_its_commit(tmp_path: Path) -> None:
    lovable_app.write(tmp_path, flaws.RIGHT_BY_FILES_ALONE | {"old.txt": f"{lovable_app.SERVICE}\n"})
    lovable_app.commit(tmp_path)
    (tmp_path / "old.txt").unlink()
    lovable_app.commit(tmp_path)
    found = check(Request(origin=str(tmp_path), database=False), silent).findings
    assert [(item.rule, item.severity) for item in found] == [("service-key-published", "high")]
    assert found[0].proofs[0].path == "old.txt"
    assert found[0].proofs[0].commit


def test_a_key_in_a_file_that_git_ignores_is_nobody_elses_business(tmp_path: Path) -> None:
    lovable_app.write(
        tmp_path,
        flaws.RIGHT_BY_FILES_ALONE | {".gitignore": ".env.local\n", ".env.local": f"KEY={lovable_app.SERVICE}\n"},
    )
    lovable_app.commit(tmp_path)
    assert check(Request(origin=str(tmp_path), database=False), silent).findings == ()


def test_types_that_cannot_be_read_are_told_and_stop_nothing(tmp_path: Path, checked: object) -> None:
    assert checked
    broken = "export type Database = { public: { Tables: {\n      pots: { Row: {{{ \n"
    lovable_app.write(tmp_path, flaws.RIGHT | {"src/integrations/supabase/types.ts": broken})
    lovable_app.commit(tmp_path)
    result = check(Request(origin=str(tmp_path)), silent)
    assert result.schema is not None
    assert result.schema.comparison is None
    assert "the generated types" in {item.what for item in result.unknowns}


def test_a_base44_function_is_told_to_ask_by_its_own_client(tmp_path: Path) -> None:
    spends = (
        "Deno.serve(async (req) => {\n  const { text } = await req.json();\n"
        '  const headers = { Authorization: `Bearer ${Deno.env.get("OPENAI_API_KEY")}` };\n'
        '  return fetch("https://api.openai.com/v1/audio/speech", { method: "POST", headers, body: text });\n});\n'
    )
    tiny_base44.write(tmp_path, **{"base44/functions/spend/entry.ts": spends})
    found = check(Request(origin=str(tmp_path)), silent).findings
    (told,) = [item for item in found if item.rule == "function-with-paid-key-open"]
    assert "base44.auth.isAuthenticated()" in told.change
    assert "supabase" not in told.change
