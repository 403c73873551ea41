"""What the owner of a renewal is asked to do: found again by its subject, and due on a day that makes sense."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from connector.domain.renewal_task import RenewalDeal, body_of, due_on, subject_of
from connector.domain.renewals import Renewal, RenewalSource
from connector.domain.write_back import Value
from connector.ports import task_subject
from tests.factories import TODAY


def renewing(days: int) -> Renewal:
    return Renewal(TODAY + timedelta(days=days), RenewalSource.CONTRACT_END)


def test_each_renewal_and_window_has_a_subject_of_its_own() -> None:
    subjects = {subject_of("Acme", renewing(days), window) for days in (40, 41) for window in (90, 60)}
    assert len(subjects) == 4
    assert subject_of("Acme", renewing(40), 60) == "Acme pays late and renews on 2026-12-31 (60-day reminder)"
    assert all(task_subject(subject) == subject for subject in subjects)


def test_the_text_says_who_how_much_how_late_why_and_what_is_to_be_renewed() -> None:
    shown: dict[str, Value] = {
        "currency": "EUR",
        "health": "late",
        "health_score": 41,
        "overdue_balance": Decimal("12400.00"),
        "open_balance": Decimal("15000.00"),
        "overdue_count": 2,
        "days_past_due": 41,
        "health_reason": "2 invoices, EUR 12,400.00, up to 41 days late.",
    }
    deals = [RenewalDeal("Renewal 2027", Decimal(48000), "eur"), RenewalDeal("Another")]
    assert body_of("Acme", renewing(40), shown, deals, TODAY).split("\n") == [
        "Acme renews on 2026-12-31, the end of its contract: 40 days from now.",
        "Payment health: late, score 41 of 100.",
        "Overdue: EUR 12,400.00 on 2 invoices, the oldest 41 days late; EUR 15,000.00 open in all.",
        "Why: 2 invoices, EUR 12,400.00, up to 41 days late.",
        "Renewal: Renewal 2027, EUR 48,000.",
        "Renewal: Another.",
        "",
        "Written by the billing connector, which closes it when the account has paid.",
    ]


def test_what_is_not_known_is_left_out() -> None:
    text = body_of("Acme", renewing(1), {}, [], TODAY)
    assert text.startswith(
        "Acme renews on 2026-11-22, the end of its contract: 1 day from now.\nPayment health: unknown."
    )
    assert "Overdue" not in text
    assert "Why" not in text


@pytest.mark.parametrize(
    ("today", "renewal", "due"),
    [
        (date(2026, 11, 18), date(2027, 1, 1), date(2026, 11, 25)),  # a week on
        (date(2026, 11, 21), date(2027, 1, 1), date(2026, 11, 27)),  # a Saturday's week ends on the Friday
        (date(2026, 11, 16), date(2026, 11, 19), date(2026, 11, 19)),  # never after the renewal
        (date(2026, 11, 16), date(2026, 11, 22), date(2026, 11, 20)),
        (date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 21)),  # nor before today
        (date(2026, 11, 21), date(2026, 11, 20), date(2026, 11, 21)),
    ],
)
def test_it_is_due_within_a_week_before_the_renewal_and_not_on_a_weekend(today: date, renewal: date, due: date) -> None:
    assert due_on(Renewal(renewal, RenewalSource.CRM_FIELD), today) == due
