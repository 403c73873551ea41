"""``connector health evaluate``: what the score and the chances were worth on past invoices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from connector.cli.health.invoice_options import as_plain, invoice_options, opened
from connector.cli.health.invoices_csv import CsvOptions
from connector.cli.health.unreadable import bad_input_told
from connector.cli.output import json_option, print_json, print_table
from connector.domain.calibration import Calibration
from connector.domain.challenger import Challenge
from connector.domain.health_evaluation import Evaluation, Ordering
from connector.domain.health_evaluation import evaluate as evaluate_histories
from connector.domain.past_invoice import PastInvoice, by_customer
from connector.domain.payment_features import FEATURES
from connector.domain.ranking import Interval


@click.command(short_help="What the score was worth on past invoices, walk-forward.")
@invoice_options
@json_option
def evaluate(file: str | None, about: CsvOptions, as_json: bool) -> None:
    """Try the score on past invoices: those of the ledger, or of a CSV, which needs no database and no account.

    At the end of each month every customer is scored by what was known then, and judged by the invoices that fell due
    in the next 90 days. Printed are how well the score and two plain measures put the late payers first, how far the
    chances may be believed, and whether a model trained on the same past would have done better. What a file must
    hold, `connector health assess --help` says.

    Exit codes: 0 evaluated; 1 the file or what was said about it cannot be read, or there is too little history to
    judge anything; 2 the command could not do its work.
    """
    read: dict[str, object] = {}
    histories: Iterable[Sequence[PastInvoice]]
    with bad_input_told():
        if file is not None:
            found = opened(file, about)
            read, histories = as_plain(found), by_customer(found.invoices).values()
        else:
            histories = _of_ledger()
    report = evaluate_histories(histories)
    if as_json:
        print_json({**read, **_plain(report)})
    else:
        _tell(report)
    click.get_current_context().exit(0 if report.judgements else 1)


def _of_ledger() -> list[Sequence[PastInvoice]]:
    from connector.bootstrap import open_services  # a file is judged without any of it

    with open_services() as services, services.store.begin() as work:
        return list(work.portfolios.histories())


def _plain(report: Evaluation) -> dict[str, object]:
    """The report for a script; shares, chances and AUC from 0 to 1."""
    return {
        "invoices": report.invoices,
        "customers": report.accounts,
        "customers_judged": report.judged_accounts,
        "month_ends": list(report.month_ends),
        "judgements": report.judgements,
        "last_day": report.last_day,
        "base_rate": report.base_rate,
        "score": _ordering(report.score),
        "baselines": {
            "share_of_late_invoices": _ordering(report.late_share),
            "average_days_late": _ordering(report.average_days_late),
        },
        "next_invoice_late": _calibration(report.next_late),
        "serious_trouble": _calibration(report.trouble),
        "challenger": _challenge(report.challenge),
    }


def _ordering(found: Ordering) -> dict[str, object]:
    return {
        "auc": found.auc,
        "auc_interval": _interval(found.auc_interval),
        "spearman": found.spearman,
        "precision_worst_tenth": found.worst_tenth,
    }


def _calibration(found: Calibration) -> dict[str, object]:
    return {
        "judgements": found.judgements,
        "base_rate": found.base_rate,
        "brier": found.brier,
        "brier_of_base_rate": found.base_brier,
        "auc": found.auc,
        "expected_calibration_error": found.expected_error,
        "calibration_slope": found.slope,
        "deciles": [
            {"predicted": each.predicted, "observed": each.observed, "count": each.count} for each in found.deciles
        ],
    }


def _challenge(found: Challenge) -> dict[str, object]:
    weights = dict(zip(FEATURES, found.model.weights, strict=True)) if found.model else {}
    return {
        "verdict": found.verdict,
        "model_wins": found.model_wins,
        "judgements": found.judgements,
        "formula_auc": found.formula_auc,
        "model_auc": found.model_auc,
        "auc_margin": found.auc_margin,
        "auc_margin_interval": _interval(found.auc_margin_interval),
        "formula_brier": found.formula_brier,
        "model_brier": found.model_brier,
        "brier_margin": found.brier_margin,
        "brier_margin_interval": _interval(found.brier_margin_interval),
        "formula_precision_worst_tenth": found.formula_worst_tenth,
        "model_precision_worst_tenth": found.model_worst_tenth,
        "formula_calibration": _calibration(found.formula_calibration) if found.formula_calibration else None,
        "model_calibration": _calibration(found.model_calibration) if found.model_calibration else None,
        "weights": weights,
    }


def _interval(found: Interval | None) -> list[float] | None:
    return None if found is None else [found.low, found.high]


def _tell(report: Evaluation) -> None:
    invoices = "1 invoice" if report.invoices == 1 else f"{report.invoices} invoices"
    customers = "1 customer" if report.accounts == 1 else f"{report.accounts} customers"
    click.echo(f"{invoices} of {customers}{f', up to {report.last_day}' if report.last_day else ''}.")
    if not report.judgements:
        click.echo("There is too little history to judge anything: it takes a month end with 90 days behind it.")
        return
    ends = report.month_ends
    click.echo(
        f"{report.judgements} judgements of {report.judged_accounts} customers at {len(ends)} month ends, {ends[0]} to "
        f"{ends[-1]}. Customers paid late in {_share(report.base_rate)} of them: more than 5 days, weighted by amount."
    )
    print_table(
        "Who pays late in the next 90 days",
        ("measure", "AUC", "95 % interval", "Spearman", "late in worst tenth"),
        [
            _ordering_row("our score", report.score),
            _ordering_row("share of late invoices", report.late_share),
            _ordering_row("average days late", report.average_days_late),
        ],
    )
    for title, chance in (
        ("Chance that the next invoice is late", report.next_late),
        ("Chance of serious trouble: an invoice more than 15 days late", report.trouble),
    ):
        _tell_chance(title, chance)
    _tell_challenge(report.challenge)


def _tell_chance(title: str, found: Calibration) -> None:
    print_table(
        title,
        ("said", "came true", "judgements"),
        [(_share(each.predicted), _share(each.observed), each.count) for each in found.deciles],
    )
    click.echo(
        f"Brier {_figure(found.brier)} (always saying {_share(found.base_rate)}: {_figure(found.base_brier)}), AUC "
        f"{_figure(found.auc)}, slope {_figure(found.slope, 2)}, calibration error {_figure(found.expected_error)}\n"
    )


def _tell_challenge(found: Challenge) -> None:
    click.echo(found.verdict)
    if found.auc_margin is not None:
        click.echo(
            f"Trained model against formula, on {found.judgements} judgements: AUC {_figure(found.model_auc)} against "
            f"{_figure(found.formula_auc)}, margin {_range(found.auc_margin_interval)}; Brier "
            f"{_figure(found.model_brier, 4)} against {_figure(found.formula_brier, 4)}, margin "
            f"{_range(found.brier_margin_interval, 4)}; late in worst tenth {_share(found.model_worst_tenth)} against "
            f"{_share(found.formula_worst_tenth)}."
        )


def _ordering_row(name: str, found: Ordering) -> Sequence[object]:
    return (name, _figure(found.auc), _range(found.auc_interval), _figure(found.spearman), _share(found.worst_tenth))


def _figure(value: float | None, digits: int = 3) -> str:
    return "unknown" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{100 * value:.1f} %"


def _range(found: Interval | None, digits: int = 3) -> str:
    return "unknown" if found is None else f"{found.low:.{digits}f} to {found.high:.{digits}f}"
