"""What all accounts together say is a mean over accounts, and a few accounts do not pretend to be many."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest

from connector.domain.lateness import Outcome, account_means
from connector.domain.portfolio import ENOUGH_ACCOUNTS, Portfolio, fit, fit_from_others

TODAY = date(2026, 6, 30)
DUE = TODAY - timedelta(days=100)
ON_TIME = Outcome(DUE, 0, unpaid=False)
HOPELESS = Outcome(DUE, 60, unpaid=False)


def test_each_account_counts_once_however_many_invoices_it_has() -> None:
    accounts = [[HOPELESS] * 1000, *[[ON_TIME]] * (ENOUGH_ACCOUNTS - 1)]

    fitted = fit(accounts, TODAY)

    assert fitted.mean_lateness == pytest.approx(1 / ENOUGH_ACCOUNTS)
    assert fitted.late_rate == pytest.approx(1 / ENOUGH_ACCOUNTS)
    assert fitted.serious_rate == pytest.approx(1 / ENOUGH_ACCOUNTS)
    assert (fitted.accounts, fitted.invoices, fitted.as_of) == (ENOUGH_ACCOUNTS, 999 + ENOUGH_ACCOUNTS, TODAY)


def test_the_figures_are_the_means_of_the_accounts_own_means() -> None:
    """Weighed by age within each account, as the score weighs them."""
    source = Random(3)
    accounts = [
        [
            Outcome(TODAY - timedelta(days=source.randrange(1, 500)), source.randrange(-5, 70), source.random() < 0.1)
            for _ in range(source.randrange(1, 12))
        ]
        for _ in range(50)
    ]
    means = [account_means(outcomes, TODAY) for outcomes in accounts]

    fitted = fit(accounts, TODAY)

    assert fitted.mean_lateness == pytest.approx(sum(one.lateness for one in means if one) / 50)
    assert fitted.late_rate == pytest.approx(sum(one.late for one in means if one) / 50)
    assert fitted.serious_rate == pytest.approx(sum(one.serious for one in means if one) / 50)


def test_an_account_of_which_nothing_has_come_due_is_left_out() -> None:
    accounts: list[list[Outcome]] = [[ON_TIME]] * ENOUGH_ACCOUNTS + [[]] * 100

    fitted = fit(accounts, TODAY)

    assert (fitted.late_rate, fitted.accounts) == (0, ENOUGH_ACCOUNTS)


def test_without_any_account_the_shipped_figures_stand() -> None:
    fitted = fit([], TODAY)

    shipped = Portfolio()
    assert (fitted.mean_lateness, fitted.late_rate, fitted.serious_rate) == pytest.approx(
        (shipped.mean_lateness, shipped.late_rate, shipped.serious_rate)
    )
    assert (fitted.accounts, fitted.version) == (0, 0)


@pytest.mark.parametrize("accounts", [1, 10, ENOUGH_ACCOUNTS - 1])
def test_too_few_accounts_speak_in_proportion(accounts: int) -> None:
    """One late account is no portfolio in which everybody is late."""
    share = accounts / ENOUGH_ACCOUNTS

    fitted = fit([[HOPELESS]] * accounts, TODAY)

    assert fitted.late_rate == pytest.approx(share + (1 - share) * Portfolio().late_rate)
    assert fitted.mean_lateness == pytest.approx(share + (1 - share) * Portfolio().mean_lateness)
    assert fitted.accounts == accounts


def test_the_order_of_accounts_changes_not_even_the_last_digit() -> None:
    source = Random(5)
    accounts = [[Outcome(DUE - timedelta(days=n), source.randrange(90), unpaid=False)] for n in range(200)]

    assert fit(accounts, TODAY) == fit(accounts[::-1], TODAY) == fit(source.sample(accounts, 200), TODAY)


def test_accounts_are_read_one_at_a_time() -> None:
    """A hundred thousand of them never stand in memory together."""
    alive = 0

    class Watched(list[Outcome]):
        def __init__(self) -> None:
            super().__init__([ON_TIME])
            nonlocal alive
            alive += 1
            assert alive <= 2

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    assert fit((Watched() for _ in range(100)), TODAY).accounts == 100


def test_what_others_say_is_what_a_portfolio_of_them_says() -> None:
    source = Random(8)
    accounts = {
        f"a{n}": [
            Outcome(DUE - timedelta(days=source.randrange(90)), source.randrange(-5, 70), source.random() < 0.2)
            for _ in range(source.randrange(0, 6))
        ]
        for n in range(40)
    }

    found = fit_from_others(accounts, TODAY)

    for name, portfolio in found.items():
        expected = fit([outcomes for other, outcomes in accounts.items() if other != name], TODAY)
        assert portfolio.mean_lateness == pytest.approx(expected.mean_lateness, abs=1e-12)
        assert portfolio.late_rate == pytest.approx(expected.late_rate, abs=1e-12)
        assert portfolio.serious_rate == pytest.approx(expected.serious_rate, abs=1e-12)
        assert (portfolio.accounts, portfolio.invoices) == (expected.accounts, expected.invoices)


def test_what_an_account_does_never_moves_what_it_borrows_itself() -> None:
    """To the last digit: else paying an invoice might lower a score by way of the portfolio."""
    source = Random(9)
    crowd = {f"a{n}": [Outcome(DUE, source.randrange(90), unpaid=False)] for n in range(35)}
    acme = [Outcome(DUE, 3, unpaid=True), Outcome(DUE, 33, unpaid=False)]

    unpaid = fit_from_others({"acme": acme, **crowd}, TODAY)
    paid = fit_from_others({"acme": [acme[0]._replace(unpaid=False), acme[1]], **crowd}, TODAY)

    assert unpaid["acme"] == paid["acme"]
    assert unpaid["a0"] != paid["a0"]


def test_the_only_account_borrows_the_shipped_figures() -> None:
    only = fit_from_others({"acme": [HOPELESS]}, TODAY)["acme"]

    assert (only.mean_lateness, only.late_rate, only.serious_rate) == (
        Portfolio().mean_lateness,
        Portfolio().late_rate,
        Portfolio().serious_rate,
    )
