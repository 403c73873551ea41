"""Every reason is explained where people look for it, with a sentence that is really said."""

from __future__ import annotations

import re
from pathlib import Path

from connector.domain.health_reasons import ReasonCode
from tests.domain.golden_health_cases import CASES

PAGE = Path(__file__).parents[2] / "docs" / "payment-health.md"


def test_the_page_explains_every_reason_code_with_a_golden_sentence() -> None:
    explained = dict(re.findall(r"^\| `(\w+)` \| (.+\.) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert {code.value for code in ReasonCode} <= explained.keys()
    said = {sentence for case in CASES for sentence in case.says}
    assert [code.value for code in ReasonCode if explained[code] not in said] == []
