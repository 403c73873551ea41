"""Did each scene of the book truly happen? Held against what Stripe holds, with sums worked out here once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connector.cli.demo.book import Line, Scene
from connector.cli.demo.renewal_scene import judge_renewal
from connector.cli.demo.scenes import Seen
from connector.cli.demo.seed import Placed, days_served
from connector.cli.demo.verdict import Billing, DealReport
from connector.domain.billing_plan import META_DEAL
from connector.domain.dates import add_months
from connector.domain.money import Money
from connector.domain.refs import RecordRef

_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
_BILLED = "billed"


def judge_scenes(reports: Sequence[DealReport], seen: Seen, billing: Billing) -> None:
    """Tell each scene on its deal's report, and add a problem for each thing that did not happen as it should."""
    by_account = {report.placed.account: report for report in reversed(reports) if report.won}
    for report in reports:
        match report.placed.sale.scene:
            case Scene.RAMP:
                report.scene = _ramp(report, seen, billing)
            case Scene.UPSELL:
                report.scene = _upsell(report, by_account[report.placed.account], seen, billing)
            case Scene.REFUSAL:
                report.scene = _refusal(report, seen)
            case Scene.RENEWAL:
                report.scene = judge_renewal(report, seen.renewals.get(report.placed.deal))
            case None:
                pass


def proration(amount: Decimal, period: tuple[date, date], day: date) -> Decimal:
    """What is left of a period's amount from ``day`` on, by whole days, rounded half up to hundredths.

    Worked out anew, so that the connector's own sum has something to agree with. ``period`` ends before its second day.
    """
    start, after = period
    share = amount * (after - day).days / (after - start).days
    return share.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def period_of(line: Line, start: date, day: date) -> tuple[date, date]:
    """The billing period of a line that holds ``day``, counted from the contract's first day."""
    months, count = _MONTHS[line.frequency], 0
    while add_months(start, months * (count + 1)) <= day:
        count += 1
    return add_months(start, months * count), add_months(start, months * (count + 1))


def _ramp(report: DealReport, seen: Seen, billing: Billing) -> dict[str, Any]:
    """One schedule with a phase for each line, and every invoice that was foreseen up to today."""
    deal, sale = report.placed.deal, report.placed.sale
    looked = seen.previews.get(deal)
    if looked is None:
        report.problems.append("was never previewed")
        return {}
    foreseen = [(invoice.day.isoformat(), invoice.total) for invoice in looked.foreseen.invoices]
    due = [each for each in foreseen if each[0] <= billing.today.isoformat()]
    billed = sorted((_day(one["created"]).isoformat(), int(one["total"])) for one in report.invoices)
    contract = _contract_value(report.placed)
    phases = _phases(deal, billing)
    wanted = _wanted_phases(report.placed, seen)
    if phases != wanted:
        report.problems.append(f"the schedule has the phases {phases} instead of {wanted}")
    if due != billed:
        report.problems.append(f"the preview foresaw {due}, but billed was {billed}")
    if looked.foreseen.total != contract:
        report.problems.append(f"the preview came to {looked.foreseen.total}, but {contract} was sold")
    if seen.written_by_previews:
        report.problems.append(f"previews made {seen.written_by_previews} writes")
    return {
        "scene": Scene.RAMP.value,
        "currency": sale.currency.lower(),
        "phases": phases,
        "foreseen": [{"date": day, "total": total} for day, total in foreseen],
        "foreseen_total": looked.foreseen.total,
        "billed": [{"date": day, "total": total} for day, total in billed],
        "writes_by_preview": seen.written_by_previews,
    }


def _upsell(report: DealReport, base: DealReport, seen: Seen, billing: Billing) -> dict[str, Any]:
    """The contract of the first deal holds more, and one invoice bills the rest of its running period by day."""
    line, currency = report.placed.sale.lines[0], report.placed.sale.currency.lower()
    day, start = seen.won_on[report.placed.deal], seen.won_on[base.placed.deal]
    period = period_of(line, start, day)
    wanted = _minor(proration(line.price * line.quantity, period, day), currency)
    prorated = [(_day(one["created"]), int(one["total"])) for one in report.invoices]
    changed = billing.amended_by(report.placed.deal)
    held = _held(base.billed_by, billing)
    sold = sum(each.quantity for each in (*base.placed.sale.lines, line))
    if changed != [base.billed_by]:
        report.problems.append(f"changed {', '.join(changed) or 'nothing'} instead of {base.billed_by}")
    if prorated != [(day, wanted)]:
        report.problems.append(f"invoices of {[total for _, total in prorated]} instead of {wanted} on {day}")
    if held != sold:
        report.problems.append(f"the subscription holds {held} units instead of {sold}")
    return {
        "scene": Scene.UPSELL.value,
        "currency": currency,
        "amends": base.placed.deal.id,
        "subscription": base.billed_by,
        "added": f"{line.quantity} × {line.product}",
        "on": day.isoformat(),
        "until": period[1].isoformat(),
        "days": [(period[1] - day).days, (period[1] - period[0]).days],
        "wanted": wanted,
        "prorated": [total for _, total in prorated],
        "units": held,
    }


def _refusal(report: DealReport, seen: Seen) -> dict[str, Any]:
    """The record said why, then billing went on by itself once the field was changed."""
    refusal = seen.refusals.get(report.placed.deal)
    if refusal is None:
        report.problems.append("was never seen refused")
        return {}
    if refusal.status == _BILLED or not refusal.sentence:
        report.problems.append(f"was not refused: its record said {refusal.status!r}, {refusal.sentence!r}")
    if refusal.healed_status != _BILLED or refusal.healed_sentence:
        report.problems.append(f"is still refused: {refusal.healed_status!r}, {refusal.healed_sentence!r}")
    if not refusal.rung_by:
        report.problems.append("no webhook told of the change")
    return {
        "scene": Scene.REFUSAL.value,
        "record_said": refusal.sentence,
        "status": refusal.status,
        "somebody": refusal.mended_by,
        "webhook": refusal.rung_by,
        "then": refusal.healed_status,
        "message_then": refusal.healed_sentence,
    }


def _phases(deal: RecordRef, billing: Billing) -> list[tuple[str, int]]:
    """First day and quantity of each phase; empty unless there is just one schedule."""
    mine = [one for one in billing.schedules if one["metadata"].get(META_DEAL) == str(deal)]
    if len(mine) != 1:
        return []
    return [(_day(phase["start_date"]).isoformat(), _quantity(phase["items"])) for phase in mine[0]["phases"]]


def _wanted_phases(placed: Placed, seen: Seen) -> list[tuple[str, int]]:
    start = seen.won_on[placed.deal]
    return [(str(days_served(line, start)[0]), line.quantity) for line in placed.sale.lines]


def _contract_value(placed: Placed) -> int:
    """What was sold over the whole term, in minor units."""
    value = Decimal(0)
    for line in placed.sale.lines:
        first, after = line.months or (0, placed.sale.term_months)
        value += line.price * line.quantity * (after - first) / _MONTHS[line.frequency]
    return _minor(value, placed.sale.currency)


def _held(subscription: str, billing: Billing) -> int:
    return sum(_quantity(one["items"]["data"]) for one in billing.subscriptions if one["id"] == subscription)


def _quantity(items: Sequence[Mapping[str, Any]]) -> int:
    return sum(int(item["quantity"]) for item in items)


def _minor(amount: Decimal, currency: str) -> int:
    return Money.exactly(amount, currency).minor


def _day(second: int) -> date:
    return datetime.fromtimestamp(second, UTC).date()
