"""Vendors that fail: everything settles to the truth afterwards, and nobody is asked for help who is not needed."""

from __future__ import annotations

import pytest

from tests.e2e.book import small_book
from tests.e2e.world import World

pytestmark = pytest.mark.slow

_WRITES = {"salesforce": "PATCH *composite/sobjects", "hubspot": "POST *batch/update"}
_BUSY = {"salesforce": "UNABLE_TO_LOCK_ROW", "hubspot": "RATE_LIMITS"}
_FOR_GOOD = {"salesforce": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "hubspot": "VALIDATION_ERROR"}


def test_after_every_kind_of_trouble_each_deal_is_billed_once_and_shown_as_it_is(town: World) -> None:
    """429 with and without advice, 500, lost answers and busy rows, while deals close and again while they are paid."""
    placed = town.place(small_book("Storm"))
    _storm(town)
    town.win(placed)
    town.settle(90)
    town.sandbox.faults.clear()
    assert town.problems(placed) == []

    _storm(town)
    for crm, code in _BUSY.items():
        town.fault(crm, "row_error", operation=_WRITES[crm], detail=code)
    paid = town.pay(placed)
    town.settle(120)
    left = [fault.vendor for fault in town.sandbox.faults.waiting() if fault.kind == "row_error"]
    town.sandbox.faults.clear()

    assert paid == len(placed)
    assert left == []
    assert town.problems(placed) == []
    assert {tuple(town.shown(one, "last_invoice_status")) for one in placed} == {("paid",)}


def test_a_row_that_its_crm_refuses_waits_for_a_person_and_holds_up_no_other(town: World) -> None:
    """One record on each CRM is refused for good; all others show the payment, and the next change mends it."""
    placed = town.place(small_book("Row"))
    town.win(placed)
    town.settle()
    for crm, code in _FOR_GOOD.items():
        town.fault(crm, "row_error", operation=_WRITES[crm], detail=code)

    town.pay(placed)
    town.settle()

    parked = town.parked_records()
    assert sorted(ref.provider for ref in parked) == ["hubspot", "salesforce"]
    spared = [one for one in placed if not {one.deal, one.account} & set(parked)]
    assert len(spared) >= len(placed) - 4
    assert [problem for report in town.reports(spared) for problem in report.problems] == []

    struck = [one for one in placed if one not in spared]
    for report in town.reports(struck):
        town.control.post(f"/stripe/invoices/{report.invoices[0]['id']}/dispute", {})
    town.settle()

    assert town.problems(placed) == []


def _storm(town: World) -> None:
    """Every kind of trouble that passes, by chance, a few times at each vendor."""
    for vendor in ("stripe", "salesforce", "hubspot"):
        town.fault(vendor, "rate_limited", rate=0.3, retry_after=0.3)
        town.fault(vendor, "rate_limited_no_retry_after", rate=0.3)
        for after_work in (True, False):
            town.fault(vendor, "server_error", rate=0.3, after_work=after_work)
            town.fault(vendor, "timeout", rate=0.3, hold=0.2, after_work=after_work)
    town.fault("stripe", "rate_limited_no_retry_after", rate=0.3, detail="lock_timeout")
