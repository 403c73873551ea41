"""When a contract comes up for renewal, by whichever source ranks first, and which window that has entered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.billing import SubscriptionItem
from connector.domain.deal import Interval
from connector.domain.exposure import invoiced_until
from connector.domain.renewals import DEFAULT_ORDER, Renewal, RenewalSource, next_renewal, window_of
from tests.factories import MONTHLY, TODAY, YEARLY, a_subscription, at

PERIOD_END, CONTRACT_END, CANCEL_AT, IN_THE_CRM = (TODAY + timedelta(days=n) for n in (30, 200, 100, 300))
FULL = a_subscription(contract_end=CONTRACT_END, cancel_at=at(CANCEL_AT))


def item(end: date | None, interval: Interval | None = MONTHLY, **changes: Any) -> SubscriptionItem:
    values: dict[str, Any] = {
        "id": "si",
        "unit_amount": Decimal(1000),
        "quantity": 1,
        "interval": interval,
        "current_period_end": at(end) if end else None,
    }
    return SubscriptionItem(**{**values, **changes})


@pytest.mark.parametrize(
    ("order", "on"),
    [
        (("crm_field", "contract_end"), IN_THE_CRM),
        (("contract_end", "crm_field"), CONTRACT_END),
        (("schedule", "contract_end"), CANCEL_AT),
        (("subscription_item",), date(2026, 12, 21)),
    ],
)
def test_the_source_that_ranks_first_wins_even_over_an_earlier_day(order: tuple[str, ...], on: date) -> None:
    found = next_renewal([FULL], [IN_THE_CRM], order, TODAY)
    assert found == Renewal(on, RenewalSource(order[0]))


def test_a_source_that_names_no_day_is_passed_over() -> None:
    found = next_renewal([a_subscription()], [], DEFAULT_ORDER, TODAY)
    assert found == Renewal(date(2026, 12, 21), RenewalSource.SUBSCRIPTION_ITEM)
    assert found.because == "the end of its billing period"


def test_a_day_that_has_passed_says_nothing_of_the_next_renewal() -> None:
    over = a_subscription(contract_end=TODAY - timedelta(days=1))
    assert next_renewal([over], [TODAY - timedelta(days=400)], ("crm_field", "contract_end"), TODAY) is None
    assert next_renewal([a_subscription(contract_end=TODAY)], [], ("contract_end",), TODAY) is not None


def test_without_any_source_no_renewal_is_made_up() -> None:
    assert next_renewal([], [], DEFAULT_ORDER, TODAY) is None
    assert next_renewal([a_subscription(status="canceled")], [], DEFAULT_ORDER, TODAY) is None
    assert next_renewal([FULL], [], ("horoscope",), TODAY) is None


def test_of_several_contracts_the_first_to_end_counts() -> None:
    later = a_subscription("sub_2", contract_end=CONTRACT_END + timedelta(days=30))
    assert next_renewal([later, FULL], [], ("contract_end",), TODAY) == Renewal(
        CONTRACT_END, RenewalSource.CONTRACT_END
    )


def test_monthly_usage_beside_a_yearly_plan_is_no_renewal() -> None:
    both = a_subscription(items=(item(TODAY + timedelta(days=20)), item(TODAY + timedelta(days=320), YEARLY)))
    found = next_renewal([both], [], ("subscription_item",), TODAY)
    assert found is not None
    assert found.on == TODAY + timedelta(days=320)


def test_a_running_period_goes_on_although_the_ledger_was_not_told_yet() -> None:
    stale = a_subscription(items=(item(date(2026, 8, 31)),))
    found = next_renewal([stale], [], ("subscription_item",), TODAY)
    assert found == Renewal(date(2026, 11, 30), RenewalSource.SUBSCRIPTION_ITEM)
    on_the_day = a_subscription(items=(item(TODAY - timedelta(days=14), Interval("week", 2)),))
    assert next_renewal([on_the_day], [], ("subscription_item",), TODAY) == Renewal(
        TODAY, RenewalSource.SUBSCRIPTION_ITEM
    )


def test_an_item_without_a_period_names_no_day() -> None:
    assert next_renewal([a_subscription(items=(item(None),))], [], DEFAULT_ORDER, TODAY) is None
    once = a_subscription(items=(item(TODAY - timedelta(days=1), None),))
    assert next_renewal([once], [], DEFAULT_ORDER, TODAY) is None


@given(
    st.lists(st.integers(-400, 400), max_size=4),
    st.lists(st.integers(-400, 400), max_size=4),
    st.permutations(DEFAULT_ORDER),
)
def test_a_renewal_is_never_in_the_past_and_order_changes_nothing(
    ends: list[int], dates: list[int], order: list[str]
) -> None:
    subscriptions = [
        a_subscription(f"sub_{n}", contract_end=day, cancel_at=at(day + timedelta(days=5)))
        for n, day in enumerate(TODAY + timedelta(days=end) for end in ends)
    ]
    days = [TODAY + timedelta(days=day) for day in dates]
    found = next_renewal(subscriptions, days, order, TODAY)
    assert found is None or found.on >= TODAY
    assert next_renewal(subscriptions[::-1], days[::-1], order, TODAY) == found


@pytest.mark.parametrize(
    ("days", "window"), [(91, None), (90, 90), (61, 90), (60, 60), (40, 60), (30, 30), (0, 30), (-1, None)]
)
def test_the_innermost_window_that_was_entered_counts(days: int, window: int | None) -> None:
    renewal = Renewal(TODAY + timedelta(days=days), RenewalSource.CRM_FIELD)
    assert window_of(renewal, TODAY, (90, 60, 30)) == window


def test_without_a_renewal_or_without_windows_there_is_none() -> None:
    assert window_of(None, TODAY, (90,)) is None
    assert window_of(Renewal(TODAY, RenewalSource.CRM_FIELD), TODAY, ()) is None


def test_what_will_be_invoiced_until_the_renewal_leaves_its_own_invoice_out() -> None:
    renewal = date(2027, 3, 1)
    monthly = a_subscription(items=(item(date(2026, 12, 1)),))
    assert invoiced_until([monthly], "eur", renewal) == 3 * 1000  # December, January, February
    assert invoiced_until([monthly], "usd", renewal) == 0
    assert invoiced_until([a_subscription(status="canceled", items=monthly.items)], "eur", renewal) == 0


def test_what_ends_before_the_renewal_or_depends_on_use_is_not_counted() -> None:
    renewal = date(2027, 3, 1)
    ending = a_subscription(items=(item(date(2026, 12, 1)),), cancel_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert invoiced_until([ending], "eur", renewal) == 1000
    metered = a_subscription(items=(item(date(2026, 12, 1), metered=True), item(None), item(date(2026, 12, 1), None)))
    assert invoiced_until([metered], "eur", renewal) == 0
    tiered = a_subscription(items=(item(date(2026, 12, 1), unit_amount=None),))
    assert invoiced_until([tiered], "eur", renewal) == 0


def test_discounts_that_run_are_taken_off_what_will_be_invoiced() -> None:
    reduced = a_subscription(items=(item(date(2026, 12, 1), recurring_amount=Decimal("799.5")),))
    assert invoiced_until([reduced], "eur", date(2027, 2, 1)) == 1599
