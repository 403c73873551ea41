"""A connector on a make-believe HubSpot whose fields are described, with the mappings in force read from the store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from connector.domain.plan_document import document
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.ports import DealRecords, FieldCatalog, FieldInfo, Services
from connector.sync.check_mapping import WRITTEN
from connector.sync.mappings_in_force import MappingsInForce
from connector.sync.plan_deal import plan_deal
from mappings.load import default_mapping
from mappings.model import FieldMapping, FieldRule, steps
from tests.factories import NOW
from tests.fakes import FakeCrm
from tests.mappings.records import a_hubspot_deal
from tests.sync.conftest import World

_TYPES: Mapping[str, str] = {
    "decimal": "number",
    "percent": "number",
    "whole_number": "number",
    "months": "text",
    "date": "date",
    "emails": "text",
}
CUSTOM = ("po_box", "custom_po", "custom_amount")


class DescribedCrm(FakeCrm):
    """A HubSpot account in which set-up has made every property that the shipped mapping names, and some of its own."""

    def describe(self, kind: str) -> FieldCatalog:
        self._call("describe")
        mapping = default_mapping("hubspot")
        name = mapping.objects.get(kind, kind)
        fields = {
            steps(path)[-1]: FieldInfo(steps(path)[-1], "", _TYPES.get(rule.transform, "text"))
            for rule in (*mapping.deal, *mapping.line_item)
            for path in rule.paths()
            if steps(path)[0].partition("[")[0] == name
        }
        fields |= {
            target: FieldInfo(target, "", _type_of(value)) for value, target in mapping.write_back.get(kind, {}).items()
        }
        return FieldCatalog(name, {**fields, **{each: FieldInfo(each, "", "text") for each in CUSTOM}})


def _type_of(value: str) -> str:
    return {"url": "text"}.get(WRITTEN[value].type, WRITTEN[value].type)


@dataclass
class MappingWorld:
    """The connector, and what people do in the CRM."""

    world: World
    services: Services
    crm: DescribedCrm

    @classmethod
    def around(cls, world: World) -> MappingWorld:
        crm = DescribedCrm(name="hubspot")
        mappings = MappingsInForce(world.services.store, ["hubspot"])
        return cls(world, replace(world.services, crms={"hubspot": crm}, mappings=mappings), crm)

    def has(self, *deals: DealRecords) -> list[RecordRef]:
        """Won deals, each changed an hour after the one before; the last one an hour ago."""
        since = NOW - timedelta(hours=len(deals))
        return [self.crm.has(deal, at=since + timedelta(hours=number)) for number, deal in enumerate(deals)]

    def plans(self, refs: Iterable[RecordRef]) -> dict[str, str]:
        """What billing would make of each deal now, byte by byte; or the sentence why it would not."""
        return {str(ref): self._plan(ref) for ref in refs}

    def _plan(self, ref: RecordRef) -> str:
        records = self.crm.fetch_deal(ref, self.services.mappings[ref.provider])
        try:
            return json.dumps(document(plan_deal(records, self.services).seen), sort_keys=True)
        except CannotBill as error:
            return str(error)


def shipped_but(*rules: FieldRule) -> FieldMapping:
    """The shipped mapping, in which these rules stand in place of those for the same values."""
    mapping = default_mapping("hubspot")
    named = {rule.canonical for rule in rules}
    lines = tuple(rule for rule in rules if rule.canonical.startswith(("line.", "product.")))
    others = tuple(rule for rule in rules if rule not in lines)
    return replace(
        mapping,
        deal=(*(rule for rule in mapping.deal if rule.canonical not in named), *others),
        line_item=(*(rule for rule in mapping.line_item if rule.canonical not in named), *lines),
    )


def many_deals(count: int) -> list[DealRecords]:
    """Deals of many shapes, some of which cannot be billed."""
    frequencies = ("monthly", "quarterly", "annually", None, "per_six_months", "per_two_years")
    return [
        a_hubspot_deal(
            number=str(1_000 + number),
            lines=tuple(
                {
                    "name": f"Product {number}-{line}",
                    "quantity": Decimal(1 + (number + line) % 9),
                    "price": Decimal(1_000 + 37 * number + line) / 100,
                    "amount": None,
                    "recurringbillingfrequency": frequencies[(number + line) % len(frequencies)],
                    "hs_discount_percentage": Decimal(10) if number % 5 == 0 else None,
                }
                for line in range(1 + number % 3)
            ),
            deal_currency_code=("EUR", "USD", "JPY")[number % 3],
            billing_term_months=(None, "12", "24", "36")[number % 4],
            billing_net_days=(None, "30", "Net 45")[number % 3],
            billing_po_number=None if number % 2 else f"PO-{number}",
            custom_po=f"C-{number}",
        )
        for number in range(count)
    ]
