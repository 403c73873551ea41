"""What the steps that make customers, products and credits say to Stripe: pure functions from a Step to parameters.

The SDK's own parameter types are used throughout, so that a parameter that an SDK upgrade drops is a type error here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from stripe.params import CustomerCreateParams, CustomerCreateParamsAddress, ProductCreateParams
from stripe.params.billing import CreditGrantCreateParams

from connector.billing.stripe.countries import country_code
from connector.billing.stripe.lines import Made, midnight
from connector.billing.stripe.tax_ids import tax_id
from connector.domain.billing_plan import (
    META_ACCOUNT,
    META_DEAL,
    META_PRODUCT,
    GrantCredits,
    MakeCustomer,
    MakeProduct,
    StepKey,
)
from connector.domain.deal import Address, TaxStatus

META_STEP = "crm_step"
"""Names the step (owner and role) on whatever it made, so that ``find`` recognises it however its name changes."""

_LONGEST_METADATA = 500
_LONGEST_NAME = 250
_LONGEST_PHONE = 20
"""Longer ones Stripe refuses. A phone number with an extension is left out rather than the customer not made."""

_LONGEST_GRANT_NAME = 100

_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9_-]")


def customer_params(step: MakeCustomer) -> CustomerCreateParams:
    """``customers.create``. Empty fields are left out: Stripe takes an empty string for a value to clear.

    Raises:
        CannotBill: it is not clear what kind of tax id the account's is.
    """
    params: CustomerCreateParams = {
        "name": step.name[:_LONGEST_NAME],
        "metadata": own_metadata(step.metadata, step.key, META_ACCOUNT),
    }
    if step.email:
        params["email"] = step.email
    if step.phone and len(step.phone) <= _LONGEST_PHONE:
        params["phone"] = step.phone
    address = _address(step.address)
    if address:
        params["address"] = address
    if step.tax_id.strip():
        kind, value = tax_id(step.tax_id, address.get("country", ""), step.key.owner)
        params["tax_id_data"] = [{"type": kind, "value": value}]
    if step.tax_status is not TaxStatus.TAXABLE:
        params["tax_exempt"] = step.tax_status.value
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
        "metadata": own_metadata(step.metadata, step.key, META_PRODUCT),
    }
    if step.description:
        params["description"] = step.description
    if step.tax_code:
        params["tax_code"] = step.tax_code
    return params


def grant_params(step: GrantCredits, made: Made) -> CreditGrantCreateParams:
    """``billing.credit_grants.create``: paid credits for metered usage, the only kind that Stripe takes them for."""
    params: CreditGrantCreateParams = {
        "customer": made[step.customer].id,
        "name": step.name[:_LONGEST_GRANT_NAME],
        "amount": {"type": "monetary", "monetary": {"currency": step.currency, "value": step.amount}},
        "applicability_config": {"scope": {"price_type": "metered"}},
        "category": "paid",
        "metadata": own_metadata(step.metadata, step.key, META_DEAL),
    }
    if step.expires is not None:
        params["expires_at"] = midnight(step.expires)
    return params


def own_metadata(given: Mapping[str, str], key: StepKey, owner_key: str) -> dict[str, str]:
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
