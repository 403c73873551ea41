"""A mapping ranks where renewal dates are read, and keeps that through every form it takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from connector.domain.renewals import DEFAULT_ORDER, RenewalSource
from mappings.check import check
from mappings.diff import mapping_differences, same
from mappings.dump import as_toml
from mappings.load import BrokenMapping, as_body, default_mapping, default_names, from_body, load
from mappings.model import RENEWAL_SOURCES, FieldMapping

RANKED = ("contract_end", "subscription_item")


def a_mapping(**changes: Any) -> FieldMapping:
    return replace(default_mapping("hubspot"), **changes)


def test_the_mapping_ranks_just_the_sources_that_there_are() -> None:
    assert set(RENEWAL_SOURCES) == set(RenewalSource)
    assert RENEWAL_SOURCES == DEFAULT_ORDER


def test_a_mapping_that_says_nothing_asks_every_source() -> None:
    body = as_body(default_mapping("hubspot"))
    assert "renewal_from" not in body
    assert from_body(body).renewal_from == RENEWAL_SOURCES


def test_an_order_survives_export_and_import() -> None:
    mapping = a_mapping(renewal_from=RANKED)
    assert load(as_toml(mapping)) == mapping
    assert from_body(json.loads(json.dumps(as_body(mapping)))) == mapping


def test_another_order_is_a_difference_that_is_told() -> None:
    mapping = default_mapping("hubspot")
    told = mapping_differences(mapping, a_mapping(renewal_from=RANKED))
    was = ", ".join(RENEWAL_SOURCES)
    assert told == [f"renewal dates: the order is contract_end, subscription_item (was {was})."]
    assert not same(mapping, a_mapping(renewal_from=RANKED))


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (["contract_ends"], "there is no source of renewal dates called 'contract_ends', did you mean contract_end?"),
        (["schedule", "schedule"], "renewal_from names a source twice."),
        ([], "renewal_from:"),
    ],
)
def test_an_order_that_cannot_work_is_refused_in_a_sentence(order: list[str], said: str) -> None:
    with pytest.raises(BrokenMapping) as caught:
        from_body({**as_body(default_mapping("hubspot")), "renewal_from": order})
    assert any(said in sentence for sentence in caught.value.sentences)


def found(mapping: FieldMapping) -> list[str]:
    return [finding.id for finding in check(mapping, {}) if finding.id.startswith("mapping-renewal")]


def test_a_first_source_that_no_rule_feeds_is_found() -> None:
    silent = tuple(rule for rule in default_mapping("hubspot").deal if rule.canonical != "terms.renewal_date")
    assert found(a_mapping(deal=silent, renewal_from=("crm_field", "schedule"))) == ["mapping-renewal-unfed"]
    assert found(a_mapping(deal=silent)) == []


def test_a_rule_whose_source_is_not_ranked_is_found() -> None:
    assert found(a_mapping(renewal_from=RANKED)) == ["mapping-renewal-unused"]


@pytest.mark.parametrize("name", default_names())
def test_every_mapping_we_ship_reads_a_renewal_date_and_whose_the_account_is(name: str) -> None:
    canonical = {rule.canonical for rule in default_mapping(name).deal}
    assert {"terms.renewal_date", "account.owner", "account.parent", "account.size"} <= canonical
