"""Contracts that change on the way: trials, proration, items, ends."""

from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_account import StripeAccount, at

NOW = at(2026, 1, 15, 12)


def test_a_trial_is_free_announces_its_end_and_then_bills(account: StripeAccount) -> None:
    trial_end = NOW + 10 * 86400
    subscription = account.subscription(trial_end=trial_end)
    assert (subscription.status, subscription.trial_end) == ("trialing", trial_end)
    assert subscription.latest_invoice.total == 0

    account.advance(days=7)
    assert "customer.subscription.trial_will_end" in account.event_types(subscription.id)
    account.advance(days=3)

    assert account.v1.subscriptions.retrieve(subscription.id).status == "active"
    free, first = account.invoices()
    assert (free.status, free.amount_due) == ("paid", 0)
    assert (first.created, first.amount_due) == (trial_end, 3100)
    account.advance(days=31)
    assert account.invoices()[2].created == at(2026, 2, 25, 12)


def test_ending_a_trial_early_bills_at_once(account: StripeAccount) -> None:
    subscription = account.subscription(trial_period_days=14)

    account.advance(days=2)
    ended = account.v1.subscriptions.update(subscription.id, {"trial_end": "now", "expand": ["latest_invoice"]})

    assert (ended.status, ended.latest_invoice.amount_due) == ("active", 3100)
    assert ended["items"].data[0].current_period_end == at(2026, 2, 17, 12)


@pytest.mark.parametrize(
    ("terms", "amounts"),
    [
        # 16.5 days of the 31 in the cycle that ends on 1 February
        ({"billing_cycle_anchor": at(2026, 2, 1)}, [1650]),
        ({"billing_cycle_anchor": at(2026, 2, 1), "proration_behavior": "none"}, [0]),
        # the whole of January
        ({"billing_cycle_anchor": at(2026, 2, 1), "backdate_start_date": at(2026, 1, 1)}, [3100]),
        # 14.5 of the 30 days to 15 December, the month to 15 January, and the month that begins now
        ({"backdate_start_date": at(2025, 12, 1)}, [1498, 3100, 3100]),
        ({"backdate_start_date": at(2025, 12, 1), "billing_mode": {"type": "classic"}}, [4598, 3100]),
        # 15 of November's 30 days by this anchor, December, January
        ({"billing_cycle_anchor": at(2026, 2, 1), "backdate_start_date": at(2025, 11, 16)}, [1550, 3100, 3100]),
        (
            {
                "billing_cycle_anchor": at(2026, 2, 1),
                "backdate_start_date": at(2025, 11, 16),
                "billing_mode": {"type": "classic"},
            },
            [7750],
        ),
        ({"backdate_start_date": at(2025, 12, 1), "proration_behavior": "none"}, [3100]),
        ({"billing_cycle_anchor_config": {"day_of_month": 1, "hour": 0, "minute": 0, "second": 0}}, [1650]),
    ],
)
def test_a_start_off_the_cycle_is_prorated_by_the_second(
    account: StripeAccount, terms: dict[str, Any], amounts: list[int]
) -> None:
    subscription = account.subscription(**terms)

    assert [line.amount for line in subscription.latest_invoice.lines.data] == amounts
    account.advance(days=35)
    assert account.invoices()[1].amount_due == 3100


def test_a_higher_quantity_in_mid_period_is_prorated_on_the_next_invoice(account: StripeAccount) -> None:
    subscription = account.subscription()
    item = subscription["items"].data[0]

    account.advance(days=15, hours=12)  # half of the 31 days
    account.v1.subscriptions.update(subscription.id, {"items": [{"id": item.id, "quantity": 3}]})

    waiting = account.v1.invoice_items.list({"pending": True}).data
    assert sorted((one.amount, one.proration) for one in waiting) == [(-1550, True), (4650, True)]
    account.advance(days=16)
    renewal = account.invoices()[1]
    assert renewal.amount_due == 4650 - 1550 + 9300
    prorations = [
        line.amount
        for line in renewal.lines.data
        if line.parent.type == "invoice_item_details" and line.parent.invoice_item_details.proration
    ]
    assert sorted(prorations) == [-1550, 4650]


@pytest.mark.parametrize(("behavior", "amounts"), [("always_invoice", [3100, 3100]), ("none", [3100])])
def test_the_proration_behaviour_decides_when_a_change_is_billed(
    account: StripeAccount, behavior: str, amounts: list[int]
) -> None:
    subscription = account.subscription()
    item = subscription["items"].data[0]

    account.advance(days=15, hours=12)
    account.v1.subscriptions.update(
        subscription.id, {"items": [{"id": item.id, "quantity": 3}], "proration_behavior": behavior}
    )

    assert [one.amount_due for one in account.invoices()] == amounts
    assert account.v1.subscriptions.retrieve(subscription.id)["items"].data[0].quantity == 3


def test_a_change_can_be_prorated_from_a_stated_moment(account: StripeAccount) -> None:
    subscription = account.subscription()
    items = [{"id": subscription["items"].data[0].id, "quantity": 2}]
    account.advance(days=20)

    account.v1.subscriptions.update(subscription.id, {"items": items, "proration_date": at(2026, 1, 31)})

    waiting = account.v1.invoice_items.list({"pending": True}).data
    assert sorted(one.amount for one in waiting) == [-1550, 3100]
    with pytest.raises(stripe.InvalidRequestError, match="outside of the current period"):
        account.v1.subscriptions.update(subscription.id, {"items": items, "proration_date": at(2025, 1, 1)})


def test_an_item_of_another_subscription_is_refused_and_so_is_deleting_none(account: StripeAccount) -> None:
    mine, other = account.subscription(), account.subscription()

    with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
        account.v1.subscriptions.update(mine.id, {"items": [{"id": other["items"].data[0].id, "quantity": 2}]})
    with pytest.raises(stripe.InvalidRequestError, match=r"items\[0\]\[id\]"):
        account.v1.subscriptions.update(mine.id, {"items": [{"deleted": True}]})


def test_a_trial_can_be_added_to_a_running_subscription_and_prolonged(account: StripeAccount) -> None:
    subscription = account.subscription()
    end = at(2026, 3, 1)

    for moment in (at(2026, 2, 1), end):
        changed = account.v1.subscriptions.update(subscription.id, {"trial_end": moment})
        assert (changed.status, changed.trial_end, changed.billing_cycle_anchor) == ("trialing", moment, moment)
    account.advance(days=60)

    assert [one.created for one in account.invoices()] == [NOW, end]


def test_collection_discounts_and_taxes_can_be_changed_on_the_way(account: StripeAccount) -> None:
    customer = account.customer(address={"country": "DE"})
    subscription = account.subscription(customer)
    coupon = account.v1.coupons.create({"percent_off": 50, "duration": "forever"})

    changed = account.v1.subscriptions.update(
        subscription.id,
        {
            "discounts": [{"coupon": coupon.id}],
            "automatic_tax": {"enabled": True},
            "days_until_due": 7,
            "invoice_settings": {"footer": "Danke", "description": "Vertrag 7"},
            "description": "Contract",
        },
    )
    assert (changed.automatic_tax.enabled, changed.days_until_due) == (True, 7)
    account.advance(days=31)

    renewal = account.invoices()[1]
    assert (renewal.amount_due, renewal.footer, renewal.description) == (1550 + 295, "Danke", "Vertrag 7")
    assert (renewal.automatic_tax.status, renewal.due_date - renewal.created) == ("complete", 7 * 86400)
    automatic = account.v1.subscriptions.update(subscription.id, {"collection_method": "charge_automatically"})
    assert automatic.days_until_due is None
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        account.v1.subscriptions.update(subscription.id, {"cancel_at": NOW + 10**7, "cancel_at_period_end": True})


def test_an_agreed_end_can_be_taken_back(account: StripeAccount) -> None:
    subscription = account.subscription()
    account.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})

    kept = account.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})

    assert (kept.cancel_at, kept.canceled_at) == (None, None)
    account.advance(days=40)
    assert account.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert len(account.invoices()) == 2


def test_items_can_be_added_swapped_and_removed(account: StripeAccount) -> None:
    subscription = account.subscription()
    old = subscription["items"].data[0]
    extra = account.v1.subscription_items.create(
        {"subscription": subscription.id, "price": account.price(500).id, "proration_behavior": "none"}
    )
    account.v1.subscription_items.update(extra.id, {"quantity": 4, "proration_behavior": "none"})
    swapped = {"items": [{"id": old.id, "price": account.price(200).id}], "proration_behavior": "none"}
    account.v1.subscriptions.update(subscription.id, swapped)

    listed = account.v1.subscription_items.list({"subscription": subscription.id}).data
    assert [(one.price.unit_amount, one.quantity) for one in listed] == [(200, 1), (500, 4)]

    account.v1.subscription_items.delete(extra.id, {"proration_behavior": "none"})
    assert len(account.v1.subscriptions.retrieve(subscription.id)["items"].data) == 1
    with pytest.raises(stripe.InvalidRequestError, match="at least one"):
        account.v1.subscription_items.delete(old.id)


def test_a_start_too_long_ago_makes_too_many_lines(account: StripeAccount) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="more than 250 lines"):
        account.subscription(price=account.price(1, "day"), backdate_start_date=at(2025, 1, 1))


def test_another_interval_starts_a_new_cycle_now(account: StripeAccount) -> None:
    subscription = account.subscription()
    item = subscription["items"].data[0]

    account.advance(days=10)
    account.v1.subscriptions.update(
        subscription.id,
        {"items": [{"id": item.id, "price": account.price(31000, "year").id}], "proration_behavior": "none"},
    )

    assert [one.amount_due for one in account.invoices()] == [3100, 31000]
    changed = account.v1.subscriptions.retrieve(subscription.id)["items"].data[0]
    assert changed.current_period_end == at(2027, 1, 25, 12)


def test_the_anchor_can_be_set_to_now(account: StripeAccount) -> None:
    subscription = account.subscription()

    account.advance(days=15, hours=12)
    account.v1.subscriptions.update(subscription.id, {"billing_cycle_anchor": {"type": "now"}})

    assert [one.amount_due for one in account.invoices()] == [3100, 3100 - 1550]
    assert account.v1.subscriptions.retrieve(subscription.id).billing_cycle_anchor == at(2026, 1, 31)


@pytest.mark.parametrize("how", ["cancel_at", "cancel_at_period_end", "min_period_end"])
def test_a_subscription_ends_when_agreed_and_is_not_billed_again(account: StripeAccount, how: str) -> None:
    end = at(2026, 2, 15, 12)
    agreed: dict[str, dict[str, Any]] = {
        "cancel_at": {"cancel_at": end},
        "cancel_at_period_end": {"cancel_at_period_end": True},
        "min_period_end": {"cancel_at": "min_period_end"},
    }
    subscription = account.v1.subscriptions.update(account.subscription().id, agreed[how])
    assert (subscription.status, subscription.cancel_at) == ("active", end)

    account.advance(days=40)

    ended = account.v1.subscriptions.retrieve(subscription.id)
    assert (ended.status, ended.ended_at) == ("canceled", end)
    assert len(account.invoices()) == 1
    assert "customer.subscription.deleted" in account.event_types(subscription.id)


def test_an_end_inside_a_period_gives_the_rest_back(account: StripeAccount) -> None:
    subscription = account.subscription()

    account.v1.subscriptions.update(subscription.id, {"cancel_at": at(2026, 1, 31)})

    assert [one.amount for one in account.v1.invoice_items.list({"pending": True}).data] == [-1550]


def test_a_last_period_is_as_short_as_the_contract(account: StripeAccount) -> None:
    account.subscription(cancel_at=at(2026, 3, 1, 12))

    account.advance(days=60)

    first, last = account.invoices()
    assert (first.amount_due, last.amount_due) == (3100, 1550)  # 14 of February's 28 days
    assert last.lines.data[0].period.end == at(2026, 3, 1, 12)


def test_cancelling_now_can_credit_and_invoice_what_is_unused(account: StripeAccount) -> None:
    subscription = account.subscription()
    account.advance(days=15, hours=12)

    ended = account.v1.subscriptions.cancel(
        subscription.id, {"prorate": True, "invoice_now": True, "cancellation_details": {"comment": "churn"}}
    )

    assert (ended.status, ended.cancellation_details.reason) == ("canceled", "cancellation_requested")
    assert ended.cancellation_details.comment == "churn"
    assert [one.total for one in account.invoices()] == [3100, -1550]
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        account.v1.subscriptions.cancel(subscription.id)
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        account.v1.subscriptions.update(subscription.id, {"description": "too late"})


def test_paused_collection_voids_or_keeps_what_renewals_make(account: StripeAccount) -> None:
    subscription = account.subscription()
    account.v1.subscriptions.update(subscription.id, {"pause_collection": {"behavior": "void"}})
    account.advance(days=32)
    account.v1.subscriptions.update(subscription.id, {"pause_collection": {"behavior": "mark_uncollectible"}})
    account.advance(days=28)
    account.v1.subscriptions.update(subscription.id, {"pause_collection": {"behavior": "keep_as_draft"}})
    account.advance(days=31)
    account.v1.subscriptions.update(subscription.id, {"pause_collection": ""})
    account.advance(days=31)

    assert [one.status for one in account.invoices()] == ["open", "void", "uncollectible", "draft", "open"]
