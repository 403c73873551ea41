"""Learn from the company's own ledger what all accounts together say, for those that have shown little themselves."""

from __future__ import annotations

import structlog

from connector.domain.past_invoice import outcomes_on
from connector.domain.portfolio import Portfolio, fit
from connector.ports import Services

log = structlog.get_logger(__name__)

PORTFOLIO_FITTED = "portfolio"
"""The watermark that says when the ledger was last looked at, whether or not a new version came of it."""

NOTICEABLE = 0.005
"""A figure that moves by less (half a point of a hundred, for an account of which nothing is known) is left alone."""


def refit_portfolio(ref: str, services: Services) -> None:
    """Fit the portfolio to the ledger, and keep it as a new version where its figures have moved noticeably.

    ``ref`` is "all": there is one portfolio. Accounts are assessed by the new version from tomorrow on.
    """
    today = services.today()
    with services.store.begin() as work:
        fitted = fit((outcomes_on(history, today) for history in work.portfolios.histories()), today)
    with services.store.begin() as work:
        if fitted.accounts and _moved(work.portfolios.newest(), fitted):
            version = work.portfolios.save(fitted, services.clock())
            log.info("portfolio fitted", version=version, accounts=fitted.accounts, invoices=fitted.invoices)
        work.settings.set_watermark(PORTFOLIO_FITTED, services.clock())


def _moved(before: Portfolio, after: Portfolio) -> bool:
    """Whether an account would notice. The first version of a company's own is always kept."""
    changes = (
        after.mean_lateness - before.mean_lateness,
        after.late_rate - before.late_rate,
        after.serious_rate - before.serious_rate,
    )
    return before.version == 0 or any(abs(change) >= NOTICEABLE for change in changes)
