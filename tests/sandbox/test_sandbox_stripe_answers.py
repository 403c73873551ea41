"""Every call this Stripe simulates is made once by the real SDK; the account fixture holds each answer to its types."""

from collections.abc import Callable
from typing import Any

from connector.sandbox.stripe.calls import HANDLERS
from tests.sandbox.stripe_account import StripeAccount

Calls = Callable[[StripeAccount], None]


def catalogue(account: StripeAccount) -> None:
    v1 = account.v1
    product = v1.products.create(
        {
            "name": "Seat",
            "id": "crm_01t",
            "description": "A seat",
            "unit_label": "seat",
            "default_price_data": {"currency": "eur", "unit_amount": 5},
            "metadata": {"crm": "x"},
        }
    )
    v1.products.retrieve(product.id, {"expand": ["default_price"]})
    v1.products.update(product.id, {"name": "Better seat", "description": ""})
    v1.products.list({"active": True, "expand": ["data.default_price"]})
    v1.products.delete(v1.products.create({"name": "Gone"}).id)
    price = v1.prices.create({"product_data": {"name": "Fee"}, "currency": "usd", "unit_amount": 7})
    v1.prices.retrieve(price.id, {"expand": ["product", "tiers", "currency_options"]})
    v1.prices.update(price.id, {"nickname": "fee", "metadata": {"a": "b"}})
    v1.prices.list({"product": price.product, "type": "one_time"})
    coupon = v1.coupons.create({"id": "SPRING", "percent_off": 20, "duration": "once", "max_redemptions": 1})
    v1.coupons.retrieve(coupon.id)
    v1.coupons.update(coupon.id, {"name": "Spring"})
    v1.coupons.list({})
    account.subscription(discounts=[{"coupon": coupon.id}], expand=["latest_invoice.discounts"])
    v1.coupons.delete(coupon.id)


def customers(account: StripeAccount) -> None:
    v1 = account.v1
    customer = account.customer(preferred_locales=["de"], balance=100, phone="+49 228 1", tax_exempt="reverse")
    v1.customers.retrieve(customer.id)
    v1.customers.update(customer.id, {"invoice_settings": {"custom_fields": [{"name": "a", "value": "b"}]}})
    v1.customers.update(customer.id, {"invoice_settings": {"rendering_options": {"amount_tax_display": ""}}})
    v1.customers.list({"limit": 1})
    tax_id = v1.customers.tax_ids.create(customer.id, {"type": "eu_vat", "value": "DE123456789"})
    v1.customers.tax_ids.retrieve(customer.id, tax_id.id)
    v1.customers.tax_ids.list(customer.id)
    v1.customers.tax_ids.delete(customer.id, tax_id.id)
    method = v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    v1.payment_methods.attach(method.id, {"customer": customer.id})
    v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    v1.payment_methods.retrieve(method.id, {"expand": ["customer"]})
    v1.payment_methods.list({"customer": customer.id, "type": "card"})
    v1.customers.payment_methods.list(customer.id)
    v1.payment_methods.detach(method.id)
    assert v1.customers.retrieve(customer.id).invoice_settings.default_payment_method is None
    v1.customers.delete(customer.id)
    v1.customers.retrieve(customer.id)


def search(account: StripeAccount) -> None:
    account.advance(minutes=5)
    account.v1.customers.search({"query": 'metadata["a"]:"b" OR email~"acme"', "expand": ["data.tax_ids"]})


def subscriptions(account: StripeAccount) -> None:
    v1 = account.v1
    subscription = account.subscription(trial_period_days=3, expand=["latest_invoice", "customer", "schedule"])
    v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice.lines", "pending_setup_intent"][:1]})
    v1.subscriptions.update(subscription.id, {"metadata": {"a": "b"}, "days_until_due": 60})
    v1.subscriptions.list({"customer": subscription.customer.id})
    item = v1.subscription_items.create({"subscription": subscription.id, "price": account.price().id})
    v1.subscription_items.retrieve(item.id)
    v1.subscription_items.update(item.id, {"quantity": 2})
    v1.subscription_items.list({"subscription": subscription.id})
    v1.subscription_items.delete(item.id)
    v1.subscriptions.cancel(subscription.id)
    phases = [{"items": [{"price": account.price().id}], "duration": {"interval": "month"}}]
    for phase in phases:
        phase |= {"collection_method": "send_invoice", "invoice_settings": {"days_until_due": 1}}
    terms = {"customer": account.customer().id, "start_date": account.now + 5, "phases": phases}
    one, other = v1.subscription_schedules.create(terms), v1.subscription_schedules.create(terms)
    v1.subscription_schedules.retrieve(one.id, {"expand": ["customer", "phases.items.price"]})
    v1.subscription_schedules.update(one.id, {"metadata": {"a": "b"}, "default_settings": {"description": "x"}})
    v1.subscription_schedules.list({})
    v1.subscription_schedules.cancel(one.id)
    v1.subscription_schedules.release(other.id)


def invoices(account: StripeAccount) -> None:
    v1 = account.v1
    customer = account.customer()
    terms = {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 3}

    def filled() -> Any:
        draft = v1.invoices.create(terms)
        v1.invoice_items.create({"customer": customer.id, "invoice": draft.id, "amount": 50, "currency": "usd"})
        return draft

    draft = filled()
    v1.invoices.update(draft.id, {"footer": "Thanks", "custom_fields": [{"name": "PO", "value": "1"}]})
    v1.invoices.retrieve(draft.id, {"expand": ["customer", "payments"]})
    (item,) = v1.invoice_items.list({"invoice": draft.id}).data
    v1.invoice_items.retrieve(item.id)
    v1.invoice_items.update(item.id, {"amount": 60})
    v1.invoice_items.delete(v1.invoice_items.create({"customer": customer.id, "amount": 1, "currency": "usd"}).id)
    v1.invoices.line_items.list(draft.id)
    v1.invoices.finalize_invoice(draft.id)
    v1.invoices.send_invoice(draft.id)
    v1.invoices.list({"expand": ["data.payments", "data.customer"]})
    v1.invoices.create_preview({"subscription": account.subscription().id})
    v1.invoices.delete(filled().id)
    v1.invoices.void_invoice(v1.invoices.finalize_invoice(filled().id).id)
    v1.invoices.mark_uncollectible(v1.invoices.finalize_invoice(filled().id).id)
    v1.invoices.pay(filled().id, {"paid_out_of_band": True})
    note = v1.credit_notes.create({"invoice": draft.id, "amount": 10})
    v1.credit_notes.retrieve(note.id, {"expand": ["customer", "invoice"]})
    v1.credit_notes.update(note.id, {"memo": "x"})
    v1.credit_notes.list({"customer": customer.id})
    v1.credit_notes.line_items.list(note.id)
    v1.credit_notes.preview({"invoice": draft.id, "amount": 10})
    v1.credit_notes.void_credit_note(note.id)


def money(account: StripeAccount) -> None:
    v1 = account.v1
    invoice = v1.invoices.finalize_invoice(account.subscription().latest_invoice.id, {"expand": ["payments"]})
    record = v1.payment_records.report_payment(
        {
            "amount_requested": {"currency": "usd", "value": 100},
            "initiated_at": account.now,
            "outcome": "guaranteed",
            "guaranteed": {"guaranteed_at": account.now},
            "payment_method_details": {"type": "custom", "custom": {"display_name": "wire"}},
        }
    )
    v1.payment_records.retrieve(record.id)
    v1.invoices.attach_payment(invoice.id, {"payment_record": record.id})
    account.control("POST", f"/invoices/{invoice.id}/fail")
    account.control("POST", f"/invoices/{invoice.id}/pay", method="card")
    (payment,) = v1.invoice_payments.list({"invoice": invoice.id, "status": "paid", "limit": 1}).data
    v1.invoice_payments.retrieve(payment.id, {"expand": ["invoice"]})
    intent = invoice.payments.data[0].payment.payment_intent
    charge = v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]}).latest_charge.id
    v1.payment_intents.list({"customer": invoice.customer})
    v1.charges.retrieve(charge, {"expand": ["payment_intent", "customer"]})
    v1.charges.list({"payment_intent": intent})
    v1.refunds.retrieve(v1.refunds.create({"charge": charge, "amount": 1, "metadata": {"a": "b"}}).id)
    v1.refunds.list({"charge": charge})
    dispute = account.control("POST", f"/invoices/{invoice.id}/dispute")
    v1.disputes.retrieve(dispute["id"], {"expand": ["charge"]})
    v1.disputes.list({"payment_intent": intent})
    v1.disputes.close(dispute["id"])
    v1.balance.retrieve()


def usage(account: StripeAccount) -> None:
    billing, customer = account.v1.billing, account.customer().id
    meter = billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "last"}}
    )
    billing.meters.retrieve(meter.id)
    billing.meters.list({})
    billing.meter_events.create({"event_name": "calls", "payload": {"stripe_customer_id": customer, "value": "4"}})
    grant = billing.credit_grants.create(
        {
            "customer": customer,
            "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": 5000}},
            "applicability_config": {"scope": {"price_type": "metered"}},
        }
    )
    billing.credit_grants.retrieve(grant.id)
    billing.credit_grants.list({})


def the_account(account: StripeAccount) -> None:
    v1 = account.v1
    who = v1.accounts.retrieve_current()
    assert who.id.startswith("acct_")
    endpoint = v1.webhook_endpoints.create({"url": "https://a.example/hook", "enabled_events": ["invoice.paid"]})
    v1.webhook_endpoints.retrieve(endpoint.id)
    v1.webhook_endpoints.update(endpoint.id, {"enabled_events": ["*"], "disabled": True, "description": "x"})
    v1.webhook_endpoints.list({})
    v1.webhook_endpoints.delete(endpoint.id)
    account.customer()
    (event,) = v1.events.list({"limit": 1}).data
    v1.events.retrieve(event.id)
    thin = account.vendor.events.all()[-1]["_thin"]["id"]
    assert account.client.v2.core.events.retrieve(thin).snapshot_event == event.id


def test_every_call_is_answered_in_the_shape_the_sdk_promises(account: StripeAccount) -> None:
    parts: list[Calls] = [catalogue, customers, search, subscriptions, invoices, money, usage, the_account]
    for part in parts:
        part(account)

    assert set(account.log.counts()["stripe"]) == set(HANDLERS)
    assert account.log.refused() == []


def test_every_event_shows_its_object_as_the_sdk_types_it(account: StripeAccount) -> None:
    customer = account.card_customer()
    account.control("POST", f"/customers/{customer.id}/decline", times=1)
    account.subscription(customer, trial_period_days=4, collection_method="charge_automatically", days_until_due=None)
    for part in (catalogue, customers, subscriptions, invoices, money, usage):
        part(account)
    account.advance(days=29)

    document = account.vendor.document
    names = {
        "invoiceitem": "InvoiceItem",
        "billing.meter": "billing.Meter",
        "billing.credit_grant": "billing.CreditGrant",
    }
    seen = set()
    for event in account.vendor.events.all():
        shown = event["data"]["object"]
        kind = shown["object"]
        name = names.get(kind) or "".join(word.title() for word in kind.split("_"))
        found = document.check_object(name, shown if event["type"] != "invoice.upcoming" else {**shown, "id": "in_1"})
        assert found == [], (event["type"], found)
        assert event["type"] in document.event_types, event["type"]
        seen.add(event["type"])
    assert len(seen) > 45
