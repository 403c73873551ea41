"""What an amendment cannot do is refused with the sentence that says what to change."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.deal import Account, DealKind
from tests.domain.amended import amend, change, from_day, refusal
from tests.domain.running_contracts import DECEMBER, a_contract, an_amendment, an_item, seats
from tests.factories import TODAY, YEARLY, a_setup_fee, ref, terms


def test_a_canceled_contract_cannot_be_amended() -> None:
    for over in (a_contract(status="canceled"), a_contract(ends=TODAY)):
        assert refusal(an_amendment(seats(5)), over).sentence_id == "contract-is-over"


def test_another_currency_is_refused_and_names_both() -> None:
    error = refusal(an_amendment(seats(5), currency="usd"))
    assert (error.sentence_id, error.field) == ("amends-in-another-currency", "deal.currency")
    assert "USD" in error.message
    assert "EUR" in error.message


def test_a_deal_without_a_currency_is_in_the_contracts() -> None:
    assert change(amend(an_amendment(seats(5), currency=""))).currency == "eur"


def test_another_customers_contract_is_refused() -> None:
    account = Account(ref("account"), "Acme GmbH", customer_id="cus_2")
    assert refusal(an_amendment(seats(5), account=account)).sentence_id == "amends-another-customers-contract"


def test_a_deal_without_an_account_is_refused() -> None:
    assert refusal(an_amendment(seats(5), account=None)).field == "deal.account"


def test_an_amendment_without_lines_is_refused() -> None:
    assert refusal(an_amendment()).sentence_id == "amendment-without-lines"


def test_what_the_contract_does_not_have_cannot_be_taken_away() -> None:
    error = refusal(an_amendment(seats(-1, number="7")))
    assert (error.sentence_id, error.ref) == ("takes-away-what-is-not-sold", ref("line_item", "a7"))


def test_what_is_sold_once_cannot_be_taken_away() -> None:
    error = refusal(an_amendment(a_setup_fee(quantity=Decimal(-1))))
    assert error.sentence_id == "takes-away-what-is-not-sold"


def test_more_than_there_is_cannot_be_taken_away() -> None:
    error = refusal(an_amendment(seats(-11)))
    assert error.sentence_id == "takes-away-more-than-there-is"
    assert "11 are taken away, but the contract has only 10" in error.message


def test_two_lines_together_cannot_take_more_than_there_is() -> None:
    error = refusal(an_amendment(seats(-6), seats(-6, ref=ref("line_item", "b"))))
    assert "6 are taken away, but the contract has only 4" in error.message


def test_what_is_taken_away_must_have_the_contracts_price() -> None:
    error = refusal(an_amendment(seats(-8, "18.125")))
    assert error.sentence_id == "takes-away-at-another-price"
    assert "at EUR 18.125, but the contract bills it at EUR 20.00" in error.message


def test_another_interval_is_refused_for_what_comes_and_for_what_goes() -> None:
    for quantity in (1, -1):
        error = refusal(an_amendment(seats(quantity, interval=YEARLY)))
        assert error.sentence_id == "amends-with-another-interval"
        assert "every year" in error.message
        assert "every month" in error.message


def test_a_line_that_says_no_interval_recurs_as_its_product_does() -> None:
    assert len(change(amend(an_amendment(seats(2, interval=None)))).changes) == 1


def test_a_start_before_the_running_period_is_refused() -> None:
    error = refusal(an_amendment(seats(5), terms=from_day(date(2026, 10, 31))))
    assert (error.sentence_id, error.field) == ("amendment-starts-too-early", "terms.start")


def test_a_start_after_the_contracts_end_is_refused() -> None:
    error = refusal(an_amendment(seats(5), terms=from_day(date(2027, 3, 1))))
    assert error.sentence_id == "amendment-starts-after-the-end"


def test_an_end_that_has_passed_while_the_contract_ran_on_is_none() -> None:
    assert change(amend(an_amendment(seats(5)), a_contract(contract_end=date(2026, 2, 28)))).changes


@pytest.mark.parametrize("day", [date(2027, 1, 17), date(2126, 1, 17)])
def test_a_start_within_a_period_that_is_far_off_is_refused(day: date) -> None:
    error = refusal(an_amendment(seats(5), terms=from_day(day)), a_contract(contract_end=None))
    assert error.sentence_id == "amendment-starts-in-a-later-period"


def test_lines_that_start_on_different_days_are_refused() -> None:
    error = refusal(an_amendment(seats(5, start=TODAY), seats(1, number="7", start=DECEMBER)))
    assert error.sentence_id == "amendment-with-different-starts"


def test_a_line_that_ends_otherwise_than_the_contract_is_refused() -> None:
    assert refusal(an_amendment(seats(5, end=date(2027, 1, 31)))).sentence_id == "amendment-ends-otherwise"
    runs_on = refusal(an_amendment(seats(5, end=date(2027, 1, 31))), a_contract(contract_end=None))
    assert "runs on" in runs_on.message


def test_a_line_that_ends_with_the_contract_is_welcome() -> None:
    assert change(amend(an_amendment(seats(5, end=date(2027, 2, 28))))).changes


def test_the_amendments_own_term_is_not_used_and_it_says_so() -> None:
    plan = amend(an_amendment(seats(5), terms=terms(kind=DealKind.AMENDMENT, term_months=12)))
    assert any("12 months is not used" in note for note in plan.notes)


@pytest.mark.parametrize(
    "changes",
    [
        {"free_months": 2},
        {"discount_percent": Decimal(10), "discount_months": 3},
        {"discount_per_unit": Decimal(1), "discount_months": 3},
        {"credit_amount": Decimal(100)},
    ],
)
def test_what_needs_a_contract_of_its_own_is_refused_on_a_line(changes: dict[str, Any]) -> None:
    assert refusal(an_amendment(seats(5, **changes))).sentence_id == "not-for-amendments"


@pytest.mark.parametrize(
    "changes", [{"free_months": 1}, {"discount_percent": Decimal(5)}, {"discount_amount": Decimal(5)}]
)
def test_what_needs_a_contract_of_its_own_is_refused_on_the_deal(changes: dict[str, Any]) -> None:
    error = refusal(an_amendment(seats(5), terms=terms(kind=DealKind.AMENDMENT, **changes)))
    assert error.sentence_id == "not-for-amendments"


def test_more_items_than_a_subscription_holds_are_refused() -> None:
    items = tuple(an_item(number=str(number)) for number in range(1, 21))
    error = refusal(an_amendment(seats(1, number="99")), a_contract(*items))
    assert error.sentence_id == "contract-is-full"
    assert "21 lines" in error.message
