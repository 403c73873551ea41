"""Searching customers on the sandbox's Stripe: the query language, and an index that lags behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe

from tests.sandbox.stripe_account import StripeAccount


@pytest.fixture
def account() -> Iterator[StripeAccount]:
    opened = StripeAccount()
    yield opened
    opened.close()


def names(account: StripeAccount, query: str) -> list[str]:
    return [customer.name for customer in account.v1.customers.search({"query": query}).data]


@pytest.fixture
def crowd(account: StripeAccount) -> StripeAccount:
    """Three customers that the index knows."""
    account.v1.customers.create({"name": "Acme", "email": "ap@acme.example", "metadata": {"crm": "a:1"}})
    account.v1.customers.create({"name": 'Say "Hi"', "email": "hi@say.example", "phone": "+49 30 1"})
    account.v1.customers.create({"name": "Acme North", "metadata": {"crm": "a:2"}})
    account.advance(minutes=2)
    return account


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('name:"acme"', ["Acme"]),
        ('name~"ACME"', ["Acme North", "Acme"]),
        ('name:"Say \\"Hi\\""', ['Say "Hi"']),
        ('metadata["crm"]:"a:1"', ["Acme"]),
        ('email~"@say.example" OR metadata["crm"]:"a:2"', ["Acme North", 'Say "Hi"']),
        ('name~"Acme" AND -metadata["crm"]:"a:1"', ["Acme North"]),
        ('name~"Acme" email~"acme"', ["Acme"]),
        ('phone~"+49"', ['Say "Hi"']),
        ('name:"Nobody"', []),
    ],
)
def test_a_query_finds_what_it_asks_for_newest_first(crowd: StripeAccount, query: str, found: list[str]) -> None:
    """Whole texts without regard to case, parts of them, metadata by key, joined or turned round."""
    assert names(crowd, query) == found


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("name:Acme", "unable to parse"),
        ("", "unable to parse"),
        ('name:"a" OR email:"b" AND phone:"c"', "combine AND and OR"),
        ('name~"ab"', "three characters"),
        ('plan:"x"', "unsupported search field"),
        ('metadata:"x"', "unsupported search field"),
    ],
)
def test_what_is_no_query_is_refused(crowd: StripeAccount, query: str, words: str) -> None:
    """As Stripe says it."""
    with pytest.raises(stripe.InvalidRequestError, match=words):
        names(crowd, query)


def test_the_index_lags_behind_and_forgets_the_deleted(crowd: StripeAccount) -> None:
    """A customer of this very minute is not found yet: searching is no way to find what was just made."""
    fresh = crowd.v1.customers.create({"name": "Fresh"})
    assert names(crowd, 'name:"Fresh"') == []
    crowd.advance(seconds=60)
    assert names(crowd, 'name:"Fresh"') == ["Fresh"]

    crowd.v1.customers.delete(fresh.id)

    assert names(crowd, 'name:"Fresh"') == []


def test_no_more_is_shown_than_asked_for(crowd: StripeAccount) -> None:
    """And it says that there is more."""
    page = crowd.v1.customers.search({"query": 'name~"Acme"', "limit": 1})

    assert ([one.name for one in page.data], page.has_more) == (["Acme North"], True)
