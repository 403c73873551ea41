"""Save, activate and roll back mapping versions. What is billed already stays as it is unless one asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from connector import targets
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman
from connector.ports import Services, UnitOfWork
from connector.sync.check_mapping import refuse_unfit
from connector.sync.mappings_in_force import History, mapping_at, setting_of
from connector.targets import TargetKind
from mappings.load import as_body
from mappings.model import SHIPPED, FieldMapping
from mappings.sentences import NO_VERSION, NOTHING_BEFORE

_CHUNK = 500
_MOST_HISTORY = 50


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
