"""An open deal, late enough in its pipeline, is checked as if it were won: nothing is found out after the close."""

from __future__ import annotations

from dataclasses import replace

from connector.errors import CannotBill
from connector.ports import DealRecords, Services
from connector.sentences import approval as sentences
from connector.sync.plan_deal import plan_deal
from connector.sync.read_deal import read_deal
from mappings import apply

_MOST_PROBLEMS = 10
"""A record's message is read by a person: more than this is a deal that nobody has begun to fill in."""


def not_ready(records: DealRecords, services: Services) -> str:
    """What is missing before the deal could be billed, in sentences for its record; empty when nothing is, or when it
    has not come to a stage that is checked.

    Raises:
        RetryLater, NeedsHuman: from billing or the CRM; nothing that the deal itself lacks.
    """
    crm = records.ref.provider
    wanted = services.readiness_stages.get(crm, frozenset())
    if not wanted or records.closed or records.stage not in services.crms[crm].stages_from(sorted(wanted)):
        return ""
    problems = _unread(records, services) or _unplanned(records, services)
    if not problems:
        return ""
    return sentences.NOT_READY.says(problems=" ".join(problems[:_MOST_PROBLEMS]))


def _unread(records: DealRecords, services: Services) -> list[str]:
    """Everything that the mapping cannot read, or misses, on the deal and on each of its lines."""
    mapping = services.mappings[records.ref.provider]
    readings = [apply.read_all(mapping.deal, records.records)]
    readings += [apply.read_all(mapping.line_item, line.records) for line in records.lines]
    said = [f"{problem.message} {problem.hint}".strip() for reading in readings for problem in reading.problems]
    return list(dict.fromkeys(said))


def _unplanned(records: DealRecords, services: Services) -> list[str]:
    """What planning refuses: of the whole deal, and of each line by itself, since the whole stops at the first."""
    try:
        deal = read_deal(records, services.mappings[records.ref.provider])
    except CannotBill as error:
        return [str(error)]
    alone = [replace(records, lines=(line,)) for line in records.lines] if len(deal.line_items) > 1 else []
    said = [_refusal(part, services) for part in (records, *alone)]
    return list(dict.fromkeys(sentence for sentence in said if sentence))


def _refusal(records: DealRecords, services: Services) -> str:
    try:
        plan_deal(records, services)
    except CannotBill as error:
        return str(error)
    return ""
