"""The table of our fields for an admin: what each says, and under which heading of a record's page it belongs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from connector.crm.salesforce.fields import CustomField
from connector.domain.write_back import BY_NAME
from mappings.model import FieldMapping

HEALTH, BILLING = "Payment health", "Billing"
"""The headings, in the order in which they matter before a renewal."""

_OF_HEALTH = frozenset(
    {
        "open_balance",
        "overdue_balance",
        "overdue_count",
        "days_past_due",
        "average_days_late",
        "on_time_rate",
        "collection_stage",
        "credit_hold",
        "renewal_date",
        "trouble_chance",
    }
)
_HEALTH_BEGINS = ("health", "late_", "next_late", "terms_")


def field_table(mapping: FieldMapping, fields: Iterable[CustomField]) -> str:
    """The document, in Markdown."""
    kinds = [mapping.write_back.get(kind, {}) for kind in ("account", "deal")]
    lines = [
        "# The fields, and where each belongs on a record's page",
        "",
        "Made by `make docs`. The connector writes the first two tables; people fill in the third.",
    ]
    for heading in (HEALTH, BILLING):
        lines += ["", f"## {heading}", "", *_header("label", "says", "on Account", "on Opportunity")]
        lines += [_written(name, kinds) for name in BY_NAME if section(name) == heading and _shown(name, kinds)]
    lines += ["", "## Filled in by people", "", *_header("label", "says", "field")]
    lines += [
        _row(each.metadata["label"], each.metadata["inlineHelpText"], f"`{each.path}`")
        for each in fields
        if not each.written
    ]
    return "\n".join(lines) + "\n"


def section(canonical: str) -> str:
    """The heading under which a value belongs."""
    return HEALTH if canonical in _OF_HEALTH or canonical.startswith(_HEALTH_BEGINS) else BILLING


def _written(canonical: str, kinds: list[Mapping[str, str]]) -> str:
    known = BY_NAME[canonical]
    return _row(known.label, known.description, *_shown(canonical, kinds))


def _shown(canonical: str, kinds: list[Mapping[str, str]]) -> list[str]:
    """The field on each kind of record, empty where there is none; nothing at all where no kind has one."""
    names = [names.get(canonical, "") for names in kinds]
    return [f"`{name}`" if name else "" for name in names] if any(names) else []


def _header(*cells: str) -> Iterator[str]:
    yield _row(*cells)
    yield _row(*("---" for _ in cells))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
