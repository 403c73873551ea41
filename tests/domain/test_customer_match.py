"""An existing customer is taken on proof, a likely one is asked about, and nobody is billed as somebody else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connector.domain.billing_plan import MakeCustomer, StepKey
from connector.domain.customer_match import Candidate, choose
from connector.domain.refs import RecordRef
from connector.errors import CannotBill

ACME = RecordRef("fake", "account", "1")
OTHER = RecordRef("fake", "account", "2")
STEP = MakeCustomer(StepKey(ACME, "customer"), "Acme Inc.", email="ap@acme.test", domain="acme.test")


def candidate(number: int, why: str, name: str = "Acme", account: RecordRef | None = None) -> Candidate:
    return Candidate(RecordRef("stripe", "customer", f"cus_{number}"), why, name, "ap@acme.test", account)


def test_nobody_is_nobody() -> None:
    assert choose(STEP, []) is None


def test_metadata_that_names_the_account_is_proof_and_needs_no_words() -> None:
    found = choose(STEP, [candidate(1, "email"), candidate(2, "metadata", "Old name", ACME)])
    assert found is not None
    assert (found.customer.id, found.note) == ("cus_2", "")


@pytest.mark.parametrize("why", ["email", "domain"])
@pytest.mark.parametrize("name", ["Acme Inc.", "ACME, Inc", "acme", "Acme GmbH"])
def test_one_customer_of_the_same_name_and_address_is_taken_and_told(why: str, name: str) -> None:
    """Legal forms and punctuation are no difference."""
    found = choose(STEP, [candidate(1, why, name)])
    assert found is not None
    assert found.customer.id == "cus_1"
    assert "cus_1" in found.note
    assert why in found.note


@pytest.mark.parametrize(
    "candidates",
    [
        [candidate(1, "email", "Someone else")],
        [candidate(1, "name", "Acme")],
        [candidate(1, "email", "Acme"), candidate(2, "email", "Acme")],
        [candidate(1, "metadata", account=ACME), candidate(2, "metadata", account=ACME)],
        [candidate(1, "email", "")],
    ],
    ids=["another name", "only the name", "two of them", "two that name the account", "no name"],
)
def test_anything_less_is_a_question(candidates: Sequence[Candidate]) -> None:
    with pytest.raises(CannotBill) as refused:
        choose(STEP, candidates)
    assert refused.value.sentence_id == "customer-unclear"
    assert refused.value.field == "account.customer_id"
    assert all(c.customer.id in refused.value.message for c in candidates)


def test_a_customer_that_stands_for_another_account_is_not_taken() -> None:
    """Two companies may share an accountant's address."""
    assert choose(STEP, [candidate(1, "email", "Acme", OTHER)]) is None


def test_the_same_customer_found_twice_is_one() -> None:
    found = choose(STEP, [candidate(1, "name", "Acme"), candidate(1, "email", "Acme")])
    assert found is not None
    assert "email" in found.note


def test_a_name_without_letters_is_nobodys_name() -> None:
    """Else every nameless customer would be the same company."""
    with pytest.raises(CannotBill):
        choose(MakeCustomer(STEP.key, "Inc.", email="ap@acme.test"), [candidate(1, "email", "Ltd")])
