"""SOQL is read by its grammar: what parses, what it means, and what Salesforce calls malformed."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simple_salesforce.format import format_soql

from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.soql.parser import parse
from connector.sandbox.salesforce.soql.tokens import like_pattern
from connector.sandbox.salesforce.soql.tree import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Days,
    Literal,
    Not,
    OneOf,
    Order,
    Path,
    Plain,
    Query,
    Text,
)


def where(condition: str) -> Condition:
    found = parse(" ".join(("SELECT Id FROM Account WHERE", condition))).where
    assert found is not None
    return found


def name_is(text: str) -> Comparison:
    return Comparison(Path(("Name",)), "=", Text(f"'{text}'"))


def test_every_clause_of_a_query_is_read() -> None:
    query = parse(
        "select Id, Account.Owner.Email, (SELECT Id FROM OpportunityLineItems LIMIT 5) from Opportunity o "
        "where IsWon = true order by SystemModstamp desc nulls last, Id limit 10 offset 20"
    )

    assert query.select == (
        Path(("Id",)),
        Path(("Account", "Owner", "Email")),
        Query((Path(("Id",)),), "OpportunityLineItems", limit=5),
    )
    assert (query.source, query.alias, query.limit, query.offset) == ("Opportunity", "o", 10, 20)
    assert query.where == Comparison(Path(("IsWon",)), "=", Plain(True))
    assert query.order == (Order(Path(("SystemModstamp",)), descending=True, nulls_last=True), Order(Path(("Id",))))


def test_count_has_no_columns() -> None:
    assert parse("SELECT COUNT() FROM Account").select == ()


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("2013-05-08T21:20:00Z", datetime(2013, 5, 8, 21, 20, tzinfo=UTC)),
        ("2013-05-08T23:20:00+02:00", datetime(2013, 5, 8, 21, 20, tzinfo=UTC)),
        ("2013-05-08T21:20:00.000+0000", datetime(2013, 5, 8, 21, 20, tzinfo=UTC)),
        ("2013-05-08T21:20:00.123Z", datetime(2013, 5, 8, 21, 20, 0, 123_000, tzinfo=UTC)),
        ("2013-05-08", date(2013, 5, 8)),
        ("-12.50", Decimal("-12.50")),
        ("1e3", Decimal(1000)),
        ("NULL", None),
        ("False", False),
    ],
)
def test_a_literal_means_its_value(literal: str, value: object) -> None:
    assert where(f"X = {literal}") == Comparison(Path(("X",)), "=", Plain(value))  # type: ignore[arg-type]  # by table


@pytest.mark.parametrize("moment", [datetime(2026, 11, 21, 9, 30, 15, 999, tzinfo=UTC)])
def test_what_the_sdk_formats_is_read(moment: datetime) -> None:
    """simple-salesforce writes +00:00 and no fraction."""
    found = where(format_soql("SystemModstamp >= {} AND Name IN {}", moment, ["O'Hara\n", 'a "b"\\']))

    assert isinstance(found, AllOf)
    assert found.parts[0] == Comparison(Path(("SystemModstamp",)), ">=", Plain(moment.replace(microsecond=0)))
    assert isinstance(found.parts[1], OneOf)
    choices = found.parts[1].choices
    assert isinstance(choices, tuple)
    assert [one.value for one in choices if isinstance(one, Text)] == ["O'Hara\n", 'a "b"\\']


def test_and_or_and_not_nest_as_bracketed() -> None:
    a, b, c = name_is("a"), name_is("b"), name_is("c")

    assert where("Name = 'a' AND Name = 'b' AND Name = 'c'") == AllOf((a, b, c))
    assert where("Name = 'a' AND (Name = 'b' OR Name = 'c')") == AllOf((a, AnyOf((b, c))))
    assert where("Name = 'a' OR (NOT Name = 'b')") == AnyOf((a, Not(b)))
    assert where("NOT (Name = 'a' OR Name = 'b')") == Not(AnyOf((a, b)))


def test_in_takes_literals_or_a_query() -> None:
    assert where("Id NOT IN ('1', null)") == OneOf(Path(("Id",)), (Text("'1'"), Plain(None)), negated=True)
    inner = Query((Path(("AccountId",)),), "Opportunity")
    assert where("Id IN (SELECT AccountId FROM Opportunity)") == OneOf(Path(("Id",)), inner)


def test_days_have_names_and_counts() -> None:
    assert where("CloseDate < TODAY") == Comparison(Path(("CloseDate",)), "<", Days("TODAY"))
    assert where("CloseDate = LAST_N_DAYS:30") == Comparison(Path(("CloseDate",)), "=", Days("LAST_N_DAYS", 30))


@pytest.mark.parametrize(
    ("soql", "place", "message"),
    [
        ("SELECT FROM Account", "Row:1:Column:8", "unexpected token: 'FROM'"),
        ("SELECT Id FROM", "Row:1:Column:15", "unexpected token: <EOF>"),
        ("SELECT Id Account", "Row:1:Column:11", "unexpected token: 'Account'"),
        ("SELECT Id,\nFROM Account", "Row:2:Column:1", "unexpected token: 'FROM'"),
        ("SELECT Id FROM Account WHERE", "Row:1:Column:29", "unexpected token: <EOF>"),
        ("SELECT Id FROM Account WHERE Name = Acme", "Row:1:Column:37", "unexpected token: 'Acme'"),
        ("SELECT Id FROM Account WHERE Name == 'a'", "Row:1:Column:36", "unexpected token: '='"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND", "Row:1:Column:44", "unexpected token: <EOF>"),
        ("SELECT Id FROM Account WHERE A = 1 AND B = 2 OR C = 3", "Row:1:Column:46", "unexpected token: 'OR'"),
        ("SELECT Id FROM Account WHERE A = 1 AND NOT B = 2", "Row:1:Column:40", "unexpected token: 'NOT'"),
        ("SELECT Id FROM Account WHERE (A = 1", "Row:1:Column:36", "unexpected token: <EOF>"),
        ("SELECT Id FROM Account WHERE Name IN ()", "Row:1:Column:39", "unexpected token: ')'"),
        ("SELECT Id FROM Account WHERE D = 2026-02-30", "Row:1:Column:34", "Invalid date: 2026-02-30"),
        ("SELECT Id FROM Account WHERE D = 2026-02-01T25:00:00Z", "Row:1:Column:34", "Invalid datetime"),
        (r"SELECT Id FROM Account WHERE N = 'a\q'", "Row:1:Column:36", "Illegal character sequence"),
        ("SELECT Id FROM Account WHERE N = 'a", "Row:1:Column:34", "unexpected token: '''"),
        ('SELECT Id FROM Account WHERE N = "a"', "Row:1:Column:34", "unexpected token: '\"'"),
        ("SELECT Id FROM Account LIMIT -1", "Row:1:Column:30", "unexpected token: '-1'"),
        ("SELECT Id FROM Account LIMIT 1 WHERE A = 1", "Row:1:Column:32", "unexpected token: 'WHERE'"),
        ("SELECT Id FROM Account ORDER Name", "Row:1:Column:30", "unexpected token: 'Name'"),
        ("SELECT Id FROM Account ORDER BY Name NULLS", "Row:1:Column:43", "unexpected token: <EOF>"),
        ("SELECT Id FROM Account; DROP", "Row:1:Column:23", "unexpected token: ';'"),
        ("SELECT * FROM Account", "Row:1:Column:8", "unexpected token: '*'"),
        ("SELECT Id, (SELECT Id, (SELECT Id FROM C) FROM B) FROM A", "Row:1:Column:24", "unexpected token: '('"),
        ("SELECT Id, (SELECT COUNT() FROM B) FROM A", "Row:1:Column:28", "unexpected token: 'FROM'"),
        ("SELECT Id FROM Account GROUP BY Name", "Row:1:Column:24", "unexpected token: 'GROUP'"),
        ("SELECT Id FROM Account WHERE A NOT LIKE 'x'", "Row:1:Column:36", "unexpected token: 'LIKE'"),
    ],
)
def test_malformed_soql_is_refused_where_it_is_wrong(soql: str, place: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(soql)

    assert caught.value.code == "MALFORMED_QUERY"
    assert f"\nERROR at {place}\n" in caught.value.message
    assert message in caught.value.message
    line = caught.value.message.split("\n")[2]  # the caret stands under the column
    assert line == " " * (int(place.rsplit(":", 1)[1]) - 1) + "^"


def test_too_long_a_query_and_too_far_an_offset_are_refused() -> None:
    with pytest.raises(Refused, match="QUERY_TOO_COMPLICATED"):
        parse("SELECT Id FROM Account WHERE Name = '" + "x" * 100_000 + "'")
    with pytest.raises(Refused, match="NUMBER_OUTSIDE_VALID_RANGE"):
        parse("SELECT Id FROM Account OFFSET 2001")


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("'Ac%'", "ACME", "xAcme"),
        ("'A_me'", "acme", "accme"),
        (r"'50\%%'", "50% off", "500 off"),
        (r"'a\_b'", "a_b", "axb"),
        ("'a.c'", "a.c", "abc"),
        (r"'O\'Hara%'", "O'Hara Ltd", "OHara Ltd"),
    ],
)
def test_like_knows_its_two_wildcards_and_their_escapes(pattern: str, matching: str, other: str) -> None:
    assert like_pattern(pattern).match(matching)
    assert not like_pattern(pattern).match(other)


_words = st.from_regex(r"[A-Z][a-z]{1,6}(__c)?", fullmatch=True).map(lambda word: f"{word}0")
_paths = st.lists(_words, min_size=1, max_size=3).map(lambda parts: Path(tuple(parts)))
_texts = st.text(max_size=12).map(lambda text: Text(format_soql("{}", text)))
_moments = st.datetimes(datetime(1970, 1, 1), datetime(2099, 1, 1))  # noqa: DTZ001 - made aware below
_literals: st.SearchStrategy[Literal] = st.one_of(
    _texts,
    st.booleans().map(Plain),
    st.just(Plain(None)),
    st.dates(date(1970, 1, 1), date(2099, 1, 1)).map(Plain),
    _moments.map(lambda moment: Plain(moment.replace(tzinfo=UTC))),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9).map(Plain),
    st.integers(0, 400).map(lambda count: Days("NEXT_N_DAYS", count)),
)
_simple: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Comparison, _paths, st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "LIKE"]), _literals),
    st.builds(OneOf, _paths, st.lists(_literals, min_size=1, max_size=3).map(tuple), st.booleans()),
)
_conditions: st.SearchStrategy[Condition] = st.recursive(
    _simple,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=8,
)


@given(_conditions)
def test_any_condition_survives_being_written_and_read(condition: Condition) -> None:
    assert where(str(condition)) == condition


@given(st.text())
def test_any_text_survives_the_sdks_quoting(text: str) -> None:
    found = where(format_soql("Name = {}", text))

    assert isinstance(found, Comparison)
    assert isinstance(found.literal, Text)
    assert found.literal.value == text


@given(st.text(alphabet="SELECTidFROMacountWHERE '=()\\,.%_<>!-0123456789:TZ\n", max_size=60))
def test_whatever_is_typed_is_read_or_refused(soql: str) -> None:
    """No input makes the parser fail in another way."""
    assert outcome(soql) in ("read", "MALFORMED_QUERY", "NUMBER_OUTSIDE_VALID_RANGE")


def outcome(soql: str) -> str:
    try:
        parse(soql)
    except Refused as refused:
        return refused.code
    return "read"
