"""What a plan remembers of its payer's record, as JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from connector.domain.health_word import Health
from connector.domain.refs import RecordRef
from connector.domain.terms_advice import PlanTerms


def to_json(terms: PlanTerms) -> dict[str, Any]:
    """As the column ``deal_plan.terms`` holds it."""
    return {**asdict(terms), "account": str(terms.account), "health": terms.health.value}


def from_json(stored: Mapping[str, Any]) -> PlanTerms:
    """What ``to_json`` wrote."""
    return PlanTerms(**{**stored, "account": RecordRef.parse(stored["account"]), "health": Health(stored["health"])})
