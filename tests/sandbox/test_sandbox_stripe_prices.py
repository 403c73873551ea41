"""Prices and the catalogue's rules."""

from decimal import Decimal
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_account import StripeAccount


def test_prices_must_fit_their_use(account: StripeAccount) -> None:
    once, dear = account.price(100, None), account.price(100, currency="eur")
    retired = account.price()
    account.v1.prices.update(retired.id, {"active": False})

    for items, words in [
        ([{"price": once.id}], "type=recurring"),
        ([{"price": retired.id}], "inactive"),
        ([{"price": account.price().id}, {"price": dear.id}], "same currency"),
    ]:
        with pytest.raises(stripe.InvalidRequestError, match=words):
            account.subscription(items=items)
    with pytest.raises(stripe.InvalidRequestError, match="type=one_time"):
        account.subscription(add_invoice_items=[{"price": account.price().id}])
    with pytest.raises(stripe.InvalidRequestError, match="expected currency"):
        account.subscription(add_invoice_items=[{"price": account.price(5, None, "eur").id}])


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ({"unit_amount": 5, "unit_amount_decimal": "5.5"}, "only one of"),
        ({}, "must specify one of"),
        ({"unit_amount": -1}, "non-negative"),
        ({"unit_amount_decimal": "0.1234567890123"}, "12 decimal"),
        ({"unit_amount": 5, "currency": "xxx"}, "Invalid currency: xxx"),
        ({"unit_amount": 5125, "currency": "kwd"}, "divisible by 10"),
        ({"unit_amount": 150, "currency": "isk"}, "divisible by 100"),
        ({"unit_amount": 150, "currency": "ugx"}, "divisible by 100"),
        ({"unit_amount": 5, "recurring": {"interval": "year", "interval_count": 4}}, "three years"),
        ({"unit_amount": 5, "recurring": {"interval": "month", "interval_count": 37}}, "three years"),
        ({"unit_amount": 5, "recurring": {"interval": "week", "interval_count": 0}}, "three years"),
        ({"unit_amount": 5, "recurring": {"interval": "month", "usage_type": "metered"}}, "meter"),
        ({"unit_amount": 5, "product": "prod_none"}, "No such product"),
        ({"unit_amount": 5, "lookup_key": "k" * 201}, "at most 200"),
        ({"billing_scheme": "tiered"}, "tiers_mode"),
        ({"billing_scheme": "tiered", "tiers_mode": "volume"}, "Missing required param: tiers"),
        ({"billing_scheme": "tiered", "tiers_mode": "volume", "tiers": [{"up_to": 5}]}, "inf"),
        (
            {
                "billing_scheme": "tiered",
                "tiers_mode": "volume",
                "tiers": [{"up_to": 5}, {"up_to": 5}, {"up_to": "inf"}],
            },
            "ascending",
        ),
    ],
)
def test_prices_stripe_cannot_hold_are_refused(account: StripeAccount, price: dict[str, Any], words: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=words):
        account.v1.prices.create({"currency": "usd", "product": account.product().id, **price})


def test_amounts_keep_every_decimal_place(account: StripeAccount) -> None:
    exact = account.price(None, unit_amount_decimal=Decimal("0.123456789012"))  # type: ignore[arg-type] # left out

    assert (exact.unit_amount, exact.unit_amount_decimal) == (None, Decimal("0.123456789012"))
    assert account.price(500, currency="JPY").currency == "jpy"
    assert account.price(5120, currency="kwd").unit_amount_decimal == Decimal(5120)


def test_a_lookup_key_names_one_price_and_moves_only_on_request(account: StripeAccount) -> None:
    first = account.price(lookup_key="seat")
    with pytest.raises(stripe.InvalidRequestError, match=first.id):
        account.price(lookup_key="seat")

    second = account.price(lookup_key="seat", transfer_lookup_key=True)

    assert [one.id for one in account.v1.prices.list({"lookup_keys": ["seat"]}).data] == [second.id]
    assert account.v1.prices.retrieve(first.id).lookup_key is None
    account.v1.prices.update(first.id, {"lookup_key": "seat", "transfer_lookup_key": True, "nickname": "old"})
    assert [one.id for one in account.v1.prices.list({"lookup_keys": ["seat", "none"]}).data] == [first.id]
    with pytest.raises(stripe.InvalidRequestError, match="up to 10"):
        account.v1.prices.list({"lookup_keys": [str(n) for n in range(11)]})


def test_an_inline_price_is_hidden_and_cannot_be_used_again(account: StripeAccount) -> None:
    data = {
        "currency": "usd",
        "product": account.product().id,
        "unit_amount": 700,
        "recurring": {"interval": "month"},
    }
    subscription = account.subscription(items=[{"price_data": data, "quantity": 2}])
    price = subscription["items"].data[0].price

    assert (price.active, price.unit_amount, subscription.latest_invoice.total) == (False, 700, 1400)
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        account.subscription(price=price)
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        account.subscription(items=[{"price_data": data, "price": account.price().id}])
