"""The instructions for HubSpot's views name properties that set-up makes, under the labels that it gives them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector.crm.hubspot.setup import GROUP_LABEL
from connector.domain.write_back import BY_NAME
from mappings.load import default_mapping

DOCUMENT = (Path(__file__).parents[3] / "docs" / "hubspot-views.md").read_text(encoding="utf-8")
WRITTEN = default_mapping("hubspot").write_back
NAMED = sorted(set(re.findall(r"`(billing_[a-z_]+[a-z])`", DOCUMENT)))
LABELLED = re.findall(r"\| ([A-Z][^|]+?) \| `(billing_\w+)` \|", DOCUMENT)


@pytest.mark.parametrize("name", NAMED)
def test_every_property_it_names_is_one_that_we_write(name: str) -> None:
    assert name in WRITTEN["account"].values()


@pytest.mark.parametrize(("label", "name"), LABELLED)
def test_every_row_has_the_label_that_people_will_see(label: str, name: str) -> None:
    canonical = next(canonical for canonical, each in WRITTEN["account"].items() if each == name)
    assert label == BY_NAME[canonical].label


def test_the_views_filter_by_the_flag_and_the_renewal() -> None:
    companies, deals = DOCUMENT.split("## View ")[1:3]
    assert "on companies" in companies.splitlines()[0]
    assert {"billing_late_payer", "billing_renewal_date", "billing_health_reason"} <= set(
        re.findall(r"`(\w+)`", companies)
    )
    assert "on deals" in deals.splitlines()[0]
    assert {"billing_late_payer", "hs_is_closed"} <= set(re.findall(r"`(\w+)`", deals))
    assert "billing_late_payer" in WRITTEN["deal"].values()


def test_it_names_the_group_that_set_up_makes() -> None:
    assert f"property group **{GROUP_LABEL}**" in DOCUMENT
    assert LABELLED
    assert len(NAMED) > 15
