"""Short and long ids name the same record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.salesforce.ids import is_record_id, long_id

CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize(
    ("short", "long"),
    [("0067F000003pmdW", "0067F000003pmdWQAQ"), ("00D7F00000000Xs", "00D7F00000000XsUAI")],
)
def test_a_short_id_gets_its_three_check_letters(short: str, long: str) -> None:
    """As real Salesforce ids of both lengths show."""
    assert long_id(short) == long
    assert long_id(long) == long


def test_both_lengths_are_ids() -> None:
    """Whatever the check letters: test orgs and scrubbed samples have odd ones."""
    assert is_record_id("0067F000003pmdWQAQ")
    assert is_record_id("0067F000003pmdW")
    assert is_record_id("0123456789ABCDENNN")


@pytest.mark.parametrize("text", ["", "006", "0067F000003pmd-", "0067F000003pmdWQA", "0067F000003pmdW\n", "٠" * 15])
def test_what_is_no_id_is_refused(text: str) -> None:
    """Other lengths and characters never reach a query."""
    assert not is_record_id(text)
    with pytest.raises(ValueError, match="not a Salesforce record id"):
        long_id(text)


@given(st.text(CHARACTERS, min_size=15, max_size=15), st.integers(0, 14))
def test_ids_that_differ_in_case_differ_in_their_check_letters(short: str, place: int) -> None:
    """The long form survives a system that ignores case."""
    other = short[:place] + short[place].swapcase() + short[place + 1 :]
    assert (long_id(short).casefold() == long_id(other).casefold()) == (short == other)
