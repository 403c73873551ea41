"""What each Step says to Stripe: pure functions from a Step to the parameters of one call.

The SDK's own parameter types are used throughout, so that a parameter that an SDK upgrade drops is a type error here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

from stripe.params import (
    CustomerCreateParams,
    CustomerCreateParamsAddress,
    InvoiceCreateParams,
    InvoiceCreateParamsCustomField,
    InvoiceItemCreateParams,
    ProductCreateParams,
    SubscriptionCreateParams,
    SubscriptionCreateParamsAddInvoiceItem,
    SubscriptionCreateParamsAddInvoiceItemPriceData,
    SubscriptionCreateParamsItem,
    SubscriptionCreateParamsItemPriceData,
    SubscriptionScheduleCreateParams,
    SubscriptionScheduleCreateParamsPhase,
    SubscriptionScheduleCreateParamsPhaseDuration,
)

from connector.billing.stripe.countries import country_code
from connector.domain.billing_plan import (
    META_ACCOUNT,
    META_DEAL,
    META_LINE,
    ExistingPrice,
    InlinePrice,
    InvoiceTerms,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    PlannedLine,
    StepKey,
)
from connector.domain.deal import Address, CollectionMethod, Interval
from connector.domain.refs import RecordRef

META_STEP = "crm_step"
"""Names the step (owner and role) on whatever it made, so that ``find`` recognises it however its name changes."""

_LONGEST_METADATA = 500
_LONGEST_DESCRIPTION = 500
_LONGEST_NAME = 250
_LONGEST_PHONE = 20
"""Longer ones Stripe refuses. A phone number with an extension is left out rather than the customer not made."""

_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9_-]")

Made = Mapping[StepKey, RecordRef]
"""What earlier steps of the plan made."""


def customer_params(step: MakeCustomer) -> CustomerCreateParams:
    """``customers.create``. Empty fields are left out: Stripe takes an empty string for a value to clear."""
    params: CustomerCreateParams = {
        "name": step.name[:_LONGEST_NAME],
        "metadata": _metadata(step.metadata, step.key, META_ACCOUNT),
    }
    if step.email:
        params["email"] = step.email
    if step.phone and len(step.phone) <= _LONGEST_PHONE:
        params["phone"] = step.phone
    address = _address(step.address)
    if address:
        params["address"] = address
    return params


def product_id(step: MakeProduct) -> str:
    """The id that we choose for a product made from a CRM record, the same at every try: ``crm_salesforce_01t…``."""
    owner = step.key.owner
    parts = ["crm", owner.provider, *([] if owner.kind == "product" else [owner.kind]), owner.id]
    if step.key.role != "product":
        parts.append(step.key.role)
    return _NOT_IN_AN_ID.sub("_", "_".join(parts))


def product_params(step: MakeProduct) -> ProductCreateParams:
    """``products.create``, under our own id: a second try is told that the product exists."""
    params: ProductCreateParams = {
        "id": product_id(step),
        "name": step.name[:_LONGEST_NAME],
        "metadata": _metadata(step.metadata, step.key, "crm_product"),
    }
    if step.description:
        params["description"] = step.description
    return params


def subscription_params(step: MakeSubscription, made: Made, *, can_charge: bool) -> SubscriptionCreateParams:
    """``subscriptions.create``. ``can_charge`` says whether the customer has a payment method to charge by itself."""
    params: SubscriptionCreateParams = {
        "customer": made[step.customer].id,
        "currency": step.currency,
        "items": [_item(line, step.currency, made) for line in step.recurring],
        "billing_mode": {"type": "flexible"},
        "metadata": _metadata(step.metadata, step.key, META_DEAL),
    }
    if step.one_off:
        params["add_invoice_items"] = [_one_off(line, step.currency, made) for line in step.one_off]
    if step.description:
        params["description"] = step.description[:_LONGEST_DESCRIPTION]
    if step.terms.custom_fields:
        params["invoice_settings"] = {"custom_fields": _custom_fields(step.terms)}
    if step.anchor is not None:
        params["backdate_start_date"] = midnight(step.start)
        params["proration_behavior"] = "create_prorations"
        params["billing_cycle_anchor"] = midnight(step.anchor)
    params["collection_method"] = step.terms.collection.value
    if step.terms.collection is CollectionMethod.SEND_INVOICE:
        params["days_until_due"] = _days_until_due(step.terms)
    elif can_charge:
        # A declined card leaves an open invoice and an incomplete subscription: seen by people, nothing lost.
        params["payment_behavior"] = "allow_incomplete"
        params["off_session"] = True
    else:
        # The customer pays the hosted invoice once, within 23 hours, and what they pay with is kept for the next one.
        params["payment_behavior"] = "default_incomplete"
        params["payment_settings"] = {"save_default_payment_method": "on_subscription"}
    return params


def schedule_params(step: MakeSubscription, made: Made) -> SubscriptionScheduleCreateParams:
    """``subscription_schedules.create`` for a start in the future: one phase, then the subscription runs on freely.

    Stripe copies a *phase's* metadata to the subscription it starts, so the metadata stands in both places.
    """
    metadata = _metadata(step.metadata, step.key, META_DEAL)
    phase: SubscriptionScheduleCreateParamsPhase = {
        "items": [_item(line, step.currency, made) for line in step.recurring],
        "currency": step.currency,
        "collection_method": step.terms.collection.value,
        "duration": _first_period(step),
        "metadata": metadata,
    }
    if step.one_off:
        phase["add_invoice_items"] = [_one_off(line, step.currency, made) for line in step.one_off]
    if step.description:
        phase["description"] = step.description[:_LONGEST_DESCRIPTION]
    if step.terms.collection is CollectionMethod.SEND_INVOICE:
        phase["invoice_settings"] = {"days_until_due": _days_until_due(step.terms)}
    if step.terms.custom_fields:
        phase["invoice_settings"] = {
            **phase.get("invoice_settings", {}),
            "custom_fields": _custom_fields(step.terms),
        }
    return {
        "customer": made[step.customer].id,
        "start_date": midnight(step.start),
        "end_behavior": "release",
        "billing_mode": {"type": "flexible"},
        "phases": [phase],
        "metadata": metadata,
    }


def invoice_params(step: MakeInvoice, made: Made) -> InvoiceCreateParams:
    """``invoices.create``: a draft that waits for its lines, takes nobody else's, and is finalised by us alone."""
    params: InvoiceCreateParams = {
        "customer": made[step.customer].id,
        "currency": step.currency,
        "auto_advance": False,
        "pending_invoice_items_behavior": "exclude",
        "collection_method": step.terms.collection.value,
        "metadata": _metadata(step.metadata, step.key, META_DEAL),
    }
    if step.terms.collection is CollectionMethod.SEND_INVOICE:
        params["days_until_due"] = _days_until_due(step.terms)
    if step.terms.custom_fields:
        params["custom_fields"] = _custom_fields(step.terms)
    if step.description:
        params["description"] = step.description[:_LONGEST_DESCRIPTION]
    return params


def invoice_item_params(
    step: MakeInvoice, line: PlannedLine, invoice: RecordRef, made: Made
) -> InvoiceItemCreateParams:
    """``invoice_items.create`` for one line of a draft."""
    params: InvoiceItemCreateParams = {
        "customer": made[step.customer].id,
        "invoice": invoice.id,
        "quantity": line.quantity,
        "metadata": {META_LINE: str(line.line)},
    }
    if line.description:
        params["description"] = line.description[:_LONGEST_DESCRIPTION]
    match line.price:
        case ExistingPrice(price_id):
            params["pricing"] = {"price": price_id}
        case InlinePrice() as inline:
            params["price_data"] = _single_price(inline, step.currency, made)
    return params


def midnight(day: date) -> int:
    """The day's first second, UTC, as Stripe wants it."""
    return int(datetime.combine(day, time(), UTC).timestamp())


class Plain(Decimal):
    """A Decimal that the SDK, which writes ``str()`` of it, puts on the wire without an exponent."""

    def __str__(self) -> str:
        # Not normalize(): it rounds to the context's precision.
        text = f"{self:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text


def _item(line: PlannedLine, currency: str, made: Made) -> SubscriptionCreateParamsItem:
    item: SubscriptionCreateParamsItem = {"quantity": line.quantity, "metadata": {META_LINE: str(line.line)}}
    match line.price:
        case ExistingPrice(price_id):
            item["price"] = price_id
        case InlinePrice() as inline:
            item["price_data"] = _recurring_price(inline, currency, made)
    return item


def _one_off(line: PlannedLine, currency: str, made: Made) -> SubscriptionCreateParamsAddInvoiceItem:
    item: SubscriptionCreateParamsAddInvoiceItem = {
        "quantity": line.quantity,
        "metadata": {META_LINE: str(line.line)},
    }
    match line.price:
        case ExistingPrice(price_id):
            item["price"] = price_id
        case InlinePrice() as inline:
            item["price_data"] = _single_price(inline, currency, made)
    return item


def _recurring_price(price: InlinePrice, currency: str, made: Made) -> SubscriptionCreateParamsItemPriceData:
    if price.interval is None:
        raise ValueError("a recurring line needs an interval")
    data: SubscriptionCreateParamsItemPriceData = {
        "currency": currency,
        "product": _product(price, made),
        "recurring": {"interval": price.interval.unit, "interval_count": price.interval.count},
    }
    if _is_whole(price.unit_amount):
        data["unit_amount"] = int(price.unit_amount)
    else:
        data["unit_amount_decimal"] = Plain(price.unit_amount)
    return data


def _single_price(price: InlinePrice, currency: str, made: Made) -> SubscriptionCreateParamsAddInvoiceItemPriceData:
    data: SubscriptionCreateParamsAddInvoiceItemPriceData = {
        "currency": currency,
        "product": _product(price, made),
    }
    if _is_whole(price.unit_amount):
        data["unit_amount"] = int(price.unit_amount)
    else:
        data["unit_amount_decimal"] = Plain(price.unit_amount)
    return data


def _product(price: InlinePrice, made: Made) -> str:
    return price.product if isinstance(price.product, str) else made[price.product].id


def _first_period(step: MakeSubscription) -> SubscriptionScheduleCreateParamsPhaseDuration:
    """The shortest interval among the lines; the phase only has to end some time, nothing changes when it does.

    A catalogue price's interval is not in the plan; a month will do for a phase of such lines alone.
    """
    intervals = [
        line.price.interval
        for line in step.recurring
        if isinstance(line.price, InlinePrice) and line.price.interval is not None
    ]
    shortest = min(intervals, key=lambda each: _DAYS[each.unit] * each.count, default=Interval("month"))
    return {"interval": shortest.unit, "interval_count": shortest.count}


def _days_until_due(terms: InvoiceTerms) -> int:
    return terms.net_days or 0


def _custom_fields(terms: InvoiceTerms) -> list[InvoiceCreateParamsCustomField]:
    return [{"name": name, "value": value} for name, value in terms.custom_fields]


def _is_whole(amount: Decimal) -> bool:
    return amount == amount.to_integral_value()


def _metadata(given: Mapping[str, str], key: StepKey, owner_key: str) -> dict[str, str]:
    """The step's own metadata; what tells us apart from others' records cannot be overwritten by a free field."""
    return {
        **{name: value[:_LONGEST_METADATA] for name, value in given.items() if value},
        owner_key: str(key.owner),
        META_STEP: str(key),
    }


def _address(address: Address) -> CustomerCreateParamsAddress:
    parts: CustomerCreateParamsAddress = {}
    if address.line1:
        parts["line1"] = address.line1
    if address.line2:
        parts["line2"] = address.line2
    if address.city:
        parts["city"] = address.city
    if address.state:
        parts["state"] = address.state
    if address.postal_code:
        parts["postal_code"] = address.postal_code
    country = country_code(address.country)
    if country:
        parts["country"] = country
    return parts
