"""What a doctor would ask a Salesforce org; every finding has a hint, none is an exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.crm.salesforce.connection import Connection
from connector.crm.salesforce.ids import long_id
from connector.crm.salesforce.schema import Schema
from connector.crm.salesforce.settings import SalesforceSettings
from connector.crm.salesforce.translate import OBJECTS, TYPES
from connector.domain.write_back import BY_NAME, ValueType
from connector.errors import ConnectorError, NotFound
from connector.ports import Check, CheckStatus
from mappings.model import FieldMapping

WARN_USED = 80  #: percent of the daily API calls
SHORTEST_TOKEN = 24

_NUMBERS = frozenset({"number", "money", "percent"})
_HOLDS: Mapping[ValueType, frozenset[str]] = {
    ValueType.TEXT: frozenset({"choice"}),
    ValueType.LONG_TEXT: frozenset(),
    ValueType.URL: frozenset(),
    ValueType.CHOICE: frozenset({"choice"}),
    ValueType.MONEY: _NUMBERS,
    ValueType.NUMBER: _NUMBERS,
    ValueType.PERCENT: _NUMBERS,
    ValueType.DATE: frozenset({"date", "datetime"}),
    ValueType.DATETIME: frozenset({"date", "datetime"}),
    ValueType.CHECKBOX: frozenset({"checkbox"}),
}

_TASK_FIELDS = ("WhatId", "OwnerId", "Subject", "Description", "ActivityDate", "Status", "Priority")

_OK, _WARN, _FAIL = CheckStatus.OK, CheckStatus.WARN, CheckStatus.FAIL
_SETUP = "Run `connector setup salesforce`."


def run_checks(
    settings: SalesforceSettings, connection: Connection, schema: Schema, mapping: FieldMapping
) -> list[Check]:
    """Stops early when we cannot sign in: nothing else can be asked then."""
    webhooks = [_webhooks(settings), *_token(settings)]
    try:
        connection.tokens.get()
        organization = _organization(settings, connection)
        fields = [_read_fields(settings, schema, mapping), *_written_fields(schema, mapping), _tasks(schema)]
    except ConnectorError as error:
        return [Check("salesforce.credentials", _FAIL, error.message, error.hint), *webhooks]
    signed_in = Check("salesforce.credentials", _OK, "Salesforce lets us in.")
    return [signed_in, *organization, *fields, _currency(settings, schema), _allowance(connection), *webhooks]


def _organization(settings: SalesforceSettings, connection: Connection) -> list[Check]:
    rows = connection.query("SELECT Id, OrganizationType, IsSandbox FROM Organization LIMIT 1")
    if not rows:
        return [Check("salesforce.organization", _WARN, "The org does not tell us about itself.")]
    org_id, kind = long_id(str(rows[0]["Id"])), "a sandbox" if rows[0]["IsSandbox"] else "a production org"
    if settings.organization_ids and org_id not in settings.organization_ids:
        return [
            Check(
                "salesforce.organization",
                _FAIL,
                f"We are signed in to org {org_id}, which is not among those whose webhooks we accept.",
                "Add it to SALESFORCE_ORGANIZATION_IDS, or sign in to the other org.",
            )
        ]
    sentence = f"Signed in to {org_id}, {kind} ({rows[0]['OrganizationType']})."
    return [Check("salesforce.organization", _OK, sentence)]


def _read_fields(settings: SalesforceSettings, schema: Schema, mapping: FieldMapping) -> Check:
    paths = dict.fromkeys((*mapping.paths("deal"), *mapping.paths("line_item")))
    missing = [path for path in paths if not _readable(path, settings, schema)]
    if missing:
        return Check(
            "salesforce.fields.read",
            _WARN,
            f"The mapping reads {len(missing)} fields that we do not see: {', '.join(missing[:8])}.",
            f"{_SETUP} Fields of a feature that the org does not use may stay missing.",
        )
    return Check("salesforce.fields.read", _OK, f"All {len(paths)} fields that the mapping reads are there.")


def _readable(path: str, settings: SalesforceSettings, schema: Schema) -> bool:
    if path == "Opportunity.CurrencyIsoCode" and settings.currency:
        return True
    return schema.has_path(f"Opportunity.{path}" if path.startswith("Account.") else path)


def _written_fields(schema: Schema, mapping: FieldMapping) -> list[Check]:
    checks = []
    for kind, names in mapping.write_back.items():
        check_id = f"salesforce.fields.write.{kind}"
        try:
            fields = schema.shape(OBJECTS[kind]).fields if kind in OBJECTS else {}
        except NotFound as error:
            checks.append(Check(check_id, _FAIL, error.message, error.hint))
            continue
        missing = [name for name in names.values() if not fields.get(name, {}).get("updateable")]
        unfit = [name for canonical, name in names.items() if name in fields and not _fits(canonical, fields[name])]
        if missing:
            sentence = f"{len(missing)} fields on the {kind} are missing or read-only: {', '.join(missing[:8])}."
            checks.append(Check(check_id, _FAIL, sentence, f"{_SETUP} Until then nothing is written back."))
        elif unfit:
            sentence = f"{len(unfit)} fields on the {kind} cannot hold what we write: {', '.join(unfit[:8])}."
            checks.append(Check(check_id, _FAIL, sentence, "Map the values to other fields, or change the types."))
        else:
            checks.append(Check(check_id, _OK, f"All {len(names)} fields on the {kind} can be written."))
    return checks


def _fits(canonical: str, told: Mapping[str, Any]) -> bool:
    """Whether a field's type can hold a canonical value; text holds anything."""
    known = BY_NAME.get(canonical)
    return known is None or TYPES.get(str(told["type"]), "other") in {"text", "long_text"} | _HOLDS[known.type]


def _tasks(schema: Schema) -> Check:
    """Everything else works without tasks, so that a missing permission is a warning."""
    try:
        fields = schema.shape("Task").fields
    except NotFound:
        fields = {}
    needed = [(name, "createable") for name in _TASK_FIELDS] + [
        (name, "updateable") for name in ("Status", "Description")
    ]
    if all(fields.get(name, {}).get(right) for name, right in needed):
        return Check("salesforce.tasks", _OK, "Tasks can be made for the owners of late payers.")
    return Check(
        "salesforce.tasks",
        _WARN,
        "The integration user may not make or close tasks: owners are told of late payers by fields alone.",
        "Give it the permissions Access Activities and Edit Tasks, as the permission set Billing_Connector_Tasks does.",
    )


def _currency(settings: SalesforceSettings, schema: Schema) -> Check:
    if "CurrencyIsoCode" in schema.shape("Opportunity").fields:
        return Check("salesforce.currency", _OK, "The org uses several currencies; each deal names its own.")
    if settings.currency:
        return Check("salesforce.currency", _OK, f"The org uses one currency, {settings.currency}.")
    return Check(
        "salesforce.currency",
        _FAIL,
        "The org uses one currency, and nobody told us which.",
        "Set SALESFORCE_CURRENCY, for example to USD: Setup > Company Information names it.",
    )


def _allowance(connection: Connection) -> Check:
    usage = connection.transport.usage
    if usage is None or usage[1] == 0:
        return Check("salesforce.allowance", _WARN, "Salesforce did not say how many API calls are left.")
    used, allowed = usage
    share = used * 100 // allowed
    sentence = f"{used:,} of {allowed:,} API calls of the last 24 hours are used ({share} %)."
    if share >= WARN_USED:
        return Check("salesforce.allowance", _WARN, sentence, "Find who else calls the API, or buy more calls.")
    return Check("salesforce.allowance", _OK, sentence)


def _webhooks(settings: SalesforceSettings) -> Check:
    if not settings.webhook_token.get_secret_value() and not settings.webhook_secrets:
        return Check(
            "salesforce.webhooks",
            _WARN,
            "No webhook is configured: won deals are found by polling alone, minutes later.",
            "Set SALESFORCE_WEBHOOK_TOKEN (outbound message) or SALESFORCE_WEBHOOK_SECRETS (signed callout).",
        )
    if settings.webhook_token.get_secret_value() and not settings.organization_ids:
        return Check(
            "salesforce.webhooks",
            _WARN,
            "Outbound messages of any org are accepted if they know the token.",
            "Set SALESFORCE_ORGANIZATION_IDS.",
        )
    return Check("salesforce.webhooks", _OK, "Webhooks are configured.")


def _token(settings: SalesforceSettings) -> list[Check]:
    token = settings.webhook_token.get_secret_value()
    if not token or len(token) >= SHORTEST_TOKEN:
        return []
    return [
        Check(
            "salesforce.webhook_token",
            _WARN,
            f"The webhook token has fewer than {SHORTEST_TOKEN} characters.",
            "Make a long random one; it is all that guards the outbound message's address.",
        )
    ]
