"""A promise to pay is open until its day, and then kept or broken by what really arrived."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.billing import Invoice, InvoiceStatus
from connector.domain.promise import Promise, Standing, broken, standing
from connector.domain.refs import RecordRef
from tests.factories import NOW, TODAY, a_payment, an_invoice, at

FOR = TODAY + timedelta(days=10)
LATER = FOR + timedelta(days=1)
OWED = an_invoice(1, due=TODAY - timedelta(days=20))


def a_promise(**changes: Any) -> Promise:
    said = Promise(1, OWED.customer, OWED.ref, None, "", FOR, NOW)
    return replace(said, **changes)


def paid(on_day: int, invoice: Invoice = OWED) -> Invoice:
    return an_invoice(int(invoice.ref.id.removeprefix("in_")), due=TODAY, paid=TODAY + timedelta(days=on_day))


@pytest.mark.parametrize(
    ("invoice", "day", "expected"),
    [
        (OWED, FOR, Standing.OPEN),
        (OWED, LATER, Standing.BROKEN),
        (paid(10), LATER, Standing.KEPT),
        (paid(3), TODAY + timedelta(days=3), Standing.KEPT),
        (paid(3), TODAY + timedelta(days=2), Standing.OPEN),  # it was not paid yet, on that day
        (paid(11), LATER, Standing.BROKEN),
        (replace(OWED, status=InvoiceStatus.VOID, voided_at=NOW), LATER, Standing.KEPT),
        (replace(OWED, replaced_by=RecordRef("stripe", "invoice", "in_2")), LATER, Standing.KEPT),
        (replace(OWED, amount_remaining=0), LATER, Standing.KEPT),
        (replace(OWED, status=InvoiceStatus.UNCOLLECTIBLE), LATER, Standing.BROKEN),
    ],
)
def test_a_promise_of_an_invoice_is_what_became_of_it(invoice: Invoice, day: Any, expected: Standing) -> None:
    assert standing(a_promise(), [invoice], (), day) is expected


def test_a_promise_of_an_invoice_that_nobody_knows_stays_open() -> None:
    assert standing(a_promise(), [], (), LATER) is Standing.OPEN


def test_a_promise_of_all_concerns_what_was_owed_when_it_was_noted() -> None:
    whole = a_promise(invoice=None)
    settled = an_invoice(2, due=TODAY, paid=TODAY - timedelta(days=2))
    new = replace(an_invoice(3), created_at=at(TODAY + timedelta(days=2)), finalized_at=None)
    draft = replace(an_invoice(4), status=InvoiceStatus.DRAFT)
    assert standing(whole, [paid(5), settled, new, draft], (), LATER) is Standing.KEPT
    assert standing(whole, [paid(5), OWED, new], (), LATER) is Standing.BROKEN


def test_an_amount_is_kept_by_what_arrived_in_time_in_its_currency() -> None:
    part = a_promise(amount=6_000, currency="eur")
    early, second = a_payment(OWED, TODAY + timedelta(days=2), 3_000), a_payment(OWED, FOR, 3_000)
    second = replace(second, ref=RecordRef("stripe", "payment", "p2"))
    assert standing(part, [OWED], (early,), FOR) is Standing.OPEN
    assert standing(part, [OWED], (early, second), FOR) is Standing.KEPT
    assert standing(part, [OWED], (early, replace(second, currency="usd")), LATER) is Standing.BROKEN
    late = replace(second, paid_at=at(LATER))
    assert standing(part, [OWED], (early, late), LATER) is Standing.BROKEN
    before = replace(second, paid_at=at(TODAY - timedelta(days=1)))
    assert standing(part, [OWED], (early, before, replace(second, paid_at=None)), LATER) is Standing.BROKEN


def test_an_amount_of_all_that_is_owed_counts_its_currency_alone() -> None:
    dollars = an_invoice(2, currency="usd")
    whole = a_promise(invoice=None, amount=5_000, currency="eur")
    assert standing(whole, [OWED, dollars], (a_payment(dollars, FOR),), LATER) is Standing.BROKEN
    assert standing(whole, [OWED, dollars], (a_payment(OWED, FOR),), LATER) is Standing.KEPT


def test_a_promise_that_was_taken_back_says_nothing() -> None:
    back = a_promise(withdrawn_at=NOW + timedelta(days=5))
    assert standing(back, [OWED], (), TODAY + timedelta(days=4)) is Standing.OPEN
    assert standing(back, [OWED], (), LATER) is Standing.WITHDRAWN
    assert broken([back, a_promise()], [OWED], (), LATER) == 1


@given(st.permutations([OWED, paid(4, an_invoice(2)), an_invoice(3), paid(12, an_invoice(5))]), st.integers(0, 20))
def test_order_changes_nothing_and_a_broken_promise_stays_broken(invoices: list[Invoice], days: int) -> None:
    whole = a_promise(invoice=None)
    first = standing(whole, invoices, (), TODAY + timedelta(days=days))
    assert first is standing(whole, invoices[::-1], (), TODAY + timedelta(days=days))
    if first is Standing.BROKEN:
        assert standing(whole, invoices, (), TODAY + timedelta(days=days + 5)) is Standing.BROKEN
