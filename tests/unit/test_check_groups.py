"""Like findings are told together from three on, and nothing of them is lost."""

from freehold.core.finding import Finding, Proof, Severity
from freehold.flows.check_groups import together


def finding(table: str, rule: str = "open", severity: Severity = "high") -> Finding:
    return Finding(
        rule=rule,
        title=f"Anybody changes {table}",
        severity=severity,
        confidence="proven",
        proofs=(Proof(object=f"table public.{table}", text="tried"), Proof(object=f"public.{table}")),
        impact="Anybody may.",
        fix="Compare.",
        change=f"drop policy on {table};",
    )


def test_two_stay_two() -> None:
    two = (finding("a"), finding("b"))
    assert together(two) == two


def test_three_are_one_at_the_place_of_the_first() -> None:
    given = (finding("a"), finding("x", rule="other"), finding("b"), finding("c"), finding("d", severity="low"))
    first, other, low = together(given)
    assert first.title == "Anybody changes a; 2 more like it: b, c"
    assert [proof.object for proof in first.proofs] == ["table public.a", "table public.b", "table public.c"]
    assert first.change.splitlines() == [f"drop policy on {name};" for name in "abc"]
    assert (other, low) == (given[1], given[4])


def test_many_names_are_cut_and_counted() -> None:
    (one,) = together(tuple(finding(f"t{number}") for number in range(20)))
    assert one.title.endswith("t11, t12 and 7 more")
    assert len(one.proofs) == 20


def test_a_place_in_the_sources_is_named_by_its_file() -> None:
    places = tuple(
        Finding(
            rule="leak",
            title="A key",
            severity="high",
            confidence="likely",
            proofs=(Proof(path=f"src/{name}.ts", line=3),),
            impact="Bad.",
            fix="Move it.",
        )
        for name in "abc"
    )
    assert together(places)[0].title == "A key; 2 more like it: src/b.ts, src/c.ts"
