"""A plan as JSON is stable, its hash stands for it, and two of them tell their differences in sentences."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import get_args

import pytest

from connector.domain.billing_plan import (
    AddToNextInvoice,
    BillingPlan,
    ChangeSubscription,
    CreditInvoice,
    EndSubscription,
    ExistingPrice,
    GrantCredits,
    InlinePrice,
    InvoiceTerms,
    ItemChange,
    MakeCustomer,
    MakeSubscription,
    Period,
    Phase,
    Step,
    StepKey,
)
from connector.domain.deal import Address, CollectionMethod
from connector.domain.forecast import forecast
from connector.domain.plan_document import KINDS, differences, document, document_hash, forecast_document, plan_hash
from connector.domain.refs import RecordRef
from tests.domain.plans import CUSTOMER, PRODUCT, day, invoiced, planned, planned_as, subscribed
from tests.factories import TODAY, YEARLY, ref

SEATS = planned(10_000, number="1", quantity=10, description="Seats")
SUBSCRIPTION = RecordRef("stripe", "subscription", "sub_1")


def a_plan(step: Step | None = None) -> BillingPlan:
    return planned_as(step or subscribed(Phase(day("2027-01-01"), None, (SEATS,)), first_invoice=10_000))


def changed(old: Step, new: Step) -> list[str]:
    return differences(document(planned_as(old)), document(planned_as(new)))


def test_every_kind_of_step_has_a_name_in_documents() -> None:
    assert set(KINDS) == set(get_args(Step))
    assert len(set(KINDS.values())) == len(KINDS)


def test_a_document_is_plain_json_and_says_what_the_plan_says() -> None:
    found = json.loads(json.dumps(document(a_plan())))
    assert found["deal"] == "hubspot:deal:1"
    assert [step["kind"] for step in found["steps"]] == ["customer", "product", "subscription"]
    subscription = found["steps"][-1]
    assert (subscription["key"], subscription["customer"]) == (
        "hubspot:deal:1/subscription",
        "hubspot:account:1/customer",
    )
    assert subscription["terms"] == {"collection": "send_invoice", "net_days": 30}
    assert subscription["phases"] == [
        {
            "start": "2027-01-01",
            "end": None,
            "recurring": [
                {
                    "line": "hubspot:line_item:1",
                    "description": "Seats",
                    "price": {
                        "product": "hubspot:product:1/product",
                        "unit_amount": "1000",
                        "interval": {"unit": "month", "count": 1},
                    },
                    "quantity": 10,
                    "amount": 10_000,
                    "interval": {"unit": "month", "count": 1},
                }
            ],
        }
    ]


def test_the_hash_stands_for_the_plan_and_not_for_how_its_json_is_ordered() -> None:
    found = document(a_plan())
    backwards = dict(reversed(found.items()))
    assert plan_hash(a_plan()) == document_hash(found) == document_hash(backwards)
    assert len(plan_hash(a_plan())) == 64
    more = replace(SEATS, amount=10_001)
    assert plan_hash(a_plan(subscribed(Phase(day("2027-01-01"), None, (more,)), first_invoice=10_000))) != plan_hash(
        a_plan()
    )


def test_equal_amounts_are_written_alike() -> None:
    def priced(unit: str) -> str:
        line = replace(SEATS, price=InlinePrice(PRODUCT, Decimal(unit), SEATS.interval))
        return plan_hash(a_plan(subscribed(Phase(TODAY, None, (line,)))))

    assert priced("1000") == priced("1000.00") == priced("1E+3")
    assert priced("1000") != priced("1000.5")


def test_what_no_plan_holds_is_refused() -> None:
    line = replace(SEATS, description=b"bytes")  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(TypeError, match="bytes"):
        document(a_plan(subscribed(Phase(TODAY, None, (line,)))))


def test_a_forecast_as_json_has_every_invoice_with_null_where_usage_decides() -> None:
    lines = (SEATS, planned(0, number="2", metered=True))
    plan = planned_as(subscribed(Phase(day("2026-11-21"), day("2026-12-21"), lines), ends=True))
    first, last = json.loads(json.dumps(forecast_document(forecast(plan, TODAY))))
    assert first == {
        "step": "hubspot:deal:1/subscription",
        "date": "2026-11-21",
        "due": "2026-12-21",
        "currency": "eur",
        "total": 10_000,
        "by_usage": False,
        "tax": "none",
        "lines": [
            {
                "line": "hubspot:line_item:1",
                "description": "Seats",
                "quantity": 10,
                "amount": 10_000,
                "from": "2026-11-21",
                "until": "2026-12-21",
            }
        ],
    }
    assert (last["by_usage"], last["lines"][0]["amount"]) == (True, None)


def test_a_one_off_line_has_no_days() -> None:
    (found,) = forecast_document(forecast(planned_as(invoiced(planned(5, None))), TODAY))
    assert (found["lines"][0]["from"], found["lines"][0]["until"]) == (None, None)
    terms = InvoiceTerms(CollectionMethod.CHARGE_AUTOMATICALLY, None)
    (found,) = forecast_document(forecast(planned_as(invoiced(planned(5, None), terms=terms)), TODAY))
    assert found["due"] is None


# --- differences ----------------------------------------------------------------------------------------------------


def subscription(*lines: object, **changes: object) -> MakeSubscription:
    phase = Phase(day("2027-01-01"), None, tuple(lines) or (SEATS,))  # type: ignore[arg-type]  # planned lines
    return subscribed(phase, **changes)


def test_the_same_plan_differs_in_nothing() -> None:
    assert differences(document(a_plan()), document(a_plan())) == []


def test_a_changed_line_says_its_quantity_and_amount() -> None:
    twelve = planned(12_000, quantity=12, description="Seats")
    old, new = subscription(first_invoice=10_000), subscription(twelve, first_invoice=12_000)
    assert changed(old, new) == [
        "first invoice EUR 100.00 -> EUR 120.00",
        "Seats: quantity 10 -> 12",
        "Seats: amount EUR 100.00 -> EUR 120.00",
    ]


def test_a_moved_start_and_an_end_are_told() -> None:
    old = subscribed(Phase(day("2027-01-01"), None, (SEATS,)))
    new = subscribed(Phase(day("2027-02-01"), day("2028-02-01"), (SEATS,)), ends=True)
    assert changed(old, new) == [
        "ends by itself none -> yes",
        "starts 2027-01-01 -> 2027-02-01",
        "ends never -> 2028-02-01",
    ]


def test_a_new_and_a_lost_line_are_told_with_what_they_come_to() -> None:
    support = planned(2_500, YEARLY, number="9", description="Support")
    assert changed(subscription(SEATS), subscription(SEATS, support)) == ["Support is new: 1 for EUR 25.00"]
    assert changed(subscription(SEATS, support), subscription(SEATS)) == ["Support is gone: 1 for EUR 25.00"]


def test_a_renamed_line_is_the_same_line() -> None:
    assert changed(subscription(SEATS), subscription(replace(SEATS, description="Users"))) == [
        "Users: description Seats -> Users"
    ]


def test_each_stretch_of_a_ramp_is_named_by_its_first_day() -> None:
    def ramp(second: int) -> MakeSubscription:
        later = replace(SEATS, amount=second)
        return subscribed(
            Phase(day("2027-01-01"), day("2028-01-01"), (SEATS,)),
            Phase(day("2028-01-01"), day("2029-01-01"), (later,), trial=second == 0),
        )

    assert changed(ramp(20_000), ramp(30_000)) == ["Seats from 2028-01-01: amount EUR 200.00 -> EUR 300.00"]
    assert "phase 2 free none -> yes" in changed(ramp(20_000), ramp(0))
    alone = subscribed(Phase(day("2027-01-01"), None, (SEATS,)))
    assert "Seats from 2028-01-01 is gone: 10 for EUR 200.00" in changed(ramp(20_000), alone)


def test_terms_purchase_order_and_metadata_are_told_by_their_names() -> None:
    def with_po(number: str, net_days: int, *, taxed: bool) -> MakeSubscription:
        terms = InvoiceTerms(CollectionMethod.SEND_INVOICE, net_days, (("PO Number", number),), automatic_tax=taxed)
        return subscription(terms=terms, metadata={"region": number})

    assert changed(with_po("A", 30, taxed=False), with_po("B", 45, taxed=True)) == [
        "days until due 30 -> 45",
        "PO Number A -> B",
        "automatic tax none -> yes",
        "metadata region A -> B",
    ]


def test_a_milestone_more_names_every_step_and_its_amount() -> None:
    milestone = invoiced(planned(500, None), key=StepKey(ref("deal"), "invoice-2027-03-01"), on=day("2027-03-01"))
    old, new = planned_as(subscription()), planned_as(subscription(), milestone)
    assert differences(document(old), document(new)) == [
        "invoice-2027-03-01 is new: EUR 5.00",
        "Line 1 is new: 1 for EUR 5.00",
    ]
    moved = planned_as(subscription(), replace(milestone, on=day("2027-04-01")))
    assert differences(document(new), document(moved)) == ["invoice-2027-03-01: day 2027-03-01 -> 2027-04-01"]


def test_the_customers_address_and_another_price_are_told() -> None:
    old, new = planned_as(subscription()), planned_as(subscription(replace(SEATS, price=ExistingPrice("price_1"))))
    customer = MakeCustomer(CUSTOMER, "Acme GmbH", email="new@acme.example", address=Address(city="Bonn"))
    new = replace(new, steps=(customer, *new.steps[1:]))
    assert differences(document(old), document(new)) == [
        "customer Acme GmbH: e-mail address ap@acme.example -> new@acme.example",
        "customer Acme GmbH: city none -> Bonn",
        "Seats: price none -> price_1",
        "Seats: product hubspot:product:1/product -> none",
        "Seats: unit price EUR 10.00 -> none",
    ]


def test_a_unit_price_finer_than_the_currency_is_told_to_its_last_digit() -> None:
    finer = replace(SEATS, price=InlinePrice(PRODUCT, Decimal("1000.125"), SEATS.interval))
    assert changed(subscription(SEATS), subscription(finer)) == ["Seats: unit price EUR 10.00 -> EUR 10.00125"]


def test_the_months_that_lie_back_are_told_apart() -> None:
    def with_elapsed(*months: int) -> MakeSubscription:
        behind = [
            planned(100, None, description="Seats", period=Period(day(f"2026-{m:02}-01"), day(f"2026-{m + 1:02}-01")))
            for m in months
        ]
        return subscribed(Phase(day("2026-11-01"), None, (SEATS,), tuple(behind)), anchor=day("2026-12-01"))

    assert changed(with_elapsed(9), with_elapsed(9, 10)) == ["Seats is new: 1 for EUR 1.00"]
    assert changed(with_elapsed(9), with_elapsed(10)) == [
        "Seats: period 2026-09-01 until 2026-10-01 -> 2026-10-01 until 2026-11-01"
    ]


def test_changes_of_a_running_contract_are_told() -> None:
    key = StepKey(ref("deal"), "change")

    def change(*items: ItemChange) -> Step:
        return ChangeSubscription(key, SUBSCRIPTION, "eur", items, {})

    twelve = replace(SEATS, quantity=12, amount=12_000)
    assert changed(change(ItemChange("si_1", SEATS)), change(ItemChange("si_1", twelve), ItemChange("si_2", None))) == [
        "Seats: quantity 10 -> 12",
        "Seats: amount EUR 100.00 -> EUR 120.00",
        "removal of item si_2 is new",
    ]
    waits = AddToNextInvoice(key, CUSTOMER, SUBSCRIPTION, "eur", (planned(-300, None, description="Rest"),), {})
    assert changed(waits, replace(waits, lines=())) == ["Rest is gone: 1 for EUR -3.00"]
    ends = EndSubscription(key, SUBSCRIPTION, {}, on=day("2027-05-01"))
    assert changed(ends, replace(ends, on=None)) == ["day 2027-05-01 -> none"]
    credit = CreditInvoice(key, RecordRef("stripe", "invoice", "in_1"), "eur", 450, "Not served.", {})
    assert changed(credit, replace(credit, amount=300)) == ["amount EUR 4.50 -> EUR 3.00"]
    grant = GrantCredits(key, CUSTOMER, "eur", "Credits", 5_000, {})
    assert changed(grant, replace(grant, expires=day("2028-01-01"))) == ["expires none -> 2028-01-01"]


def test_notes_and_a_mere_change_of_order_are_told_too() -> None:
    old = replace(planned_as(subscription()), notes=("Cut.",))
    assert differences(document(old), document(replace(old, notes=()))) == ["note “Cut.” told -> none"]
    backwards = replace(old, steps=old.steps[::-1])
    assert differences(document(old), document(backwards)) == ["the same, in another order"]
