"""Choices that an earlier version of ours did not make yet, added to our own picklists and to no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connector.crm.salesforce.connection import Connection
from connector.crm.salesforce.fields import CustomField
from connector.crm.salesforce.schema import Schema
from connector.errors import NotFound
from connector.ports import SetupAction

OUR_PREFIX = "Billing_"


def missing_choices(
    connection: Connection, schema: Schema, fields: Sequence[CustomField], ids: Mapping[str, str]
) -> Iterator[SetupAction]:
    """An action for each picklist of ours that lacks a choice; ``ids`` are those of the fields' definitions.

    A picklist is taken for ours if it has our name and knows no other choice than ours: whatever a customer made, or
    made of it, stays as it is. The sets of values that standard fields have are never touched.
    """
    for field in fields:
        missing = _missing(schema, field)
        if missing:
            yield SetupAction(
                id=f"choices {field.path}",
                sentence=f"{', '.join(str(each['label']) for each in missing)} as a choice of our own {field.path}.",
                done=False,
                apply=_addition(connection, schema, ids[field.path], missing),
            )


def _choices(metadata: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(((metadata.get("valueSet") or {}).get("valueSetDefinition") or {}).get("value") or ())


def _missing(schema: Schema, field: CustomField) -> list[Mapping[str, Any]]:
    wanted = _choices(field.metadata)
    try:
        told = schema.shape(field.object).fields.get(field.name) or {}
    except NotFound:
        return []
    if not wanted or told.get("type") != "picklist" or not field.name.startswith(OUR_PREFIX):
        return []
    present = {str(each["value"]) for each in told.get("picklistValues") or ()}
    ours = present and present < {str(each["fullName"]) for each in wanted}
    return [each for each in wanted if each["fullName"] not in present] if ours else []


def _addition(
    connection: Connection, schema: Schema, definition_id: str, missing: Sequence[Mapping[str, Any]]
) -> Callable[[], None]:
    def add() -> None:
        """The Tooling API takes a definition whole, so what it has now is sent back with the new choices behind."""
        path = f"tooling/sobjects/CustomField/{definition_id}"
        metadata = dict(connection.get(path)["Metadata"])
        values = _choices(metadata)
        # Tooling gives a choice's name as valueName where the Metadata API says fullName; each takes its own back.
        name = "valueName" if values and "valueName" in values[0] else "fullName"
        known = {each.get(name) for each in values}
        new = [
            {name: each["fullName"], "label": each["label"], "default": False}
            for each in missing
            if each["fullName"] not in known
        ]
        value_set = dict(metadata["valueSet"])
        value_set["valueSetDefinition"] = {**value_set["valueSetDefinition"], "value": [*values, *new]}
        connection.patch(path, {"Metadata": {**metadata, "valueSet": value_set}})
        schema.forget()

    return add
