"""What the score and the chances were worth on past invoices, walk-forward and without looking ahead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from connector.domain.calibration import Calibration, calibration
from connector.domain.challenger import Challenge, challenge
from connector.domain.past_invoice import PastInvoice
from connector.domain.ranking import Interval, Ranking, interval, spearman, worst_tenth
from connector.domain.walk_forward import Account, Judgement, judge, last_day


@dataclass(frozen=True, slots=True)
class Ordering:
    """How well one figure put the late payers of the next 90 days before the others."""

    auc: float | None
    auc_interval: Interval | None
    spearman: float | None  #: with the weighted days late that came
    worst_tenth: float | None  #: the share of late accounts in the tenth that it called worst


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The whole report. Shares, chances and AUC from 0 to 1; None where there was too little to say."""

    invoices: int
    accounts: int
    judged_accounts: int
    judgements: int
    month_ends: tuple[date, ...]
    last_day: date | None  #: up to which the data goes
    base_rate: float | None  #: the share of judgements in which the account paid late
    score: Ordering
    late_share: Ordering  #: a plain measure beside ours: the share of an account's invoices that were late
    average_days_late: Ordering  #: another one
    next_late: Calibration
    trouble: Calibration
    challenge: Challenge


def evaluate(histories: Iterable[Sequence[PastInvoice]], *, seed: int = 0) -> Evaluation:
    """Judge the formula, two plain measures and a trained model on the invoices of each account.

    ``seed`` fixes which accounts the intervals draw: the same histories always give the same report.
    """
    accounts = [Account(history) for history in histories if history]
    judgements = list(judge(accounts))
    return Evaluation(
        invoices=sum(len(account.by_issue) for account in accounts),
        accounts=len(accounts),
        judged_accounts=len({judgement.account for judgement in judgements}),
        judgements=len(judgements),
        month_ends=tuple(dict.fromkeys(judgement.month_end for judgement in judgements)),
        last_day=last_day(accounts),
        base_rate=sum(judgement.late for judgement in judgements) / len(judgements) if judgements else None,
        score=_ordering(judgements, [100 - judgement.said.score for judgement in judgements], seed),
        late_share=_ordering(judgements, [judgement.said.late_share for judgement in judgements], seed),
        average_days_late=_ordering(judgements, [judgement.said.average_days_late for judgement in judgements], seed),
        next_late=calibration(
            [judgement.said.next_late_chance for judgement in judgements],
            [judgement.next_late for judgement in judgements],
        ),
        trouble=calibration(
            [judgement.said.trouble_chance for judgement in judgements],
            [judgement.trouble for judgement in judgements],
        ),
        challenge=challenge(judgements, seed),
    )


def _ordering(judgements: Sequence[Judgement], figures: Sequence[float], seed: int) -> Ordering:
    """How well figures, higher for worse, put the judgements in order."""
    late = [judgement.late for judgement in judgements]
    numbers = {account: place for place, account in enumerate(dict.fromkeys(one.account for one in judgements))}
    ranking = Ranking(figures, late, [numbers[judgement.account] for judgement in judgements])
    return Ordering(
        auc=ranking.auc(),
        auc_interval=interval(ranking.auc, len(numbers), len(judgements), seed),
        spearman=spearman(figures, [judgement.days_late for judgement in judgements]),
        worst_tenth=worst_tenth(figures, late),
    )
