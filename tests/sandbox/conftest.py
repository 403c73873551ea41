"""Fixtures for the sandbox's own tests."""

from collections.abc import Iterator

import pytest

from tests.sandbox.salesforce_org import ServedOrg
from tests.sandbox.stripe_account import StripeAccount


@pytest.fixture
def org() -> Iterator[ServedOrg]:
    """A make-believe Salesforce on loopback HTTP, seeded."""
    served = ServedOrg()
    yield served
    served.close()


@pytest.fixture
def account() -> Iterator[StripeAccount]:
    """A make-believe Stripe account; at the end every answer it gave has fitted the derived document."""
    served = StripeAccount()
    yield served
    served.close()
    assert served.misfits == []
