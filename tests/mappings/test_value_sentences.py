"""Each sentence about a value that cannot be read is said of such a value, and of none other."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from mappings import value_sentences as say
from mappings.model import FieldRule, MappingProblem
from mappings.sentence import Sentence, all_in
from mappings.transforms import convert
from mappings.values import LONGEST_VALUE

CASES: list[tuple[Sentence, str, Any, dict[str, Any]]] = [
    (say.TOO_LONG, "text", "x" * (LONGEST_VALUE + 1), {}),
    (say.NOT_SINGLE, "text", {"Name": "Acme"}, {}),
    (say.NOT_A_NUMBER, "decimal", True, {}),
    (say.NOT_A_PLAIN_NUMBER, "decimal", "1,234", {}),
    (say.NUMBER_UNWIELDY, "decimal", Decimal("1e40"), {}),
    (say.NOT_WHOLE, "whole_number", "1.5", {}),
    (say.NOT_A_PERCENTAGE, "percent", "101", {}),
    (say.NO_TIME_ZONE, "date", "2026-11-21T09:00:00Z", {"timezone": "Mars/Olympus"}),
    (say.NOT_A_DATE, "date", "21 November", {}),
    (say.NOT_A_USABLE_DATE, "date", datetime(1, 1, 1, tzinfo=UTC), {"timezone": "America/New_York"}),
    (say.NOT_A_CURRENCY, "currency", "Points", {}),
    (say.NOT_AN_INTERVAL, "interval", "now and then", {}),
    (say.NOT_MONTHS, "months", "a while", {}),
    (say.NOT_NET_DAYS, "net_days", "whenever", {}),
    (say.NOT_A_COLLECTION, "collection", "by pigeon", {}),
    (say.NOT_YES_OR_NO, "boolean", "perhaps", {}),
    (say.NOT_AN_EMAIL, "email", "nobody", {}),
    (say.TOO_MANY_ENTRIES, "text_list", ";".join(str(each) for each in range(51)), {}),
    (say.NOT_A_DEAL_KIND, "deal_kind", "odd", {}),
    (say.NOT_A_TAX_STATUS, "tax_status", "odd", {}),
    (say.NO_TRANSLATION, "enum", "odd", {"table": {"known": "x"}}),
    (say.PATTERN_UNSAFE, "regex", "x", {"pattern": "(a+)+$"}),
    (say.CANNOT_FOLLOW, "constant", "x", {"value": "1", "then": "template"}),
    (say.NO_CONVERSION, "sorcery", "x", {}),
]


@pytest.mark.parametrize(("sentence", "transform", "raw", "args"), CASES, ids=[sentence.id for sentence, *_ in CASES])
def test_a_value_that_cannot_be_read_is_told_by_its_own_sentence(
    sentence: Sentence, transform: str, raw: Any, args: dict[str, Any]
) -> None:
    with pytest.raises(MappingProblem) as caught:
        convert(FieldRule("deal.name", "Opportunity.Odd__c", transform, args), raw, lambda _path: None)

    assert caught.value.sentence_id == sentence.id
    assert caught.value.message.startswith("Opportunity.Odd__c: ")
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    assert "{" not in caught.value.hint


def test_every_sentence_about_a_value_has_its_case() -> None:
    assert [sentence for sentence, *_ in CASES] == list(all_in(say))
