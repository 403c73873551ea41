"""What a doctor asks of a HubSpot account; nothing is changed by asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from connector.crm.hubspot.api import HubSpotApi
from connector.crm.hubspot.calls import Refused
from connector.crm.hubspot.catalog import Catalog
from connector.crm.hubspot.settings import HubSpotSettings
from connector.crm.hubspot.setup import TYPES
from connector.crm.hubspot.tasks import TASKS
from connector.crm.hubspot.translate import OBJECT_OF_KIND, PATH_OF_OBJECT, names_read
from connector.domain.write_back import BY_NAME, ValueType
from connector.errors import AccessLost, ConnectorError, NotFound
from connector.ports import Check, CheckStatus, FieldInfo
from connector.sentences.hubspot import NO_PROPERTY
from mappings.model import FieldMapping

NOBODY = "0"
"""A record id that no record has: asking for it tells whether we may, and touches nothing."""

NEARLY_SPENT = 80
"""Percent of the day's calls from which the doctor warns."""

_SCOPE_OBJECTS = {"deal": "deals", "company": "companies", "contact": "contacts", "line_item": "line_items"}
_FITS: dict[str, frozenset[str]] = {
    "string": frozenset({"text", "long_text"}),
    "number": frozenset({"number", "money", "text"}),
    "date": frozenset({"date", "datetime", "text"}),
    "datetime": frozenset({"datetime", "date", "text"}),
    "bool": frozenset({"checkbox", "text"}),
    "enumeration": frozenset({"choice", "text", "long_text"}),
}
"""HubSpot type we would make -> our types of existing properties that can show the value as well."""


class AccountCheck:
    """The checks of one HubSpot account."""

    def __init__(self, api: HubSpotApi, catalog: Catalog, settings: HubSpotSettings) -> None:
        self._api = api
        self._catalog = catalog
        self._settings = settings

    def run(self, mapping: FieldMapping) -> list[Check]:
        """All findings; if the token is no good, that alone."""
        try:
            self._catalog.fresh("deal")
        except ConnectorError as error:
            return [Check("hubspot.token", CheckStatus.FAIL, error.message, error.hint)]
        parts = (
            self._scopes(mapping),
            self._tasks(),
            self._properties(mapping),
            self._stages(),
            self._budget(),
            self._webhooks(),
        )
        token = Check("hubspot.token", CheckStatus.OK, "HubSpot accepts the access token.")
        return [token, *(check for part in parts for check in _told(part))]

    def _scopes(self, mapping: FieldMapping) -> Iterator[Check]:
        paths = (*mapping.paths("deal"), *mapping.paths("line_item"))
        read = [name for name in PATH_OF_OBJECT if names_read(paths, name) or name in ("deal", "line_item")]
        written = [OBJECT_OF_KIND[kind] for kind, names in mapping.write_back.items() if names]
        lacking = [_scope(name, "read") for name in read if not _may(self._try_reading, name)]
        lacking += [_scope(name, "write") for name in written if not _may(self._try_writing, name)]
        if lacking:
            hint = "Add them to the private app or service key in HubSpot."
            yield Check("hubspot.scopes", CheckStatus.FAIL, f"The token lacks {', '.join(lacking)}.", hint)
        else:
            yield Check("hubspot.scopes", CheckStatus.OK, "The token may read and write what the mapping names.")

    def _tasks(self) -> Iterator[Check]:
        """Everything else works without tasks, so that a missing scope is a warning."""
        lacking = [] if _may(self._read_tasks, TASKS) else ["crm.objects.contacts.read"]
        lacking += [] if _may(self._write_tasks, TASKS) else ["crm.objects.contacts.write"]
        lacking += [] if _may(self._read_owner, NOBODY) else ["crm.objects.owners.read"]
        if lacking:
            yield Check(
                "hubspot.tasks",
                CheckStatus.WARN,
                f"Owners of late payers get no task: the token lacks {', '.join(lacking)}.",
                "Add them to the private app or service key in HubSpot, if tasks are wanted.",
            )
        else:
            yield Check("hubspot.tasks", CheckStatus.OK, "Tasks can be made for the owners of late payers.")

    def _read_tasks(self, name: str) -> None:
        self._api.records(name, [NOBODY], ["hs_task_subject"])

    def _write_tasks(self, name: str) -> None:
        self._api.update(name, {NOBODY: {"hs_task_subject": ""}})

    def _read_owner(self, owner_id: str) -> None:
        with suppress(NotFound):
            self._api.owner(owner_id)

    def _try_reading(self, name: str) -> None:
        self._api.records(PATH_OF_OBJECT[name], [NOBODY], ["hs_object_id"])

    def _try_writing(self, name: str) -> None:
        writable = next((each.name for each in self._catalog.of(name).fields.values() if each.writable), "")
        self._api.update(PATH_OF_OBJECT[name], {NOBODY: {writable: ""}})

    def _properties(self, mapping: FieldMapping) -> Iterator[Check]:
        missing: list[str] = []
        unfit: list[str] = []
        for kind, names in mapping.write_back.items():
            fields = self._catalog.fresh(kind).fields
            for canonical, name in names.items():
                if name not in fields:
                    missing.append(f"{OBJECT_OF_KIND[kind]}.{name}")
                elif not _fits(canonical, fields[name]):
                    unfit.append(f"{OBJECT_OF_KIND[kind]}.{name}")
        needed = [rule for rule in (*mapping.deal, *mapping.line_item) if rule.required]
        for path in dict.fromkeys(path for rule in needed for path in rule.paths()):
            name, _, wanted = path.partition(".")
            if name in PATH_OF_OBJECT and wanted not in self._catalog.of(name).fields:
                missing.append(path)
        if missing:
            sentence = f"HubSpot lacks {len(missing)} properties that the mapping names: {', '.join(missing)}."
            yield Check("hubspot.properties", CheckStatus.FAIL, sentence, NO_PROPERTY.fix)
        if unfit:
            sentence = f"These properties cannot hold what the mapping writes to them: {', '.join(unfit)}."
            hint = f"{NO_PROPERTY.fix} It adds choices to our own properties; map values away from what is not ours."
            yield Check("hubspot.property_types", CheckStatus.WARN, sentence, hint)
        if not missing and not unfit:
            yield Check("hubspot.properties", CheckStatus.OK, "Every property that the mapping names is there.")

    def _stages(self) -> Iterator[Check]:
        won = self._catalog.won_stages()
        if won:
            yield Check("hubspot.won_stage", CheckStatus.OK, f"{len(won)} pipeline stages mean won.")
        else:
            yield Check(
                "hubspot.won_stage",
                CheckStatus.FAIL,
                "No pipeline stage means won, so no deal will ever be billed.",
                'Give one stage the probability "Won" in HubSpot\'s deal pipeline settings.',
            )

    def _budget(self) -> Iterator[Check]:
        budget = self._api.calls.budget
        if budget is None:
            return  # HubSpot does not tell every kind of token
        percent = 100 * budget.used // budget.allowed if budget.allowed else 100
        sentence = f"{budget.used} of {budget.allowed} API calls of today are used ({percent} %), by all apps together."
        status = CheckStatus.WARN if percent >= NEARLY_SPENT else CheckStatus.OK
        yield Check("hubspot.budget", status, sentence, "" if status is CheckStatus.OK else "Wait, or buy more calls.")

    def _webhooks(self) -> Iterator[Check]:
        if not self._settings.client_secrets:
            sentence = "No webhook secret is set: won deals are found by polling."
            hint = "To hear of them at once, set up an app that pushes, and HUBSPOT_CLIENT_SECRETS."
            yield Check("hubspot.webhooks", CheckStatus.WARN, sentence, hint)
        elif self._settings.allow_legacy_signatures:
            sentence = "Signatures without a time (v1, v2) are accepted: a delivery that someone saw can be sent again."
            hint = "Unset HUBSPOT_ALLOW_LEGACY_SIGNATURES unless a workflow needs it; a repeat changes nothing."
            yield Check("hubspot.webhooks", CheckStatus.WARN, sentence, hint)
        else:
            yield Check("hubspot.webhooks", CheckStatus.OK, "Deliveries are checked by their v3 signature.")


def _may(ask: Callable[[str], None], name: str) -> bool:
    try:
        ask(name)
    except AccessLost:
        return False
    except Refused as refused:
        return not isinstance(refused.error, AccessLost)
    return True


def _told(part: Iterator[Check]) -> Iterator[Check]:
    """A check that could not be made is a finding, too."""
    try:
        yield from part
    except ConnectorError as error:
        yield Check("hubspot.unfinished", CheckStatus.WARN, error.message, error.hint)


def _scope(name: str, verb: str) -> str:
    return f"crm.objects.{_SCOPE_OBJECTS.get(name, PATH_OF_OBJECT[name])}.{verb}"


def _fits(canonical: str, info: FieldInfo) -> bool:
    known = BY_NAME.get(canonical)
    if known is None:
        return info.writable
    kind, _ = TYPES[known.type]
    if not info.writable or info.type not in _FITS[kind]:
        return False
    wanted = {value for value, _ in known.choices} if known.type is ValueType.CHOICE else set()
    return info.type != "choice" or not info.choices or wanted <= set(info.choices)
