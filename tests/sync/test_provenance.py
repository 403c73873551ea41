"""Behind each value of a plan stands a CRM field and its rule, or the setting that spoke where the deal is silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from connector.domain.health_word import Health
from connector.domain.policy import BillingPolicy
from connector.domain.terms_advice import PlanTerms
from connector.sync.provenance import _DEAL, _LINE, provenance
from connector.sync.read_deal import DealReading
from mappings.apply import Origin
from mappings.canonical import NAMES
from mappings.model import FieldRule
from tests.factories import a_deal, a_line, ref, terms


def an_origin(canonical: str, path: str, transform: str = "text") -> tuple[str, Origin]:
    return canonical, Origin(FieldRule(canonical, path, transform), (path,) if path else ())


def test_every_canonical_name_can_be_explained() -> None:
    assert frozenset(_DEAL) | frozenset(_LINE) == frozenset(NAMES["deal"]) | frozenset(NAMES["line_item"])


def test_deal_and_lines_tell_what_each_field_decides() -> None:
    line = a_line(quantity=Decimal("2.50"), interval=None)
    deal = a_deal(
        line_items=(line,),
        terms=terms(start=date(2027, 1, 1), net_days=45, auto_renew=False),
        recipients=("a@acme.example", "b@acme.example"),
        metadata={"region": "EMEA"},
    )
    origins = dict(
        (
            an_origin("terms.start", "deal.start", "date"),
            an_origin("terms.auto_renew", "deal.renews", "boolean"),
            an_origin("terms.recipients", "deal.copies", "text_list"),
            an_origin("payer.name", "company[Bill To].name"),
            an_origin("metadata.region", "deal.region"),
            an_origin("terms.collection", "", "constant"),
        )
    )
    lines = {
        line.ref: dict((an_origin("line.quantity", "line_item.quantity"), an_origin("line.interval", "line_item.per")))
    }
    found = provenance(DealReading(deal, origins, lines), BillingPolicy())
    assert [(each.record, each.decides, each.value, each.source) for each in found] == [
        (deal.ref, "first day", "2027-01-01", "deal.start, as date"),
        (deal.ref, "whether it runs on after its term", "no", "deal.renews, as boolean"),
        (deal.ref, "who else gets the invoice", "a@acme.example, b@acme.example", "deal.copies, as text_list"),
        (deal.ref, "customer: name", "", "company[Bill To].name"),
        (deal.ref, "metadata region", "EMEA", "deal.region"),
        (deal.ref, "how invoices are paid", "send_invoice", "the mapping itself, as constant"),
        (line.ref, "quantity", "2.50", "line_item.quantity"),
        (line.ref, "how often it is billed", "", "line_item.per"),
        (deal.ref, "automatic tax", "no", "the setting BILLING_AUTOMATIC_TAX"),
    ]


def test_a_silent_deal_is_decided_by_the_settings() -> None:
    deal = replace(a_deal(), currency="")
    policy = BillingPolicy(default_currency="usd", default_net_days=14, auto_renew=False, automatic_tax=True)
    found = provenance(DealReading(deal, {}, {}), policy)
    assert [(each.canonical, each.value, each.source) for each in found] == [
        ("deal.currency", "usd", "the setting DEFAULT_CURRENCY"),
        ("terms.net_days", "14", "the setting DEFAULT_NET_DAYS"),
        ("terms.auto_renew", "no", "the setting BILLING_AUTO_RENEW"),
        ("", "yes", "the setting BILLING_AUTOMATIC_TAX"),
    ]


def test_days_that_the_payment_record_gave_are_not_called_the_default() -> None:
    """Whoever looks at the plan finds the setting to change."""
    given = PlanTerms(ref("account"), Health.LATE, given=7)
    found = provenance(DealReading(a_deal(), {}, {}), BillingPolicy(), given)
    days = next(each for each in found if each.canonical == "terms.net_days")
    assert (days.value, days.source) == ("7", "the setting TERMS_DAYS")


def test_a_name_that_nobody_knows_is_told_as_it_is() -> None:
    deal = a_deal(line_items=(a_line(ref=ref("line_item", "7")),), terms=terms(net_days=1, auto_renew=True))
    (told, _) = provenance(DealReading(deal, dict((an_origin("deal.shoe_size", "deal.x"),)), {}), BillingPolicy())
    assert (told.decides, told.value, told.source) == ("deal.shoe_size", "", "deal.x")
