"""A real Salesforce org as it describes itself: with person accounts, and the custom fields that old orgs have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connector.crm.salesforce.schema import ObjectShape
from connector.crm.salesforce.translate import field_catalog
from connector.ports import FieldInfo

FIXTURES = Path(__file__).parents[1] / "fixtures" / "salesforce"


def described(name: str, more: tuple[Mapping[str, Any], ...] = ()) -> Mapping[str, FieldInfo]:
    """An object of the recorded org, with more fields as describe would show them."""
    answer = json.loads((FIXTURES / f"describe__{name.lower()}.json").read_text())
    answer["fields"] = [*answer["fields"], *more]
    return field_catalog(ObjectShape.read(answer)).fields


def field(name: str, kind: str, **more: Any) -> Mapping[str, Any]:
    """One field as describe shows it."""
    return {"name": name, "label": name, "type": kind, "updateable": True, "nillable": True, "length": 0, **more}


PERSON_ACCOUNT = (
    field("IsPersonAccount", "boolean", updateable=False, nillable=False),
    field("FirstName", "string", length=40),
    field("LastName", "string", length=80),
    field("PersonContactId", "reference", referenceTo=["Contact"], relationshipName="PersonContact", updateable=False),
    field("PersonEmail", "email", length=80),
    field("PersonMailingStreet", "textarea", length=255),
    field("PersonMailingCity", "string", length=40),
    field("PersonBirthdate", "date"),
    field("VIP__pc", "boolean"),
)
"""What describe adds to Account where person accounts are switched on. Source: Salesforce, "Person Account Fields"."""

CUSTOM = tuple(
    field(f"Custom_{number}__c", kind, length=255, scale=2, precision=18)
    for number in range(400)
    for kind in (("string", "double", "currency", "boolean")[number % 4],)
)


def real_org() -> dict[str, Mapping[str, FieldInfo]]:
    """Account and Opportunity as they were recorded, person accounts, and four hundred custom fields on each."""
    return {
        "Account": described("Account", (*PERSON_ACCOUNT, *CUSTOM)),
        "Opportunity": described("Opportunity", CUSTOM),
    }
