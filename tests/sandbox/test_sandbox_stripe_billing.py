"""Subscriptions and invoices as they live: drafts, renewals, payment, failure, trials, proration, the end."""

import itertools
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_account import StripeAccount, at

NOW = at(2026, 1, 15, 12)


def test_a_first_invoice_by_mail_is_a_draft_for_an_hour_and_then_a_demand(account: StripeAccount) -> None:
    subscription = account.subscription(quantity=5)
    draft = subscription.latest_invoice
    assert (subscription.status, draft.status, draft.amount_due, draft.number) == ("active", "draft", 15500, None)
    assert draft.hosted_invoice_url is None
    assert draft.automatically_finalizes_at == NOW + 3600

    account.advance(minutes=59)
    assert account.v1.invoices.retrieve(draft.id).status == "draft"
    account.advance(minutes=1)

    invoice = account.v1.invoices.retrieve(draft.id, {"expand": ["payments", "confirmation_secret"]})
    assert invoice.status == "open"
    assert invoice.number.endswith("-0001")
    assert invoice.hosted_invoice_url.startswith("https://")
    assert invoice.due_date == NOW + 30 * 86400
    assert invoice.status_transitions.finalized_at == NOW + 3600
    assert [(one.status, one.amount_requested, one.is_default) for one in invoice.payments.data] == [
        ("open", 15500, True)
    ]
    assert account.event_types(draft.id) == [
        "invoice.created",
        "invoice.updated",
        "invoice.finalized",
        "invoice.sent",
    ]


def test_a_draft_can_be_finalised_and_sent_at_once(account: StripeAccount) -> None:
    draft = account.subscription().latest_invoice

    assert account.v1.invoices.finalize_invoice(draft.id).status == "open"
    assert account.v1.invoices.send_invoice(draft.id).status == "open"

    assert account.event_types(draft.id)[-2:] == ["invoice.finalized", "invoice.sent"]
    with pytest.raises(stripe.InvalidRequestError, match="already finalized"):
        account.v1.invoices.finalize_invoice(draft.id)


def test_a_monthly_subscription_renews_on_its_day_through_a_quarter(account: StripeAccount) -> None:
    subscription = account.subscription(quantity=2, metadata={"deal": "006A"})

    account.advance(days=90)

    invoices = account.invoices(subscription=subscription.id)
    assert [one.created for one in invoices] == [at(2026, month, 15, 12) for month in (1, 2, 3, 4)]
    assert [one.status for one in invoices] == ["open", "open", "open", "draft"]
    assert [one.amount_due for one in invoices] == [6200] * 4
    assert [one.billing_reason for one in invoices] == ["subscription_create", *["subscription_cycle"] * 3]
    assert [(one.number or "draft")[-4:] for one in invoices] == ["0001", "0002", "0003", "raft"]
    details = invoices[2].parent.subscription_details
    assert (details.subscription, details.metadata["deal"]) == (subscription.id, "006A")
    line = invoices[2].lines.data[0]
    assert (line.period.start, line.period.end) == (at(2026, 3, 15, 12), at(2026, 4, 15, 12))
    assert line.pricing.price_details.price == subscription["items"].data[0].price.id
    item = account.v1.subscriptions.retrieve(subscription.id)["items"].data[0]
    assert (item.current_period_start, item.current_period_end) == (at(2026, 4, 15, 12), at(2026, 5, 15, 12))


def test_a_month_without_the_anchor_day_bills_on_its_last(account: StripeAccount) -> None:
    account.advance(days=16)  # 31 January
    account.subscription()

    account.advance(days=100)

    assert [one.created for one in account.invoices()] == [
        at(2026, 1, 31, 12),
        at(2026, 2, 28, 12),
        at(2026, 3, 31, 12),
        at(2026, 4, 30, 12),
    ]


def test_one_long_step_of_the_clock_ends_where_many_short_ones_do() -> None:
    def history(step: int, count: int) -> list[tuple[str, int]]:
        account = StripeAccount()
        try:
            customer = account.card_customer()
            account.control("POST", f"/customers/{customer.id}/decline", times=2)
            account.subscription(customer, days_until_due=10)
            trial_end = account.now + 9 * 86400
            account.subscription(
                customer, collection_method="charge_automatically", trial_end=trial_end, days_until_due=None
            )
            account.v1.subscription_schedules.create(
                {
                    "customer": customer.id,
                    "start_date": account.now + 5 * 86400,
                    "end_behavior": "cancel",
                    "phases": [{"items": [{"price": account.price().id}], "duration": {"interval": "week"}}],
                }
            )
            for _ in range(count):
                account.advance(hours=step)
            events = account.v1.events.list({"limit": 100}).auto_paging_iter()
            return [(one.type, one.created) for one in events][::-1]
        finally:
            account.close()

    leap = history(24 * 29, 1)

    assert leap == history(24, 29)
    assert [moment for _, moment in leap] == sorted(moment for _, moment in leap)
    assert len(leap) > 40


def test_money_owed_past_its_due_date_makes_the_subscription_past_due_and_no_event_of_the_invoice(
    account: StripeAccount,
) -> None:
    customer = account.customer()
    subscription = account.subscription(customer)

    account.advance(days=30, seconds=-1)
    assert account.v1.subscriptions.retrieve(subscription.id).status == "active"
    account.advance(seconds=1)

    assert account.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert account.v1.customers.retrieve(customer.id).delinquent is True
    invoice = account.invoices()[0]
    assert invoice.status == "open"
    assert "invoice.overdue" not in account.event_types()
    last = account.v1.events.list({"type": "customer.subscription.updated", "limit": 1}).data[0]
    assert last.data.previous_attributes.to_dict() == {"status": "active"}

    account.control("POST", f"/invoices/{invoice.id}/pay")

    assert account.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert account.v1.customers.retrieve(customer.id).delinquent is False


def test_an_automation_sends_the_overdue_event(account: StripeAccount) -> None:
    account.control("POST", "/settings", overdue_automation=True)
    invoice = account.subscription(days_until_due=5).latest_invoice

    account.advance(days=5)

    assert account.event_types(invoice.id)[-1] == "invoice.overdue"


def test_paying_settles_the_invoice_and_tells_it_in_order(account: StripeAccount) -> None:
    invoice = account.subscription().latest_invoice
    account.advance(hours=2)

    account.control("POST", f"/invoices/{invoice.id}/pay")

    paid = account.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]})
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 3100, 0)
    assert paid.status_transitions.paid_at == NOW + 7200
    payment = paid.payments.data[0]
    assert (payment.status, payment.amount_paid) == ("paid", 3100)
    assert account.event_types()[-6:] == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        account.v1.invoices.pay(invoice.id)


def test_part_payments_leave_the_invoice_open_until_the_last(account: StripeAccount) -> None:
    invoice = account.subscription().latest_invoice
    account.advance(hours=2)

    account.control("POST", f"/invoices/{invoice.id}/pay", amount=1000)
    part = account.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]})
    assert (part.status, part.amount_paid, part.amount_remaining) == ("open", 1000, 2100)
    requested = sorted((one.status, one.amount_requested) for one in part.payments.data)
    assert requested == [("open", 2100), ("paid", 1000)]
    assert "invoice.paid" not in account.event_types()

    account.control("POST", f"/invoices/{invoice.id}/pay", amount=2100)

    assert account.v1.invoices.retrieve(invoice.id).status == "paid"
    assert account.event_types().count("invoice_payment.paid") == 2
    assert account.event_types().count("invoice.paid") == 1


def test_too_much_money_becomes_the_customers_credit(account: StripeAccount) -> None:
    customer = account.customer()
    account.subscription(customer)
    account.advance(hours=2)
    invoice = account.invoices()[0]

    account.control("POST", f"/invoices/{invoice.id}/pay", amount=5000)

    paid = account.v1.invoices.retrieve(invoice.id)
    assert (paid.status, paid.amount_paid, paid.amount_overpaid) == ("paid", 3100, 1900)
    assert account.v1.customers.retrieve(customer.id).balance == -1900
    assert "invoice.overpaid" in account.event_types()

    account.advance(days=32)
    renewal = account.invoices()[1]
    assert (renewal.total, renewal.starting_balance, renewal.amount_due) == (3100, -1900, 1200)
    assert account.v1.customers.retrieve(customer.id).balance == 0


def test_payment_outside_stripe_closes_the_invoice_without_a_charge(account: StripeAccount) -> None:
    invoice = account.subscription().latest_invoice

    paid = account.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})

    assert (paid.status, paid.amount_paid_off_stripe, paid.amount_remaining) == ("paid", 3100, 0)
    types = account.event_types()
    assert "invoice.paid" in types
    assert "payment_intent.canceled" in types
    assert not {"charge.succeeded", "invoice.payment_succeeded"} & set(types)


def test_a_reported_payment_settles_what_it_covers(account: StripeAccount) -> None:
    invoice = account.subscription().latest_invoice
    account.advance(hours=2)
    record = account.v1.payment_records.report_payment(
        {
            "amount_requested": {"currency": "usd", "value": 3000},
            "initiated_at": account.now,
            "outcome": "guaranteed",
            "guaranteed": {"guaranteed_at": account.now},
            "payment_method_details": {"type": "custom", "custom": {"display_name": "cheque"}},
        }
    )

    part = account.v1.invoices.attach_payment(invoice.id, {"payment_record": record.id})
    assert (part.status, part.amount_remaining, part.amount_paid_off_stripe) == ("open", 100, 3000)
    found = account.v1.invoice_payments.list({"payment": {"type": "payment_record", "payment_record": record.id}})
    assert [one.invoice for one in found.data] == [invoice.id]

    account.v1.invoices.attach_payment(invoice.id, {"payment_record": record.id})
    assert account.v1.invoices.retrieve(invoice.id).status == "paid"


def test_a_card_on_file_is_charged_at_once_and_at_each_renewal(account: StripeAccount) -> None:
    customer = account.card_customer()

    subscription = account.subscription(customer, collection_method="charge_automatically")

    assert (subscription.status, subscription.latest_invoice.status) == ("active", "paid")
    assert subscription.latest_invoice.due_date is None
    account.advance(days=31, hours=1)
    assert [one.status for one in account.invoices()] == ["paid", "paid"]
    assert [one.attempt_count for one in account.invoices()] == [1, 1]


def test_charging_automatically_needs_something_to_charge(account: StripeAccount) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        account.subscription(collection_method="charge_automatically")

    assert account.v1.subscriptions.list({"status": "all"}).data == []
    assert account.invoices() == []
    assert set(account.event_types()) == {"customer.created", "product.created", "price.created"}


def test_an_incomplete_subscription_waits_a_day_for_its_first_payment(account: StripeAccount) -> None:
    incomplete: dict[str, Any] = {"collection_method": "charge_automatically", "payment_behavior": "default_incomplete"}
    paid = account.subscription(**incomplete, expand=["latest_invoice.confirmation_secret"])
    unpaid = account.subscription(**incomplete)
    assert (paid.status, paid.latest_invoice.status) == ("incomplete", "open")
    assert paid.latest_invoice.confirmation_secret.client_secret.startswith("pi_")

    account.control("POST", f"/invoices/{paid.latest_invoice.id}/pay", method="card")
    account.advance(hours=23)

    assert account.v1.subscriptions.retrieve(paid.id).status == "active"
    assert account.v1.subscriptions.retrieve(unpaid.id).status == "incomplete_expired"
    assert account.v1.invoices.retrieve(unpaid.latest_invoice.id).status == "void"
    assert [one.id for one in account.v1.subscriptions.list({}).data] == [paid.id]


@pytest.mark.parametrize("card", ["pm_card_chargeCustomerFail", "pm_card_chargeDeclined"])
def test_a_declined_card_leaves_an_incomplete_subscription_and_an_open_invoice(
    account: StripeAccount, card: str
) -> None:
    customer = account.card_customer(card)

    subscription = account.subscription(customer, collection_method="charge_automatically")

    assert (subscription.status, subscription.latest_invoice.status) == ("incomplete", "open")
    assert "invoice.payment_failed" in account.event_types()
    with pytest.raises(stripe.CardError) as declined:
        account.v1.invoices.pay(subscription.latest_invoice.id)
    assert (declined.value.code, declined.value.http_status) == ("card_declined", 402)


def test_error_if_incomplete_makes_nothing_when_the_card_is_declined(account: StripeAccount) -> None:
    customer = account.card_customer("pm_card_chargeCustomerFail")

    with pytest.raises(stripe.CardError):
        account.subscription(customer, collection_method="charge_automatically", payment_behavior="error_if_incomplete")

    assert account.v1.subscriptions.list({"status": "all"}).data == []


def test_a_failed_renewal_is_tried_again_on_a_schedule_and_then_left(account: StripeAccount) -> None:
    customer = account.card_customer()
    subscription = account.subscription(customer, collection_method="charge_automatically")
    account.control("POST", f"/customers/{customer.id}/decline", times=10)

    account.advance(days=31, hours=1)
    renewal = account.invoices()[1]
    first = at(2026, 2, 15, 13)
    assert (renewal.status, renewal.attempt_count, renewal.next_payment_attempt) == ("open", 1, first + 3 * 86400)
    assert account.v1.subscriptions.retrieve(subscription.id).status == "past_due"

    account.advance(days=3)
    assert account.v1.invoices.retrieve(renewal.id).next_payment_attempt == first + 8 * 86400
    account.advance(days=12)

    last = account.v1.invoices.retrieve(renewal.id)
    assert (last.status, last.attempt_count, last.next_payment_attempt) == ("open", 4, None)
    assert account.event_types(renewal.id).count("invoice.payment_failed") == 4
    assert account.v1.subscriptions.retrieve(subscription.id).status == "past_due"


@pytest.mark.parametrize(("setting", "status"), [("cancel", "canceled"), ("unpaid", "unpaid")])
def test_after_the_last_attempt_the_account_settings_decide(account: StripeAccount, setting: str, status: str) -> None:
    account.control("POST", "/settings", after_last_retry=setting, retry_days=[1])
    customer = account.card_customer()
    subscription = account.subscription(customer, collection_method="charge_automatically")
    account.control("POST", f"/customers/{customer.id}/decline", times=10)

    account.advance(days=33)

    assert account.v1.subscriptions.retrieve(subscription.id).status == status
    account.advance(days=31)
    drafts = account.invoices(status="draft")
    assert len(drafts) == (1 if setting == "unpaid" else 0)


def test_a_retry_that_succeeds_puts_the_subscription_in_order(account: StripeAccount) -> None:
    customer = account.card_customer()
    subscription = account.subscription(customer, collection_method="charge_automatically")
    account.control("POST", f"/customers/{customer.id}/decline", times=1)

    account.advance(days=31, hours=1)
    assert account.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    account.advance(days=3)

    assert account.invoices()[1].status == "paid"
    assert account.v1.subscriptions.retrieve(subscription.id).status == "active"


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
        # 14.5 of the 30 days to 15 December, and the month to 15 January; then the month that begins now
        ({"backdate_start_date": at(2025, 12, 1)}, [4598, 3100]),
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


def test_intervals_mix_only_when_flexible_and_commensurate(account: StripeAccount) -> None:
    monthly, yearly, weekly = account.price(1000), account.price(90000, "year"), account.price(10, "week")

    def items(*prices: Any) -> dict[str, Any]:
        return {"items": [{"price": price.id} for price in prices]}

    mixed = account.subscription(**items(monthly, yearly), billing_mode={"type": "flexible"})
    assert mixed.latest_invoice.amount_due == 91000
    ends = [item.current_period_end for item in mixed["items"].data]
    assert ends == [at(2026, 2, 15, 12), at(2027, 1, 15, 12)]

    with pytest.raises(stripe.InvalidRequestError, match=r"recurring\.interval"):
        account.subscription(**items(monthly, yearly), billing_mode={"type": "classic"})
    with pytest.raises(stripe.InvalidRequestError, match=r"recurring\.interval"):
        account.subscription(**items(monthly, weekly))

    account.advance(days=40)
    renewal = account.invoices(subscription=mixed.id)[1]
    assert renewal.amount_due == 1000
    account.advance(days=330)
    amounts = [one.amount_due for one in account.invoices(subscription=mixed.id)]
    assert amounts == [91000, *[1000] * 11, 91000]


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


def test_an_immediate_change_is_charged_to_the_card_on_file(account: StripeAccount) -> None:
    subscription = account.subscription(account.card_customer(), collection_method="charge_automatically")
    item = {"id": subscription["items"].data[0].id, "quantity": 3}
    account.advance(days=15, hours=12)

    account.v1.subscriptions.update(subscription.id, {"items": [item], "proration_behavior": "always_invoice"})

    change = account.invoices()[1]
    assert (change.status, change.amount_paid, change.billing_reason) == ("paid", 3100, "subscription_update")


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
    assert (renewal.amount_due, renewal.footer, renewal.description) == (1550, "Danke", "Vertrag 7")
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


def test_one_off_lines_ride_on_the_first_invoice_only(account: StripeAccount) -> None:
    fee = account.price(50000, None)
    product = account.product("Workshop")
    subscription = account.subscription(
        add_invoice_items=[
            {"price": fee.id, "metadata": {"line": "fee"}},
            {
                "price_data": {"currency": "usd", "product": product.id, "unit_amount": 1200},
                "quantity": 3,
                "period": {"start": {"type": "max_item_period_start"}, "end": {"type": "min_item_period_end"}},
            },
        ]
    )

    lines = subscription.latest_invoice.lines.data
    assert [line.amount for line in lines] == [3100, 50000, 3600]
    assert lines[1].metadata["line"] == "fee"
    assert lines[2].period.end == at(2026, 2, 15, 12)
    account.advance(days=32)
    assert [one.amount_due for one in account.invoices()] == [56700, 3100]


def test_one_off_lines_of_an_update_wait_for_the_next_invoice(account: StripeAccount) -> None:
    subscription = account.subscription()

    account.v1.subscriptions.update(subscription.id, {"add_invoice_items": [{"price": account.price(700, None).id}]})

    assert len(account.v1.invoice_items.list({"pending": True}).data) == 1
    account.advance(days=32)
    assert [one.amount_due for one in account.invoices()] == [3100, 3800]


@pytest.mark.parametrize(
    ("coupon", "dues"),
    [
        ({"percent_off": 10, "duration": "forever"}, [2790, 2790, 2790, 2790]),
        ({"percent_off": 12.5, "duration": "once"}, [2712, 3100, 3100, 3100]),  # 387.5 off is 388
        (
            {"amount_off": 600, "currency": "usd", "duration": "repeating", "duration_in_months": 2},
            [2500, 2500, 3100, 3100],
        ),
        ({"amount_off": 9900, "currency": "usd", "duration": "once"}, [0, 3100, 3100, 3100]),
    ],
)
def test_a_coupon_takes_off_what_it_says_for_as_long_as_it_says(
    account: StripeAccount, coupon: dict[str, Any], dues: list[int]
) -> None:
    made = account.v1.coupons.create(coupon)
    subscription = account.subscription(discounts=[{"coupon": made.id}], expand=["latest_invoice", "discounts"])
    assert subscription.discounts[0].source.coupon == made.id
    assert account.v1.coupons.retrieve(made.id).times_redeemed == 1

    account.advance(days=91)

    invoices = account.invoices()
    assert [one.amount_due for one in invoices] == dues
    assert all(one.subtotal == 3100 for one in invoices)


def test_coupons_that_cannot_be_used_are_refused(account: StripeAccount) -> None:
    create = account.v1.coupons.create
    spent = create({"percent_off": 5, "duration": "once", "max_redemptions": 1})
    account.subscription(discounts=[{"coupon": spent.id}])
    late = create({"percent_off": 5, "duration": "once", "redeem_by": NOW + 60})
    euro = create({"amount_off": 500, "currency": "eur", "duration": "once"})
    account.advance(minutes=2)

    for coupon, words in [(spent, "Coupon expired"), (late, "Coupon expired"), (euro, "does not match usd")]:
        with pytest.raises(stripe.InvalidRequestError, match=words):
            account.subscription(discounts=[{"coupon": coupon.id}])
    with pytest.raises(stripe.InvalidRequestError, match="does not simulate promotion codes"):
        account.subscription(discounts=[{"promotion_code": "promo_1"}])
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        account.subscription(discounts=[{"coupon": spent.id, "promotion_code": "promo_1"}])
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        create({"id": spent.id, "percent_off": 5})


def test_a_coupon_works_on_after_its_deletion_and_only_for_its_products(account: StripeAccount) -> None:
    dear, cheap = account.price(1000), account.price(200)
    terms = {"percent_off": 50, "duration": "forever", "applies_to": {"products": [dear.product]}}
    coupon = account.v1.coupons.create(terms)
    subscription = account.subscription(
        items=[{"price": dear.id}, {"price": cheap.id}], discounts=[{"coupon": coupon.id}], expand=["discounts"]
    )
    account.v1.coupons.delete(coupon.id)
    carried = {"discount": subscription.discounts[0].id}
    account.v1.subscriptions.update(subscription.id, {"discounts": [carried]})

    account.advance(days=32)

    assert [one.total for one in account.invoices()] == [700, 700]


def test_a_discount_of_one_item_leaves_the_others_alone(account: StripeAccount) -> None:
    coupon = account.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    invoice = account.subscription(
        items=[
            {"price": account.price(1000).id, "discounts": [{"coupon": coupon.id}]},
            {"price": account.price(200).id},
        ]
    ).latest_invoice

    assert invoice.total == 700
    assert [sum(one.amount for one in line.discount_amounts) for line in invoice.lines.data] == [500, 0]


def test_custom_fields_and_description_reach_every_invoice(account: StripeAccount) -> None:
    settings = {"custom_fields": [{"name": "PO Number", "value": "4711"}], "footer": "Thank you"}
    account.subscription(invoice_settings=settings)

    account.advance(days=32)

    for invoice in account.invoices():
        assert [(one.name, one.value) for one in invoice.custom_fields] == [("PO Number", "4711")]
        assert invoice.footer == "Thank you"


def test_only_the_first_ten_lines_come_with_the_invoice(account: StripeAccount) -> None:
    items = [{"price": account.price(100 + n).id} for n in range(12)]
    subscription = account.subscription(items=items)

    invoice = subscription.latest_invoice
    assert (len(invoice.lines.data), invoice.lines.has_more) == (10, True)
    assert (len(subscription["items"].data), subscription["items"].has_more) == (10, True)
    lines = account.v1.invoices.line_items.list(invoice.id, {"limit": 5}).auto_paging_iter()
    assert [line.amount for line in lines] == [100 + n for n in range(12)]


def test_metered_usage_is_billed_after_the_period(account: StripeAccount) -> None:
    meter = account.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    price = account.v1.prices.create(
        {
            "product": account.product().id,
            "currency": "usd",
            "unit_amount_decimal": "0.5",
            "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        }
    )
    customer = account.customer()
    first = account.subscription(customer, items=[{"price": price.id}]).latest_invoice
    assert (first.amount_due, first.lines.data) == (0, [])

    for n in range(3):
        account.advance(days=1)
        account.v1.billing.meter_events.create(
            {"event_name": "calls", "payload": {"stripe_customer_id": customer.id, "value": str(n + 1)}}
        )
    account.advance(days=30)

    line = account.invoices()[1].lines.data[0]
    assert (line.quantity, line.amount) == (6, 3)
    assert line.period.end == at(2026, 2, 15, 12)


def test_graduated_and_volume_tiers_add_up(account: StripeAccount) -> None:
    tiers = [{"up_to": 10, "unit_amount": 100}, {"up_to": "inf", "unit_amount": 50, "flat_amount": 25}]
    amounts = []
    for mode, quantity in itertools.product(("graduated", "volume"), (10, 14)):
        price = account.v1.prices.create(
            {
                "product": account.product().id,
                "currency": "usd",
                "billing_scheme": "tiered",
                "tiers_mode": mode,
                "tiers": tiers,
                "recurring": {"interval": "month"},
                "expand": ["tiers"],
            }
        )
        assert price.tiers[1].up_to is None
        amounts.append(account.subscription(price=price, quantity=quantity).latest_invoice.amount_due)

    assert amounts == [1000, 1000 + 4 * 50 + 25, 1000, 14 * 50 + 25]


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


def test_the_renewal_is_announced_by_an_invoice_without_an_id(account: StripeAccount) -> None:
    account.subscription(quantity=2)

    account.advance(days=24)

    (event,) = account.v1.events.list({"type": "invoice.upcoming"}).data
    assert "id" not in event.data.object
    assert (event.data.object["amount_due"], event.created) == (6200, at(2026, 2, 8, 12))
    assert len(account.invoices()) == 1
