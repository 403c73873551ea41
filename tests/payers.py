"""Make-believe customers that pay as customers do: each with a temper, some of which change; always the same ones."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from connector.domain.past_invoice import PastInvoice

FIRST_DAY = date(2024, 1, 1)
LAST_DAY = date(2025, 12, 31)

TEMPERS = {
    #           weight, mean days after due, spread, chance of a slip, days of a slip
    "prompt": (45, -3.0, 2.0, 0.03, 20),
    "a few days": (25, 3.0, 3.0, 0.08, 25),
    "slow": (20, 14.0, 8.0, 0.15, 40),
    "hard": (10, 40.0, 20.0, 0.2, 60),
}
_DRIFTS = 0.2
_STOPS = 0.03


def histories(customers: int, seed: int = 1) -> dict[str, list[PastInvoice]]:
    """Two years of invoices of so many customers, as known at the end of ``LAST_DAY``."""
    source = Random(seed)
    return {f"customer {number}": _history(f"customer {number}", source) for number in range(customers)}


def _history(customer: str, source: Random) -> list[PastInvoice]:
    names, weights = list(TEMPERS), [temper[0] for temper in TEMPERS.values()]
    before, after = source.choices(names, weights, k=2)
    drifts_on = FIRST_DAY + timedelta(days=source.randrange(200, 600)) if source.random() < _DRIFTS else LAST_DAY
    stops_on = FIRST_DAY + timedelta(days=source.randrange(300, 700)) if source.random() < _STOPS else None
    own = source.gauss(0, 2)
    gap, net = source.choice((7, 14, 30, 30, 30, 60, 90)), source.choice((14, 30, 30, 45))
    size = 10 ** source.uniform(3, 6)
    found = []
    day = FIRST_DAY + timedelta(days=source.randrange(0, 365))
    while day <= LAST_DAY:
        due = day + timedelta(days=net)
        _, mean, spread, slips, slip = TEMPERS[before if day < drifts_on else after]
        late = source.gauss(mean + own, spread) + (source.expovariate(1 / slip) if source.random() < slips else 0)
        paid = max(day, due + timedelta(days=round(late)))
        never = stops_on is not None and day >= stops_on
        amount = max(100, round(size * source.uniform(0.5, 1.5)))
        found.append(PastInvoice(customer, day, due, None if never or paid > LAST_DAY else paid, amount, "eur"))
        day += timedelta(days=max(1, gap + source.randrange(-2, 3)))
    return found
