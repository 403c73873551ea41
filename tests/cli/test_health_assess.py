"""``connector health assess``: the worst first, amounts exact, with reasons; the score's promises hold here too."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest

from connector.domain.past_invoice import PastInvoice
from tests.cli.invoice_files import answer, customers, exported, refusal, run, written

DAY = date(2026, 6, 30)
"""The day of every assessment here."""


def score(file: Path, customer: str = "Acme", day: date = DAY) -> float:
    [found] = answer("assess", "--invoices", file, "--as-of", str(day), "--customer", customer)["customers"]
    assert found["score"] is not None
    return float(found["score"])


def an_invoice(
    due: date, paid: date | None, *, amount: int = 10000, currency: str = "eur", customer: str = "Acme"
) -> PastInvoice:
    return PastInvoice(customer, due - timedelta(days=30), due, paid, amount, currency)


def random_history(source: Random) -> list[PastInvoice]:
    """One customer's, of any temper, some of it unpaid; the last one is never due after the day."""
    mean = source.choice((-5, 2, 10, 30, 70))
    found = []
    for _ in range(source.randrange(1, 12)):
        due = DAY - timedelta(days=source.randrange(1, 600))
        paid = due + timedelta(days=round(source.gauss(mean, 10)))
        unpaid = source.random() < 0.3 or paid > DAY
        amount, currency = source.randrange(1, 10**7), source.choice(("eur", "eur", "usd"))
        found.append(an_invoice(due, None if unpaid else paid, amount=amount, currency=currency))
    return found


OTHERS = [
    an_invoice(DAY - timedelta(days=50), DAY - timedelta(days=50 - late), customer=f"other {late}")
    for late in range(0, 45, 3)
]


def with_others(folder: Path, history: list[PastInvoice]) -> Path:
    return exported(folder, [*history, *OTHERS])


def test_the_worst_come_first_and_the_unknown_last(tmp_path: Path) -> None:
    file = exported(
        tmp_path,
        [
            an_invoice(date(2026, 7, 20), None, customer="new"),
            an_invoice(date(2026, 3, 1), date(2026, 3, 1), customer="prompt"),
            an_invoice(date(2026, 3, 1), None, customer="never"),
            an_invoice(date(2026, 3, 1), date(2026, 3, 11), customer="slow"),
        ],
    )

    found = answer("assess", "--invoices", file, "--as-of", str(DAY))

    assert customers(found) == ["never", "slow", "prompt", "new"]
    assert [one["word"] for one in found["customers"]][::3] == ["severe", "unknown"]
    assert found["customers"][3]["score"] is None
    assert customers(answer("assess", "--invoices", file, "--as-of", str(DAY), "--worst", "2")) == ["never", "slow"]


def test_amounts_are_exact_and_per_currency(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "2026-05-01,2026-05-31,,0.10,EUR,,Acme",
        "2026-05-01,2026-05-31,,0.20,EUR,,Acme",
        "2026-05-01,2026-07-31,,1000000000.01,EUR,,Acme",
        "2026-04-01,2026-05-01,,5000,JPY,,Acme",
        "2026-04-01,2026-06-10,,1.234,KWD,yes,Acme",
    )

    [found] = answer("assess", "--invoices", file, "--as-of", str(DAY), "--decimal", "point")["customers"]

    assert found["currency"] == "EUR"
    assert (found["open_balance"], found["overdue_balance"]) == ("1000000000.31", "0.30")
    assert found["by_currency"]["JPY"]["overdue_balance"] == "5000"
    assert found["by_currency"]["KWD"]["disputed"] == "1.234"
    assert found["by_currency"]["KWD"]["overdue_balance"] == "0.000"
    assert (found["days_past_due"], found["overdue_count"], found["disputed"]) == (60, 3, True)


def test_every_reason_has_its_code_and_the_invoices_behind_it(tmp_path: Path) -> None:
    heading = "issued,due,paid,amount,currency,customer,number"
    file = written(
        tmp_path,
        "2026-01-01,2026-01-31,2026-02-06,50,EUR,Acme,R-1",
        "2026-04-20,2026-05-20,,50,EUR,Acme,R-2",
        heading=heading,
    )

    [found] = answer("assess", "--invoices", file, "--as-of", str(DAY))["customers"]

    first = found["reasons"][0]
    assert (first["code"], first["invoices"]) == ("overdue", ["R-2"])
    assert "EUR 50.00" in first["text"]
    assert "41 days late" in first["text"]
    assert found["reasons"][-1]["code"] == "thin_history"
    assert (found["confidence"], found["resolved"]) == ("low", 2)


def test_nothing_is_known_that_happened_after_the_day(tmp_path: Path) -> None:
    """What was paid later is unpaid, and what was issued later is not there."""
    early, late = date(2026, 3, 1), date(2026, 6, 1)
    before = [an_invoice(date(2026, 2, 1), date(2026, 2, 1)), an_invoice(date(2026, 2, 20), None)]
    later = [*before[:1], before[1]._replace(paid=date(2026, 5, 1)), an_invoice(late, date(2026, 6, 30))]

    then = answer("assess", "--invoices", exported(tmp_path, before), "--as-of", str(early))["customers"]

    assert answer("assess", "--invoices", exported(tmp_path, later), "--as-of", str(early))["customers"] == then
    assert then[0]["overdue_count"] == 1


def test_the_last_day_of_the_file_stands_for_today(tmp_path: Path) -> None:
    file = exported(tmp_path, [an_invoice(date(2026, 2, 1), date(2026, 3, 5))])

    assert answer("assess", "--invoices", file)["as_of"] == "2026-03-05"


def test_new_customers_borrow_from_those_of_the_file(tmp_path: Path) -> None:
    """One on-time payment among those who never pay on time says less than among those who always do."""
    acme = an_invoice(date(2026, 5, 1), date(2026, 5, 1))
    crowd = [an_invoice(date(2026, 4, 1), date(2026, 4, 1), customer=f"c{n}") for n in range(40)]
    bad_crowd = [one._replace(paid=date(2026, 6, 10)) for one in crowd]

    among_good = score(exported(tmp_path, [acme, *crowd]))
    among_bad = score(exported(tmp_path, [acme, *bad_crowd]))

    assert among_good > 99
    assert among_bad < 60


def test_one_customer_is_found_by_its_exact_name_and_no_other(tmp_path: Path) -> None:
    file = exported(tmp_path, [an_invoice(date(2026, 2, 1), None), *OTHERS])

    assert customers(answer("assess", "--invoices", file, "--customer", "Acme")) == ["Acme"]
    assert refusal("assess", "--invoices", file, "--customer", "acme")["id"] == "invoices-customer-unknown"


def test_a_person_reads_a_line_for_each_and_why(tmp_path: Path) -> None:
    file = exported(tmp_path, [an_invoice(date(2026, 4, 1), None, customer="[red]Acme[/]"), *OTHERS])

    done = run("assess", "--invoices", file, "--as-of", str(DAY), "--worst", "1")

    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "Payment health on 2026-06-30: 16 customers, the worst"
    assert "[red]Acme[/]" in done.stdout
    assert "severe" in done.stdout
    assert "1 invoice, EUR 100.00, 90 days late" in done.stdout


def test_before_the_first_invoice_there_is_nothing_to_tell(tmp_path: Path) -> None:
    done = run("assess", "--invoices", exported(tmp_path, OTHERS), "--as-of", "2020-01-01")

    assert (done.exit_code, done.stdout) == (0, "No invoice was issued by 2020-01-01.\n")


@pytest.mark.parametrize("seed", range(10))
def test_the_promises_of_the_score_hold_through_the_command(tmp_path: Path, seed: int) -> None:
    """Paying later or never does not raise it; paying an open one does not lower it, nor does another one on time."""
    source = Random(seed)
    history = random_history(source)
    before = score(with_others(tmp_path, history))
    place = source.randrange(len(history))
    one = history[place]

    def changed(to: PastInvoice) -> float:
        return score(with_others(tmp_path, [*history[:place], to, *history[place + 1 :]]))

    if one.paid is None:
        assert changed(one._replace(paid=DAY)) >= before
    else:
        assert changed(one._replace(paid=one.paid + timedelta(days=source.randrange(1, 60)))) <= before
        assert changed(one._replace(paid=None)) <= before
    due = DAY - timedelta(days=source.randrange(1, 400))
    assert score(with_others(tmp_path, [*history, an_invoice(due, due)])) >= before
    assert score(with_others(tmp_path, source.sample(history, len(history)))) == before
    in_pounds = [each._replace(amount=7 * each.amount, currency="gbp") for each in history]
    assert score(with_others(tmp_path, in_pounds)) == before
