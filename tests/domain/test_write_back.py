"""Only what differs from what was last written is sent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.inbox import EventKind, InboxEvent
from connector.domain.refs import RecordRef
from connector.domain.write_back import (
    BY_NAME,
    FIELDS,
    RecordState,
    Value,
    Values,
    ValueType,
    decode,
    encode,
    says_else,
)
from connector.targets import Target, TargetKind, for_crm, for_poll, target_of
from tests.factories import NOW, ref


def state(desired: Values, written: Values) -> RecordState:
    return RecordState(ref("account"), desired, written)


def test_only_the_values_that_differ_are_sent() -> None:
    assert state({"health": "late", "mrr": Decimal(5)}, {"health": "good", "mrr": Decimal("5.00")}).difference() == {
        "health": "late"
    }


def test_a_value_never_written_is_sent_even_when_it_is_empty() -> None:
    assert state({"last_invoice_url": ""}, {}).difference() == {"last_invoice_url": ""}


def test_a_new_day_alone_is_no_reason_to_spend_a_call() -> None:
    today: Values = {"health_as_of": date(2026, 11, 21)}
    yesterday: Values = {"health_as_of": date(2026, 11, 20)}
    assert state(today, yesterday).difference() == {}
    both = state({**today, "days_past_due": 3}, {**yesterday, "days_past_due": 2}).difference()
    assert both == {"health_as_of": date(2026, 11, 21), "days_past_due": 3}


_OF_TYPE = {
    ValueType.TEXT: st.text(max_size=20),
    ValueType.LONG_TEXT: st.text(max_size=20),
    ValueType.URL: st.text(max_size=20),
    ValueType.CHOICE: st.text(max_size=8),
    ValueType.MONEY: st.decimals(allow_nan=False, allow_infinity=False, places=3),
    ValueType.PERCENT: st.decimals(0, 100, places=1),
    ValueType.NUMBER: st.one_of(st.integers(-(10**9), 10**9), st.decimals(-999, 999, places=1)),
    ValueType.DATE: st.dates(),
    ValueType.DATETIME: st.datetimes(timezones=st.just(UTC)),
    ValueType.CHECKBOX: st.booleans(),
}


@given(st.fixed_dictionaries({f.name: st.one_of(st.none(), _OF_TYPE[f.type]) for f in FIELDS}))
def test_values_survive_the_store_exactly(values: dict[str, object]) -> None:
    assert decode(encode(values)) == values  # type: ignore[arg-type]


def test_every_canonical_name_is_unique_and_explained() -> None:
    assert len(BY_NAME) == len(FIELDS)
    assert all(f.label and f.description for f in FIELDS)


def test_a_record_ref_reads_back_what_it_wrote() -> None:
    written = RecordRef("stripe", "invoice", "in:1:2")
    assert RecordRef.parse(str(written)) == written


def an_event(kind: EventKind, subject: RecordRef | None) -> InboxEvent:
    return InboxEvent("hubspot", "1", kind, "deal.propertyChange", subject, NOW, "{}")


def test_an_event_asks_for_the_work_its_kind_names() -> None:
    assert target_of(an_event(EventKind.DEAL_CHANGED, ref("deal"))) == Target(TargetKind.DEAL, "hubspot:deal:1")
    assert target_of(an_event(EventKind.UNKNOWN, ref("deal"))) is None
    assert target_of(an_event(EventKind.DEAL_CHANGED, None)) is None


def test_every_target_names_its_lane() -> None:
    assert for_crm("salesforce").lane == "crm:salesforce"
    assert for_poll("stripe").lane == "poll:stripe"
    assert str(for_crm("hubspot")) == "crm/hubspot"


def test_times_are_stored_in_utc() -> None:
    moment = datetime.fromisoformat("2026-11-21T10:00:00+02:00")
    assert encode({"synced_at": moment}) == {"synced_at": "2026-11-21T08:00:00+00:00"}


_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "mrr": st.sampled_from([None, Decimal("1.0"), Decimal("1.00"), Decimal(2)]),
        "overdue_count": st.sampled_from([0, 1, Decimal(1)]),
        "late_payer": st.booleans(),
        "renewal_date": st.sampled_from([None, date(2027, 1, 31)]),
        "health_as_of": st.sampled_from([date(2026, 11, 20), date(2026, 11, 21)]),
    },
)


@given(desired=_VALUES, written=_VALUES)
def test_what_is_stored_tells_a_difference_as_the_values_do(
    desired: dict[str, Value], written: dict[str, Value]
) -> None:
    """To the letter or not: 1.0 is 1.00, and a new day alone is no reason to write."""
    assert says_else(encode(written), encode(desired)) is bool(state(desired, written).difference())
