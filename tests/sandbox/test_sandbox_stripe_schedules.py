"""Subscription schedules: a later start, phases, and how they end; and previews of what is not there yet."""

from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_account import StripeAccount, at

NOW = at(2026, 1, 15, 12)
LATER = at(2026, 2, 1)


def phase(price: Any, quantity: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "items": [{"price": price.id, "quantity": quantity}],
        "collection_method": "send_invoice",
        "invoice_settings": {"days_until_due": 30},
        **more,
    }


def schedule(account: StripeAccount, phases: list[dict[str, Any]], **more: Any) -> Any:
    return account.v1.subscription_schedules.create(
        {"customer": account.customer().id, "start_date": LATER, "phases": phases, **more}
    )


def test_a_schedule_waits_for_its_start_and_then_bills_a_draft(account: StripeAccount) -> None:
    made = schedule(account, [phase(account.price(), 4, duration={"interval": "year"}, metadata={"deal": "006B"})])
    assert (made.status, made.subscription, made.current_phase) == ("not_started", None, None)
    assert (made.phases[0].start_date, made.phases[0].end_date) == (LATER, at(2027, 2, 1))

    account.advance(days=16)
    assert account.v1.subscription_schedules.retrieve(made.id).status == "not_started"
    account.advance(days=1)

    begun = account.v1.subscription_schedules.retrieve(made.id, {"expand": ["subscription.latest_invoice"]})
    assert (begun.status, begun.current_phase.start_date) == ("active", LATER)
    subscription = begun.subscription
    assert (subscription.schedule, subscription.metadata["deal"]) == (made.id, "006B")
    assert (subscription.start_date, subscription.days_until_due) == (LATER, 30)
    invoice = subscription.latest_invoice
    assert (invoice.created, invoice.status, invoice.amount_due) == (LATER, "open", 12400)
    assert invoice.status_transitions.finalized_at == LATER + 3600


def test_a_schedule_that_starts_now_charges_nothing_before_its_draft_hour(account: StripeAccount) -> None:
    customer = account.card_customer()
    automatic = {"items": [{"price": account.price().id}], "duration": {"interval": "month"}}
    made = account.v1.subscription_schedules.create(
        {"customer": customer.id, "start_date": "now", "phases": [automatic], "expand": ["subscription"]}
    )

    assert made.status == "active"
    assert account.invoices()[0].status == "draft"
    account.advance(hours=1)
    assert account.invoices()[0].status == "paid"


def test_a_ramp_bills_each_phase_its_own_price_and_quantity(account: StripeAccount) -> None:
    first, second = account.price(1000), account.price(1500)
    made = schedule(
        account,
        [
            phase(first, 2, duration={"interval": "month", "interval_count": 2}),
            phase(first, 5, duration={"interval": "month", "interval_count": 1}, metadata={"step": "2"}),
            phase(second, 5, end_date=at(2026, 7, 1), add_invoice_items=[{"price": account.price(99, None).id}]),
        ],
        end_behavior="cancel",
    )

    account.advance(days=200)

    invoices = account.invoices()
    assert [(one.created, one.amount_due) for one in invoices] == [
        (at(2026, 2, 1), 2000),
        (at(2026, 3, 1), 2000),
        (at(2026, 4, 1), 5000),
        (at(2026, 5, 1), 7599),
        (at(2026, 6, 1), 7500),
    ]
    ended = account.v1.subscription_schedules.retrieve(made.id)
    assert (ended.status, ended.completed_at) == ("completed", at(2026, 7, 1))
    subscription = account.v1.subscriptions.retrieve(ended.subscription)
    assert (subscription.status, subscription.ended_at) == ("canceled", at(2026, 7, 1))
    assert subscription.metadata["step"] == "2"


def test_a_phase_that_changes_in_mid_period_prorates_or_not(account: StripeAccount) -> None:
    price = account.price(2800)
    for behavior in ("create_prorations", "none"):
        schedule(
            account,
            [
                phase(price, 1, end_date=at(2026, 2, 15)),
                phase(price, 2, end_date=at(2026, 6, 1), proration_behavior=behavior),
            ],
        )

    account.advance(days=46)

    dues = [one.amount_due for one in account.invoices() if one.created == at(2026, 3, 1)]
    assert sorted(dues) == [5600, 5600 + 1400]  # half of February for one more


def test_released_at_the_end_the_subscription_runs_on(account: StripeAccount) -> None:
    made = schedule(account, [phase(account.price(), duration={"interval": "month"})])

    account.advance(days=60)

    released = account.v1.subscription_schedules.retrieve(made.id)
    assert (released.status, released.subscription) == ("released", None)
    subscription = account.v1.subscriptions.retrieve(released.released_subscription)
    assert (subscription.status, subscription.schedule) == ("past_due", None)
    assert len(account.invoices()) == 2
    types = account.event_types(made.id)
    assert "subscription_schedule.released" in types


def test_the_end_of_a_schedule_is_announced_a_week_before(account: StripeAccount) -> None:
    made = schedule(account, [phase(account.price(), duration={"interval": "month"})])

    account.advance(days=38)

    events = account.v1.events.list({"type": "subscription_schedule.expiring"}).data
    assert [(one.data.object["id"], one.created) for one in events] == [(made.id, at(2026, 2, 22))]


@pytest.mark.parametrize("field", ["items", "cancel_at_period_end"])
def test_a_scheduled_subscription_is_changed_through_its_schedule(account: StripeAccount, field: str) -> None:
    made = schedule(account, [phase(account.price(), duration={"interval": "year"})], start_date="now")
    changes: dict[str, Any] = {"items": [{"price": account.price(1).id}], "cancel_at_period_end": True}

    with pytest.raises(stripe.InvalidRequestError, match=made.id):
        account.v1.subscriptions.update(made.subscription, {field: changes[field]})

    account.v1.subscription_schedules.release(made.id)
    assert account.v1.subscriptions.update(made.subscription, {field: changes[field]}).schedule is None
    with pytest.raises(stripe.InvalidRequestError, match="released"):
        account.v1.subscription_schedules.release(made.id)


def test_a_running_schedule_gets_new_phases(account: StripeAccount) -> None:
    price = account.price(3100)
    made = schedule(account, [phase(price, 1, end_date=at(2026, 7, 15, 12))], start_date="now")

    account.advance(days=10)
    changed = account.v1.subscription_schedules.update(
        made.id,
        {
            "phases": [
                phase(price, 1, start_date=NOW, end_date=at(2026, 2, 15, 12)),
                phase(price, 3, duration={"interval": "month"}),
            ],
            "end_behavior": "cancel",
            "metadata": {"amended": "yes"},
        },
    )
    assert [one.end_date for one in changed.phases] == [at(2026, 2, 15, 12), at(2026, 3, 15, 12)]
    assert changed.metadata["amended"] == "yes"

    account.advance(days=60)
    assert [one.amount_due for one in account.invoices()] == [3100, 9300]
    assert account.v1.subscription_schedules.retrieve(made.id).status == "completed"


def test_a_change_of_the_current_phase_takes_effect_at_once(account: StripeAccount) -> None:
    price = account.price(3100)
    made = schedule(account, [phase(price, 1, end_date=at(2026, 7, 15, 12))], start_date="now")

    account.advance(days=15, hours=12)
    account.v1.subscription_schedules.update(
        made.id, {"phases": [phase(price, 2, start_date=NOW, end_date=at(2026, 7, 15, 12))]}
    )

    assert account.v1.subscriptions.retrieve(made.subscription)["items"].data[0].quantity == 2
    account.advance(days=16)
    assert [one.amount_due for one in account.invoices()] == [3100, 6200 + 1550]


def test_cancelling_a_schedule_ends_its_subscription(account: StripeAccount) -> None:
    waiting = schedule(account, [phase(account.price(), duration={"interval": "year"})])
    running = schedule(account, [phase(account.price(), duration={"interval": "year"})], start_date="now")
    account.advance(days=15, hours=12)

    assert account.v1.subscription_schedules.cancel(waiting.id).status == "canceled"
    account.v1.subscription_schedules.cancel(running.id)

    assert account.v1.subscriptions.retrieve(running.subscription).status == "canceled"
    assert [one.total for one in account.invoices()] == [3100, -1550]
    account.advance(days=30)
    assert len(account.v1.subscriptions.list({"status": "all"}).data) == 1


def test_cancelling_the_subscription_cancels_its_schedule(account: StripeAccount) -> None:
    made = schedule(account, [phase(account.price(), duration={"interval": "year"})], start_date="now")

    account.v1.subscriptions.cancel(made.subscription)

    assert account.v1.subscription_schedules.retrieve(made.id).status == "canceled"


def test_a_running_subscription_can_be_put_on_a_schedule(account: StripeAccount) -> None:
    subscription = account.subscription(quantity=3)

    made = account.v1.subscription_schedules.create({"from_subscription": subscription.id})

    assert (made.status, made.subscription) == ("active", subscription.id)
    assert made.phases[0]["items"][0].quantity == 3
    assert made.phases[0].end_date == at(2026, 2, 15, 12)
    with pytest.raises(stripe.InvalidRequestError, match="already attached"):
        account.v1.subscription_schedules.create({"from_subscription": subscription.id})
    with pytest.raises(stripe.InvalidRequestError, match="other parameters cannot"):
        account.v1.subscription_schedules.create({"from_subscription": subscription.id, "metadata": {"a": "b"}})


def test_a_trial_phase_is_free(account: StripeAccount) -> None:
    price = account.price()
    schedule(
        account,
        [phase(price, trial=True, duration={"interval": "month"}), phase(price, duration={"interval": "year"})],
        start_date="now",
    )

    account.advance(days=32)

    assert [(one.amount_due, one.created) for one in account.invoices()] == [(0, NOW), (3100, at(2026, 2, 15, 12))]


def test_a_schedule_may_have_begun_in_the_past(account: StripeAccount) -> None:
    made = schedule(account, [phase(account.price(), end_date=at(2026, 12, 1))], start_date=at(2025, 12, 15, 12))

    assert made.status == "active"
    assert [line.amount for line in account.invoices()[0].lines.data] == [3100, 3100]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"phases": []}, "Missing required param: phases"),
        ({"phases": "eleven"}, "at most 10"),
        ({"end_behavior": "renew"}, "does not simulate end_behavior"),
        ({"customer": "cus_none"}, "No such customer"),
        ({"phase": {"end_date": 5}}, "after its start"),
        ({"phase": {"end_date": at(2027, 1, 1), "duration": {"interval": "month"}}}, "only specify one"),
        ({"phase": {"invoice_settings": {}}}, "days_until_due"),
        ({"phase": {"iterations": 2}}, r"unknown parameter: phases\[0\]\[iterations\]"),
        ({"phase": {"transfer_data": {"destination": "acct_1"}}}, "does not simulate"),
    ],
)
def test_schedules_stripe_cannot_hold_are_refused(account: StripeAccount, change: dict[str, Any], words: str) -> None:
    price = account.price()
    one = phase(price, **change.pop("phase", {}))
    if change.get("phases") == "eleven":
        change["phases"] = [one] * 11

    with pytest.raises(stripe.InvalidRequestError, match=words):
        schedule(account, change.pop("phases", [one]), **change)

    assert account.v1.subscription_schedules.list({}).data == []


def test_a_schedule_needs_a_customer(account: StripeAccount) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: customer"):
        account.v1.subscription_schedules.create({"phases": [phase(account.price())]})


def test_schedules_are_listed_by_customer_and_state(account: StripeAccount) -> None:
    waiting = schedule(account, [phase(account.price())])
    running = schedule(account, [phase(account.price())], start_date="now")

    listed = account.v1.subscription_schedules.list
    assert [one.id for one in listed({"scheduled": True}).data] == [waiting.id]
    assert [one.id for one in listed({"customer": running.customer}).data] == [running.id]


def test_the_preview_of_a_new_subscription_is_what_it_then_costs(account: StripeAccount) -> None:
    customer, price = account.customer(), account.price()
    terms = {"items": [{"price": price.id, "quantity": 7}], "billing_mode": {"type": "flexible"}}

    shown = account.v1.invoices.create_preview(
        {
            "customer": customer.id,
            "subscription_details": terms,
            "invoice_items": [{"price": account.price(900, None).id, "quantity": 2}],
        }
    )

    assert (shown.amount_due, shown.id[:9], shown.number) == (7 * 3100 + 1800, "upcoming_", None)
    assert account.v1.subscriptions.list({}).data == []
    assert account.invoices() == []
    assert account.v1.invoice_items.list({}).data == []
    assert "invoice.created" not in account.event_types()
    made = account.subscription(customer, price, 7)
    assert made.latest_invoice.amount_due == 7 * 3100


def test_the_preview_of_a_renewal_is_what_it_then_costs(account: StripeAccount) -> None:
    subscription = account.subscription(quantity=2)

    shown = account.v1.invoices.create_preview({"subscription": subscription.id})
    assert (shown.amount_due, shown.created) == (6200, at(2026, 2, 15, 12))
    assert account.v1.subscriptions.retrieve(subscription.id)["items"].data[0].current_period_end == shown.created

    account.advance(days=32)
    assert account.invoices()[1].amount_due == 6200


def test_the_preview_of_a_change_leaves_the_subscription_alone(account: StripeAccount) -> None:
    subscription = account.subscription()
    item = subscription["items"].data[0]
    account.advance(days=15, hours=12)
    change = {"items": [{"id": item.id, "quantity": 3}], "proration_behavior": "always_invoice"}

    shown = account.v1.invoices.create_preview({"subscription": subscription.id, "subscription_details": change})

    assert shown.amount_due == 3100
    assert account.v1.subscriptions.retrieve(subscription.id)["items"].data[0].quantity == 1
    assert len(account.invoices()) == 1
    account.v1.subscriptions.update(subscription.id, change)
    assert account.invoices()[1].amount_due == 3100


def test_the_preview_of_a_cancellation_shows_the_credit(account: StripeAccount) -> None:
    subscription = account.subscription()
    account.advance(days=15, hours=12)

    shown = account.v1.invoices.create_preview(
        {"subscription": subscription.id, "subscription_details": {"cancel_now": True}}
    )

    assert shown.total == -1550
    assert account.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_a_schedule_can_be_previewed(account: StripeAccount) -> None:
    price = account.price()

    shown = account.v1.invoices.create_preview(
        {
            "customer": account.customer().id,
            "schedule_details": {
                "phases": [
                    {"items": [{"price": price.id, "quantity": 2}], "start_date": LATER, "end_date": at(2027, 2, 1)}
                ]
            },
        }
    )

    assert (shown.amount_due, shown.created) == (6200, LATER)
    assert account.v1.subscription_schedules.list({}).data == []


def test_nothing_to_come_is_an_error(account: StripeAccount) -> None:
    ending = account.v1.subscriptions.update(account.subscription().id, {"cancel_at_period_end": True})
    for params in ({"subscription": ending.id}, {"customer": ending.customer}):
        with pytest.raises(stripe.InvalidRequestError) as nothing:
            account.v1.invoices.create_preview(params)
        assert nothing.value.code == "invoice_upcoming_none"

    account.v1.subscriptions.cancel(ending.id)
    with pytest.raises(stripe.InvalidRequestError, match="canceled"):
        account.v1.invoices.create_preview({"subscription": ending.id})
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: customer"):
        account.v1.invoices.create_preview({"subscription_details": {"items": []}})
    with pytest.raises(stripe.InvalidRequestError, match="preview_mode"):
        account.v1.invoices.create_preview({"customer": ending.customer, "preview_mode": "recurring"})


def test_pending_items_can_be_previewed(account: StripeAccount) -> None:
    customer = account.customer()
    account.v1.invoice_items.create({"customer": customer.id, "amount": 250, "currency": "usd"})

    shown = account.v1.invoices.create_preview({"customer": customer.id})

    assert shown.amount_due == 250
    assert len(account.v1.invoice_items.list({"pending": True}).data) == 1
