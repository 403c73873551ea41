"""Check, save, activate and roll back mapping versions. What is billed already stays as it is unless one asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from connector import targets
from connector.domain.refs import RecordRef
from connector.domain.write_back import FIELDS, CanonicalField, ValueType
from connector.errors import NeedsHuman, NotFound, Unsupported
from connector.ports import Crm, FieldInfo, Services, UnitOfWork
from connector.sync.mappings_in_force import History, mapping_at, setting_of
from connector.targets import TargetKind
from mappings.check import Finding, Written, check
from mappings.load import as_body, default_mapping, default_names
from mappings.model import SHIPPED, FieldMapping, object_and_label, steps
from mappings.sentences import CHECK_FAILED, NO_VERSION, NOTHING_BEFORE, PRICE_GONE

_CHUNK = 500
_MOST_HISTORY = 50
_MOST_TOLD = 10
_MOST_OBJECTS = 40
_URL_LENGTH, _ID_LENGTH = 255, 40


@dataclass(frozen=True, slots=True)
class VersionStory:
    """One version of a mapping: who saved it, when and why, and whether it is in use."""

    version: int
    author: str
    why: str
    created_at: datetime | None
    active: bool


@dataclass(frozen=True, slots=True)
class Signed:
    """Who changes a mapping, why and when."""

    by: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Activation:
    """What an activation changed: the version in force now, the one before, and how many billed deals look again."""

    crm: str
    version: int
    before: int
    reapplied: int = 0


def check_mapping(mapping: FieldMapping, services: Services) -> list[Finding]:
    """Everything in a mapping that cannot work with the CRM and the billing that are connected.

    Raises:
        RetryLater, NeedsHuman: the CRM or billing cannot be asked.
    """
    found = check(mapping, _catalog(mapping, services.crms[mapping.crm]), WRITTEN, _optional(mapping.crm))
    ids = sorted(set(mapping.prices.products.values()))
    sold = services.billing.prices(ids, []).by_id if ids else {}
    gone = [(code, price) for code, price in mapping.prices.products.items() if price not in sold]
    return [
        *found,
        *(Finding.because(PRICE_GONE, f"prices.products.{code}", code=code, price=price) for code, price in gone),
    ]


def save_mapping(mapping: FieldMapping, services: Services, *, author: str, why: str) -> int:
    """Keep a new version and give its number. It reads nothing before it is activated."""
    with services.store.begin() as work:
        version = work.mappings.save(mapping.crm, as_body(mapping), author=author, why=why)
        detail = {"version": version, "by": author, "why": why}
        work.audit.record("mapping saved", mapping.crm, detail, services.clock())
    return version


def activate_mapping(
    crm: str,
    version: int,
    services: Services,
    *,
    author: str,
    why: str,
    reapply: bool = False,
    unchecked: bool = False,
) -> Activation:
    """Use a version from now on; 0 is the one we ship.

    What is billed already is left alone. With ``reapply`` each deal that another version has billed is looked at
    again, and what would change is proposed for approval; nothing changes in silence even then. ``unchecked`` spares
    the check against the CRM.

    Raises:
        NeedsHuman: there is no such version, this release cannot use it, or it does not fit the CRM.
    """
    mapping = mapping_at(crm, version, services)
    if not unchecked:
        refuse_unfit(mapping, services)
    with services.store.begin() as work:
        before = work.mappings.active_version(crm)
        history = History.read(work.settings.get(setting_of(crm)))
        if before != version:
            history = replace(history, before=(*history.before, before)[-_MOST_HISTORY:])
        if reapply:
            history = replace(history, reapplied=version)
        _put_in_force(work, crm, version, history, Signed(author, why, services.clock()))
    marked = _look_again(crm, version, services) if reapply else 0
    return Activation(crm, version, before, marked)


def roll_back_mapping(crm: str, services: Services, *, author: str, why: str) -> Activation:
    """Use the version again that was in force before this one; twice goes back two.

    It was in force before and is not checked again, so that going back works when the CRM is what is wrong.

    Raises:
        NeedsHuman: nothing was in force before, or this release cannot use it.
    """
    with services.store.begin() as work:
        before = work.mappings.active_version(crm)
        history = History.read(work.settings.get(setting_of(crm)))
    if not history.before:
        raise NeedsHuman.because(NOTHING_BEFORE, crm=crm)
    version = history.before[-1]
    mapping_at(crm, version, services)
    with services.store.begin() as work:
        shorter = replace(history, before=history.before[:-1])
        _put_in_force(work, crm, version, shorter, Signed(author, why, services.clock()))
    return Activation(crm, version, before)


def mapping_versions(crm: str, services: Services) -> list[VersionStory]:
    """The newest versions, newest first; last the one we ship."""
    with services.store.begin() as work:
        saved = work.mappings.versions(crm)
        active = work.mappings.active_version(crm)
    shipped = VersionStory(SHIPPED, "connector", "the mapping we ship", None, active == SHIPPED)
    return [*(VersionStory(v.version, v.author, v.why, v.created_at, v.active) for v in saved), shipped]


def _put_in_force(work: UnitOfWork, crm: str, version: int, history: History, signed: Signed) -> None:
    before = work.mappings.active_version(crm)
    try:
        work.mappings.activate(crm, version)
    except LookupError as error:
        raise NeedsHuman.because(NO_VERSION, crm=crm, version=version) from error
    work.settings.put(setting_of(crm), history.plain(), by=signed.by, why=signed.why)
    detail = {"version": version, "before": before, "by": signed.by, "why": signed.why}
    work.audit.record("mapping activated", crm, detail, signed.at)


def refuse_unfit(mapping: FieldMapping, services: Services) -> None:
    """Raise NeedsHuman, with its mistakes, when a mapping does not fit the CRM or the billing that are connected."""
    serious = [finding for finding in check_mapping(mapping, services) if finding.serious]
    if serious:
        told = [finding.sentence for finding in serious[:_MOST_TOLD]]
        more = [f"And {len(serious) - _MOST_TOLD} more."] if len(serious) > _MOST_TOLD else []
        raise NeedsHuman.because(CHECK_FAILED, problem=" ".join([*told, *more]))


def _look_again(crm: str, version: int, services: Services) -> int:
    """Mark every deal that another version has billed, in pieces, so that no transaction grows long."""
    marked, last = 0, None
    while True:
        with services.store.begin() as work:
            deals = work.mappings.billed_by_others(crm, version, last, _CHUNK)
            for deal in deals:
                _forget_how_it_looked(deal, work)
            work.targets.mark_all([targets.for_record(TargetKind.DEAL, deal) for deal in deals])
        marked += len(deals)
        if len(deals) < _CHUNK:
            return marked
        last = deals[-1]


def _forget_how_it_looked(deal: RecordRef, work: UnitOfWork) -> None:
    """Else a deal that reads the same would not be planned again, and new prices alone would never be proposed."""
    kept = work.plans.latest(deal)
    if kept is not None:
        work.plans.seen(deal, kept.round, "")


def _optional(crm: str) -> set[str]:
    """Paths and targets of the mappings we ship: a CRM may lack them, and they are left out then."""
    found: set[str] = set()
    for name in default_names(crm):
        shipped = default_mapping(name)
        needed = {path for rule in (*shipped.deal, *shipped.line_item) if rule.required for path in rule.paths()}
        found |= {*shipped.paths("deal"), *shipped.paths("line_item")} - needed
        for kind, to in shipped.write_back.items():
            found |= {f"{shipped.objects[kind]}.{field}" for field in to.values()}
    return found


# --- What the CRM has -----------------------------------------------------------------------------------------------


def _catalog(mapping: FieldMapping, crm: Crm) -> dict[str, Mapping[str, FieldInfo]]:
    """Every object that the mapping's paths begin with or go through, as far as the CRM describes it."""
    catalog: dict[str, Mapping[str, FieldInfo]] = {}
    kinds = {called: kind for kind, called in mapping.objects.items()}
    for path in (*mapping.paths("deal"), *mapping.paths("line_item")):
        head, *relations, _ = steps(path)
        here = [object_and_label(head)[0]]
        for relation in relations:
            here = [target for name in here for target in _led_to(name, relation, kinds, crm, catalog)]
        for name in here:
            _describe(name, kinds, crm, catalog)
    for kind in mapping.write_back:
        _describe(mapping.objects.get(kind, ""), kinds, crm, catalog)
    return {name: fields for name, fields in catalog.items() if fields}


def _led_to(
    name: str, relation: str, kinds: Mapping[str, str], crm: Crm, catalog: dict[str, Mapping[str, FieldInfo]]
) -> list[str]:
    fields = _describe(name, kinds, crm, catalog)
    return [target for field in fields.values() if field.relation == relation for target in field.references[:5]]


def _describe(
    name: str, kinds: Mapping[str, str], crm: Crm, catalog: dict[str, Mapping[str, FieldInfo]]
) -> Mapping[str, FieldInfo]:
    """One object's fields, asked for once; none for one that the CRM does not know or does not show."""
    if name not in catalog and name and len(catalog) < _MOST_OBJECTS:
        try:
            catalog[name] = crm.describe(kinds.get(name, name)).fields
        except (Unsupported, NotFound):
            catalog[name] = {}
    return catalog.get(name, {})


def _written(field: CanonicalField) -> Written:
    characters = {ValueType.TEXT: _ID_LENGTH, ValueType.URL: _URL_LENGTH, ValueType.LONG_TEXT: _URL_LENGTH}
    decimals = {ValueType.MONEY: 2, ValueType.PERCENT: 1}
    return Written(
        type=field.type.value,
        kinds=field.on,
        choices=tuple(value for value, _ in field.choices),
        decimals=decimals.get(field.type, 0),
        characters=characters.get(field.type, 0),
    )


WRITTEN: Mapping[str, Written] = {field.name: _written(field) for field in FIELDS}
"""What the connector can show on a record, as a check must know it."""
