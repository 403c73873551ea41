"""Lists, filters, expansion, and what deletion leaves."""

from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_account import StripeAccount


def test_lists_are_newest_first_and_paged_both_ways(account: StripeAccount) -> None:
    made = [account.customer(name=f"c{n}").id for n in range(5)]

    first = account.v1.customers.list({"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == (made[:2:-1], True)
    second = account.v1.customers.list({"limit": 2, "starting_after": made[3]})
    assert ([one.id for one in second.data], second.has_more) == ([made[2], made[1]], True)
    last = account.v1.customers.list({"limit": 2, "starting_after": made[1]})
    assert ([one.id for one in last.data], last.has_more) == ([made[0]], False)
    back = account.v1.customers.list({"limit": 2, "ending_before": made[1]})
    assert ([one.id for one in back.data], back.has_more) == ([made[3], made[2]], True)
    assert [one.id for one in account.v1.customers.list({"limit": 1}).auto_paging_iter()] == made[::-1]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"limit": 101}, "between 1 and 100"),
        ({"limit": 0}, "between 1 and 100"),
        ({"starting_after": "cus_none"}, "No such"),
        ({"starting_after": "a", "ending_before": "b"}, "only specify one"),
        ({"colour": "red"}, "unknown parameter: colour"),
        ({"expand": ["data.name"]}, "cannot be expanded"),
    ],
)
def test_wrong_list_requests_are_refused(account: StripeAccount, params: dict[str, Any], words: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=words):
        account.v1.customers.list(params)


def test_lists_filter_by_field_and_time(account: StripeAccount) -> None:
    early = account.customer(email="early@acme.example")
    account.advance(seconds=100)
    late = account.customer(email="late@acme.example")

    def ids(**filters: Any) -> list[str]:
        return [one.id for one in account.v1.customers.list(filters).data]

    assert ids(email="early@acme.example") == [early.id]
    assert ids(created={"gt": early.created}) == [late.id]
    assert ids(created={"gte": early.created, "lt": late.created}) == [early.id]
    assert ids(created={"lte": early.created}) == [early.id]
    assert ids(created=late.created) == [late.id]

    mine, other = account.subscription(early), account.subscription(late)
    account.v1.subscriptions.cancel(other.id)
    listed = account.v1.subscriptions.list
    assert [one.id for one in listed({}).data] == [mine.id]
    assert [one.id for one in listed({"status": "canceled"}).data] == [other.id]
    assert [one.id for one in listed({"status": "ended"}).data] == [other.id]
    assert [one.id for one in listed({"status": "all"}).data] == [other.id, mine.id]
    price = mine["items"].data[0].price.id
    assert [one.id for one in listed({"price": price}).data] == [mine.id]
    assert [one.id for one in listed({"current_period_end": {"gt": account.now}}).data] == [mine.id]
    assert [one.id for one in account.invoices(subscription=mine.id)] == [mine.latest_invoice.id]
    assert account.v1.products.list({"ids": ["prod_none"]}).data == []
    assert [one.id for one in account.v1.prices.list({"recurring": {"interval": "year"}}).data] == []


def test_expansion_reaches_through_lists_and_stops_at_four_levels(account: StripeAccount) -> None:
    account.subscription()
    listed = account.v1.subscriptions.list
    (shown,) = listed({"expand": ["data.customer", "data.latest_invoice.payments", "data.schedule"]}).data
    assert (shown.customer.name, shown.latest_invoice.payments.data) == ("Acme", [])
    product = account.v1.subscriptions.retrieve(shown.id, {"expand": ["items.data.price.product"]})
    assert product["items"].data[0].price.product.name == "Seat"

    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        listed({"expand": ["data.items.data.price.product"]})


def test_includable_fields_come_only_when_asked_for(account: StripeAccount) -> None:
    customer = account.customer(
        address={"country": "DE", "line1": "Hauptstr. 1", "city": "Bonn", "postal_code": "53111"},
        shipping={"name": "Lager", "address": {"line1": "x", "country": "DE"}},
        tax_id_data=[{"type": "eu_vat", "value": "DE123456789"}],
    )
    account.subscription(customer)
    assert "subscriptions" not in customer

    expand = ["subscriptions", "tax_ids", "tax", "sources", "invoice_credit_balance", "cash_balance"]
    whole = account.v1.customers.retrieve(customer.id, {"expand": expand})

    assert len(whole.subscriptions.data) == 1
    assert [one.value for one in whole.tax_ids.data] == ["DE123456789"]
    assert whole.tax.automatic_tax == "not_collecting"
    assert whole.sources.data == []


def test_a_long_customer_id_list_survives_deletion(account: StripeAccount) -> None:
    customer = account.customer()
    subscription = account.subscription(customer)

    gone = account.v1.customers.delete(customer.id)

    assert gone.deleted is True
    assert account.v1.customers.retrieve(customer.id).deleted is True
    assert account.v1.customers.list({}).data == []
    assert account.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        account.v1.customers.update(customer.id, {"name": "x"})


def test_the_log_names_operations_and_the_sdk(account: StripeAccount) -> None:
    account.customer()
    account.v1.customers.list({})

    assert account.log.counts()["stripe"] == {"POST /v1/customers": 1, "GET /v1/customers": 1}
    (agent,) = account.log.user_agents()["stripe"]
    assert agent.startswith("Stripe/v1 PythonBindings/")
