"""What would have been said at each month end knows nothing of later days, and is judged by what then came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from random import Random

import pytest

from connector.domain import lateness
from connector.domain.lateness import Outcome
from connector.domain.past_invoice import PastInvoice
from connector.domain.portfolio import fit
from connector.domain.walk_forward import WINDOW_DAYS, Account, Judgement, judge, last_day, month_ends
from tests.payers import histories

END = date(2025, 12, 31)
T = date(2025, 6, 30)


def an_invoice(
    issued: date, *, due: date, paid: date | None, amount: int = 1000, currency: str = "eur", disputed: bool = False
) -> PastInvoice:
    return PastInvoice("acme", issued, due, paid, amount, currency, disputed)


def judged(*invoices: PastInvoice) -> dict[date, Judgement]:
    """One customer's judgements; somebody else's invoice makes the data reach to the end of the year."""
    somebody = PastInvoice("somebody", END, END, None, 100, "eur")
    found = judge([Account(invoices), Account([somebody])])
    return {judgement.month_end: judgement for judgement in found if judgement.account == 0}


OLD = an_invoice(date(2025, 1, 10), due=date(2025, 2, 10), paid=date(2025, 2, 10))


def said(accounts: Iterable[Sequence[PastInvoice]]) -> dict[tuple[date, int], object]:
    return {(one.month_end, one.account): one.said for one in judge([Account(history) for history in accounts])}


def after(history: Sequence[PastInvoice], day: date, source: Random) -> list[PastInvoice]:
    """The same history, with anything that happened after a day changed at will. What was due by then still was."""
    changed = []
    for invoice in history:
        if invoice.issued > day and source.random() < 0.3:
            continue
        if invoice.issued > day:
            moved = invoice.issued + timedelta(days=source.randrange(0, 20))
            changed.append(
                invoice._replace(issued=moved, due=moved + timedelta(days=40), amount=invoice.amount * 3 + 1)
            )
        elif invoice.paid is None or invoice.paid > day:
            paid = source.choice((None, day + timedelta(days=source.randrange(1, 200))))
            changed.append(invoice._replace(paid=paid, disputed=source.random() < 0.3))
        else:
            changed.append(invoice)
    return changed


@pytest.mark.parametrize("seed", range(5))
def test_nothing_that_happens_later_changes_what_was_said(seed: int) -> None:
    """Whatever is paid, issued, disputed or left unpaid after a month end: what was said by then stays to the digit."""
    source = Random(seed)
    accounts = list(histories(25, seed=seed).values())
    day = date(2024, 12, 31) + timedelta(days=source.randrange(0, 120))

    before = said(accounts)
    others = said([after(history, day, source) for history in accounts])

    both = [key for key in before.keys() & others.keys() if key[0] <= day]
    assert len(both) > 50
    assert {key: others[key] for key in both} == {key: before[key] for key in both}


def test_what_is_said_is_what_the_product_says_on_that_day() -> None:
    """The score and the chances are the formula's own, with the portfolio of all accounts as known by then."""
    accounts = [Account(history) for history in histories(40, seed=3).values()]
    day = date(2025, 3, 31)
    portfolio = fit((account.outcomes(day) for account in accounts), day)

    of_day = [judgement for judgement in judge(accounts) if judgement.month_end == day]

    assert len(of_day) > 30
    for one in of_day:
        account = accounts[one.account]
        outcomes = account.outcomes(day)
        recent = lateness.issued_recently((invoice.issued for invoice in account.by_issue), day)
        assert one.said.score == lateness.score(outcomes, day, portfolio.mean_lateness)
        assert one.said.next_late_chance == lateness.next_late_chance(outcomes, day, portfolio.late_rate)
        assert one.said.trouble_chance == lateness.trouble_chance(outcomes, day, portfolio.serious_rate, recent)


def test_an_invoice_is_known_as_it_stood_on_the_day() -> None:
    """Paid later is unpaid, due later says nothing, paid early is settled, and issued later is not there at all."""
    account = Account(
        [
            an_invoice(date(2025, 5, 1), due=date(2025, 6, 1), paid=date(2025, 7, 15)),
            an_invoice(date(2025, 6, 1), due=date(2025, 7, 1), paid=date(2025, 9, 1)),
            an_invoice(date(2025, 6, 1), due=date(2025, 7, 20), paid=T),
            an_invoice(date(2025, 7, 1), due=date(2025, 7, 1), paid=date(2025, 7, 1)),
            an_invoice(date(2025, 6, 2), due=T, paid=None),
        ]
    )

    assert sorted(account.outcomes(T)) == [
        Outcome(date(2025, 6, 1), 29, unpaid=True),
        Outcome(date(2025, 7, 20), -20, unpaid=False),
    ]


def test_an_invoice_that_was_prepaid_is_unknown_until_it_is_issued() -> None:
    """Paid on the day and issued a week later: on the day nobody has seen it."""
    account = Account([an_invoice(T + timedelta(days=7), due=T - timedelta(days=1), paid=T)])

    assert account.outcomes(T) == []
    assert len(account.outcomes(T + timedelta(days=7))) == 1


def test_an_account_of_which_nothing_has_come_due_is_not_judged() -> None:
    found = judged(an_invoice(date(2025, 6, 1), due=date(2025, 7, 1), paid=date(2025, 7, 1)))

    assert T not in found


def test_only_month_ends_whose_window_lies_within_the_data_are_judged() -> None:
    invoices = [
        an_invoice(date(2025, 1, 31), due=date(2025, month, 5), paid=date(2025, 6, 29)) for month in (3, 4, 5, 6)
    ]
    accounts = [Account(invoices)]

    assert last_day(accounts) == date(2025, 6, 29)
    assert month_ends(accounts) == [date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 31)]
    assert date(2025, 3, 31) + timedelta(days=WINDOW_DAYS) == date(2025, 6, 29)


def test_no_more_than_five_years_are_judged() -> None:
    days = [date(1990 + month // 12, 1 + month % 12, 10) for month in range(12 * 36)]
    old = [Account([OLD._replace(issued=day, due=day + timedelta(days=20), paid=day) for day in days])]

    assert len(month_ends(old)) == 60
    assert month_ends(old)[-1] == date(2025, 8, 31)


def test_a_single_mistyped_year_takes_no_month_end_away() -> None:
    account = [an_invoice(date(2025, m, 1), due=date(2025, m, 20), paid=date(2025, m, 25)) for m in range(1, 13)]
    typo = an_invoice(date(2025, 5, 1), due=date(2025, 5, 20), paid=date(2095, 5, 25))

    assert set(month_ends([Account(account)])) <= set(month_ends([Account([*account, typo])]))


@pytest.mark.parametrize(("day", "judged_on"), [(date(2025, 5, 1), True), (date(2025, 5, 2), False)])
def test_a_window_of_90_days_may_reach_into_a_fourth_month(day: date, judged_on: bool) -> None:
    known = an_invoice(date(2024, 12, 1), due=date(2025, 1, 5), paid=date(2025, 1, 5))

    assert (date(2025, 1, 31) in judged(known, an_invoice(day, due=day, paid=day))) is judged_on


def test_without_any_invoice_there_is_nothing_to_judge() -> None:
    assert (last_day([]), month_ends([]), list(judge([]))) == (None, [], [])


def test_days_late_are_weighted_by_amount_and_early_ones_are_not_below_zero() -> None:
    """Ten days late on 3,000 and ten days early on 1,000: 7.5, not 5."""
    found = judged(
        OLD,
        an_invoice(date(2025, 6, 1), due=date(2025, 7, 1), paid=date(2025, 7, 11), amount=3000),
        an_invoice(date(2025, 6, 1), due=date(2025, 7, 20), paid=date(2025, 7, 10), amount=1000),
    )[T]

    assert found.days_late == 7.5
    assert found.late
    assert found.next_late
    assert not found.trouble


def test_exactly_five_days_late_is_not_late_yet() -> None:
    found = judged(OLD, an_invoice(date(2025, 6, 1), due=date(2025, 7, 1), paid=date(2025, 7, 6)))[T]

    assert (found.days_late, found.late, found.next_late) == (5, False, True)


@pytest.mark.parametrize(("days", "trouble"), [(15, False), (16, True)])
def test_trouble_is_one_invoice_more_than_15_days_late(days: int, trouble: bool) -> None:
    due = date(2025, 9, 28)  # the last day of the window
    found = judged(
        OLD,
        an_invoice(date(2025, 6, 1), due=date(2025, 7, 1), paid=date(2025, 7, 1), amount=10**9),
        an_invoice(date(2025, 6, 1), due=due, paid=due + timedelta(days=days)),
    )[T]

    assert found.trouble is trouble
    assert not found.late
    assert not found.next_late


def test_the_window_begins_after_the_day_and_ends_with_its_90th() -> None:
    on_the_day = an_invoice(date(2025, 6, 1), due=T, paid=None)
    behind = an_invoice(date(2025, 6, 1), due=T + timedelta(days=91), paid=None)
    assert T not in judged(OLD, on_the_day, behind)

    within = an_invoice(date(2025, 6, 1), due=T + timedelta(days=90), paid=T + timedelta(days=100))
    assert judged(OLD, on_the_day, behind, within)[T].days_late == 10


def test_what_was_never_paid_is_late_up_to_the_end_of_the_data() -> None:
    found = judged(OLD, an_invoice(date(2025, 6, 1), due=date(2025, 7, 1), paid=None))[T]

    assert found.days_late == (END - date(2025, 7, 1)).days


def test_a_dispute_matters_only_where_the_invoice_is_still_open_in_the_end() -> None:
    """It is not dated: of an invoice that was paid it may have begun later than the day, and is not looked at."""
    due = date(2025, 7, 1)
    paid = an_invoice(date(2025, 6, 1), due=due, paid=date(2025, 8, 1), disputed=True)
    still_open = an_invoice(date(2025, 6, 1), due=due, paid=None, disputed=True)

    assert judged(OLD, paid)[T].late
    assert T not in judged(OLD, still_open)
    assert judged(OLD, still_open, OLD._replace(due=due, paid=due))[T].days_late == 0


def test_currencies_are_not_mixed() -> None:
    """The account's main currency on the day is that of its newest invoice; what it owes in others is not added."""
    in_yen = OLD._replace(currency="jpy", issued=date(2025, 6, 20), due=date(2025, 7, 1), paid=date(2025, 7, 11))
    in_euro = OLD._replace(issued=date(2025, 6, 1), due=date(2025, 7, 2), paid=date(2025, 9, 2), amount=10**9)

    found = judged(OLD, in_yen, in_euro)[T]

    assert found.days_late == 10
    assert found.trouble  # whether anything went wrong is asked of all of them


def test_a_currency_that_an_account_changes_to_later_is_not_its_main_one_yet() -> None:
    in_euro = an_invoice(date(2025, 6, 1), due=date(2025, 7, 1), paid=date(2025, 7, 4))
    in_yen = an_invoice(date(2025, 7, 2), due=date(2025, 7, 20), paid=date(2025, 8, 20), currency="jpy")

    assert judged(OLD, in_euro, in_yen)[T].days_late == 3


def test_a_model_may_learn_only_what_was_settled_a_month_after_the_window() -> None:
    """An invoice paid after that is late up to then, however late it was paid in the end."""
    due = date(2025, 9, 25)
    found = judged(OLD, an_invoice(date(2025, 6, 1), due=due, paid=due + timedelta(days=80)))[T]

    assert found.settled_on == date(2025, 10, 31)
    assert found.settled_on >= T + timedelta(days=120)
    assert found.settled_late
    assert found.days_late == 80
    in_time = judged(OLD, an_invoice(date(2025, 6, 1), due=date(2025, 10, 31) - timedelta(days=5), paid=None))
    assert date(2025, 7, 31) in in_time
