"""The URL grammar: what it reads, what it refuses and with which words, and that nothing breaks it."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.runtime.rest import media, preferences, ranges
from freehold.runtime.rest.errors import ApiError
from freehold.runtime.rest.query import filters, params, parsec
from freehold.runtime.rest.query.types import Field, Filter, Logic, QueryParams, SelectField, SelectRelation


def read(query: str, *, arguments: bool = False) -> QueryParams:
    return params.parse(params.lift(query, arguments=arguments).parameters, arguments=arguments)


def test_a_select_item_has_alias_path_cast_and_aggregate() -> None:
    (item,) = read("select=total:data->a->>b::int.sum()::text").select
    assert isinstance(item, SelectField)
    assert (item.alias, item.field.name, [step.key for step in item.field.path]) == ("total", "data", ["a", "b"])
    assert (item.cast, item.aggregate, item.aggregate_cast) == ("int", "sum", "text")


def test_an_embed_has_alias_hint_join_and_items() -> None:
    (item,) = read("select=boss:people!manager_id!inner(name,...team(*))").select
    assert isinstance(item, SelectRelation)
    assert (item.name, item.alias, item.hint, item.inner) == ("people", "boss", "manager_id", True)
    assert [inner.spread for inner in item.items if isinstance(inner, SelectRelation)] == [True]


@pytest.mark.parametrize(
    ("value", "operator", "negated", "operand"),
    [
        ("eq.5", "eq", False, "5"),
        ("not.ilike.*x*", "ilike", True, "*x*"),
        ("in.(1,2)", "in", False, "(1,2)"),
        ("is.NULL", "is", False, "null"),
        ("gte(any).{1,2}", "gte", False, "{1,2}"),
        ("eq.", "eq", False, ""),
        ("eq.a.b,c(d)", "eq", False, "a.b,c(d)"),
        ("isdistinct.x", "isdistinct", False, "x"),
    ],
)
def test_a_filter_is_an_operator_and_the_rest(value: str, operator: str, negated: bool, operand: str) -> None:
    ((_, found),) = read(f"a={value}").filters
    operation = found.operation
    assert (operation.operator, operation.negated, operation.value.text) == (operator, negated, operand)


def test_filters_orders_and_limits_reach_embeds_by_path() -> None:
    query = read("a.b.c=eq.1&a.order=x.desc.nullslast&a.limit=3&a.not.or=(x.eq.1,y.eq.2)")
    assert query.filters[0][0] == ("a", "b")
    assert query.order[0][0] == ("a",)
    assert ranges.of_parameters(query.limits, query.offsets) == {"a.limit": ranges.Range(0, 2)}
    path, tree = query.logic[0]
    assert path == ("a",)
    assert isinstance(tree, Logic)
    assert (tree.negated, tree.word, len(tree.terms)) == (True, "or", 2)


def test_a_quoted_value_inside_logic_may_hold_anything() -> None:
    ((_, tree),) = read('or=(a.eq."x,y)(",b.in.(1,"2,3"),c.cs.{4,5})').logic
    assert isinstance(tree, Logic)
    operands = [term.operation.value.text for term in tree.terms if isinstance(term, Filter)]
    assert operands == ["x,y)(", '{"1","2,3"}', "{4,5}"]


def test_plus_is_a_space_and_quotes_make_names() -> None:
    query = read('full+name=eq.Ann+B&"a.b"=eq.1')
    assert [found.field for _, found in query.filters] == [Field("full name"), Field("a.b")]
    assert query.filters[0][1].operation.value.text == "Ann B"


def test_arguments_are_what_has_no_operator() -> None:
    query = read("a=5&b=eq.5&c=", arguments=True)
    assert [(name, value.text) for name, value in query.arguments] == [("a", "5"), ("c", "")]
    assert len(query.filters) == 1


@pytest.mark.parametrize(
    ("query", "message", "details"),
    [
        ("a=nope.1", '"failed to parse filter (nope.1)" (line 1, column 1)', 'unexpected "p" expecting "not" or'),
        ("order=a.up", '"failed to parse order (a.up)" (line 1, column 3)', 'unexpected "u" expecting "asc", "desc"'),
        (
            "select=a!b",
            '"failed to parse select parameter (a!b)" (line 1, column 2)',
            "unexpected '!' expecting letter",
        ),
        ("or=()", '"failed to parse logic tree (())" (line 1, column 4)', 'unexpected ")" expecting field name'),
        ("a=is.maybe", '"failed to parse filter (is.maybe)" (line 1, column 4)', "isVal: (null, not_null, true"),
    ],
)
def test_a_refusal_names_the_place_and_what_would_fit(query: str, message: str, details: str) -> None:
    with pytest.raises(ApiError) as caught:
        read(query)
    assert (caught.value.code, caught.value.message) == ("PGRST100", message)
    assert details in str(caught.value.details)


def test_values_are_not_part_of_a_shape() -> None:
    one, other = (params.lift(f"id=eq.{value}&select=a&b=in.({value})", arguments=False) for value in ("1", "2"))
    assert one.shape == other.shape
    assert (one.values, other.values) == (("1", "(1)"), ("2", "(2)"))


def test_what_changes_the_sql_is_part_of_a_shape() -> None:
    queries = (
        "a=eq.1",
        "a=gt.1",
        "a=not.eq.1",
        "a=eq(any).1",
        "b=eq.1",
        "a=is.null",
        "a=is.true",
        "limit=1",
        "limit=2",
    )
    assert len({params.lift(query, arguments=False).shape for query in queries}) == len(queries)


@pytest.mark.parametrize("tricky", ["a=eq.%3F&b=eq.1", "a=eq.1&b=eq.%3F", "a%3Deq.%3F=eq.1", "a=eq.?&b=eq.?"])
def test_a_shape_cannot_be_forged_from_a_value(tricky: str) -> None:
    lifted = params.lift(tricky, arguments=False)
    assert all(value in ("?", "1") for value in lifted.values)
    assert len(lifted.values) == sum(parameter.slot >= 0 for parameter in lifted.parameters)


@pytest.mark.parametrize(
    ("header", "expected"),
    [("0-9", ranges.Range(0, 9)), ("5-", ranges.Range(5, None)), ("bytes=0-9", ranges.ALL), (None, ranges.ALL)],
)
def test_a_range_header_is_two_numbers_or_nothing(header: str | None, expected: ranges.Range) -> None:
    assert ranges.of_header(header) == expected


def test_the_first_preference_of_a_kind_wins_and_unknown_ones_are_kept() -> None:
    found = preferences.parse(
        "count=exact, count=planned, return=minimal, handling=strict, tx=rollback, wat, max-affected=3",
        allow_transaction=False,
        timezones=frozenset(),
    )
    assert (found.count, found.representation, found.transaction, found.invalid) == ("exact", "minimal", "", ("wat",))
    assert found.limit_affected == 3


def test_media_types_are_weighed_and_made_canonical() -> None:
    found = media.accepted('text/csv;q=0.1, application/vnd.pgrst.plan+json; for="text/csv"; options=buffers|analyze')
    assert found[0].is_plan
    assert (found[0].plan_of, found[0].plan_options) == ("text/csv", ("analyze", "buffers"))
    assert found[1].name == "text/csv"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="a1,() \t.\\-", max_size=12))
def test_the_short_way_through_a_list_gives_what_the_grammar_gives(inner: str) -> None:
    text = f"({inner})"
    try:
        expected = parsec.parse(filters.filter_value, "filter", f"in.{text}").value.text
    except parsec.SyntaxRefused:
        expected = None
    try:
        found = params.list_text(text)
    except ApiError:
        found = None
    assert found == expected


def test_a_long_list_of_ids_is_read() -> None:
    ids = ",".join(str(number) for number in range(20_000))
    assert params.list_text(f"({ids})").count(",") == 19_999


WORDS = st.sampled_from([*"abc(),.:!*\"'{}->%&=;+ \t\n\\é☃\0", "eq.", "not.", "in.(", "is.", "or=(", "and(", "select=",
                         "order=", "limit=", "->>", "::", "...", "!inner", ".sum()", "a.b.", "fts(x)."])  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=30).map("".join), st.booleans())
def test_any_query_string_is_read_or_refused(query: str, arguments: bool) -> None:
    with contextlib.suppress(ApiError):
        lifted = params.lift(query, arguments=arguments)
        params.parse(lifted.parameters, arguments=arguments)
        assert "\n" not in lifted.canonical


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=8), min_size=1, max_size=5))
def test_any_list_survives_quoting(elements: list[str]) -> None:
    quoted = ",".join('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in elements)
    assert parsec.parse(filters.value_list, "list", f"({quoted})") == elements
