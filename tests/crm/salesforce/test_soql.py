"""Queries: names only from describe, values always quoted, pages that skip nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from connector.crm.salesforce.soql import deal_query, moment, quote, won_query

ID = "0067F000003pmdWQAQ"
_LITERAL = re.compile(r"'(?:[^'\\\n\r]|\\[\\'\"nrtbf])*'")
_BACK = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def unquote(literal: str) -> str:
    """What Salesforce reads in a literal."""
    return re.sub(r"\\(.)", lambda found: _BACK.get(found[1], found[1]), literal[1:-1])


@given(st.text())
def test_a_quoted_text_is_one_literal_with_the_same_meaning(text: str) -> None:
    """No text ends its literal early, and none changes on the way."""
    literal = quote(text)
    assert _LITERAL.fullmatch(literal)
    assert unquote(literal) == text


@given(st.text(alphabet="'\\ OR Id!=null()", min_size=1, max_size=40))
def test_no_text_breaks_out_of_a_query(text: str) -> None:
    """Cut at the first literal's end, nothing of the text is left over."""
    soql = deal_query(text, (), (), lambda path: True).soql
    where = soql.split("FROM Opportunity WHERE Id = ")[1]
    assert _LITERAL.fullmatch(where)


def test_one_query_holds_the_deal_and_all_that_hangs_on_it() -> None:
    """Relationship fields and two sub-selects, each name once."""
    query = deal_query(
        ID,
        ("Opportunity.Name", "Opportunity.Account.Name", "Account.Phone", "Contact.Email", "Opportunity.IsWon"),
        ("OpportunityLineItem.Quantity", "OpportunityLineItem.Product2.Name", "OpportunityLineItem.Quantity"),
        lambda path: True,
    )
    assert query.soql == (
        "SELECT Id, IsWon, IsClosed, StageName, AccountId, OwnerId, LastStageChangeDate, CreatedDate, "
        "Name, Account.Name, Account.Phone, "
        "(SELECT Id, Product2Id, Quantity, Product2.Name FROM OpportunityLineItems ORDER BY SortOrder, Id), "
        "(SELECT ContactId, Role, IsPrimary, Contact.Email FROM OpportunityContactRoles ORDER BY CreatedDate, Id) "
        "FROM Opportunity WHERE Id = '0067F000003pmdWQAQ'"
    )
    assert query.missing == ()


def test_what_the_org_lacks_is_left_out_and_told() -> None:
    """As is what belongs to no object of a deal."""
    paths = ("Opportunity.Name", "Opportunity.CurrencyIsoCode", "Case.Subject", "Opportunity")
    query = deal_query(ID, paths, (), lambda path: path == "Opportunity.Name")
    assert query.missing == ("Opportunity.CurrencyIsoCode", "Case.Subject", "Opportunity")
    assert "CurrencyIsoCode" not in query.soql
    assert "Subject" not in query.soql


def test_a_moment_is_utc_and_never_later_than_it_was() -> None:
    """Milliseconds are cut, so that no change slips in between."""
    at = datetime(2026, 11, 21, 13, 0, 5, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert moment(at) == "2026-11-21T12:00:05.999Z"


def test_won_deals_are_asked_for_by_flag_and_time() -> None:
    """Never by the stage's label, and in an order that is total."""
    assert won_query(datetime(2026, 11, 21, 12, tzinfo=UTC)) == (
        "SELECT Id FROM Opportunity WHERE IsWon = true AND IsClosed = true "
        "AND SystemModstamp >= 2026-11-21T12:00:00.000Z ORDER BY SystemModstamp, Id"
    )
