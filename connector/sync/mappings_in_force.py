"""Which mapping each CRM's records are read by right now: the active version, asked of the store with every use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector.errors import NeedsHuman
from connector.ports import MappingVersion, Services, Store
from mappings.load import BrokenMapping, default_mapping, from_body
from mappings.model import SHIPPED, FieldMapping
from mappings.sentences import BROKEN_VERSION, NO_VERSION

_KEPT_PER_CRM = 8


class MappingsInForce(Mapping[str, FieldMapping]):
    """CRM name -> its active mapping. What an admin activates is in force in every process with its next use.

    Each look is one small query; a version is parsed once. Do not look while a transaction of one's own is open: it
    would take a second connection.
    """

    def __init__(self, store: Store, crms: Iterable[str]) -> None:
        self._store = store
        self._shipped = {crm: default_mapping(crm) for crm in crms}
        self._parsed: dict[tuple[str, int], FieldMapping] = {}

    def __getitem__(self, crm: str) -> FieldMapping:
        """The mapping in force.

        Raises:
            KeyError: that CRM is not connected. NeedsHuman: the active version cannot be used by this release.
            Unreachable: the store is.
        """
        shipped = self._shipped[crm]
        with self._store.begin() as work:
            version = work.mappings.active_version(crm)
            if version == SHIPPED:
                return shipped
            known = self._parsed.get((crm, version))
            if known is not None:
                return known
            stored = work.mappings.get(crm, version)
        mapping = parsed(stored, crm, version)
        if len(self._parsed) >= _KEPT_PER_CRM * len(self._shipped):
            self._parsed.clear()
        self._parsed[crm, version] = mapping
        return mapping

    def __contains__(self, crm: object) -> bool:
        """Whether that CRM is connected. Asks no mapping: one that is broken must not keep anybody from leaving it."""
        return crm in self._shipped

    def __iter__(self) -> Iterator[str]:
        return iter(self._shipped)

    def __len__(self) -> int:
        return len(self._shipped)


def mapping_at(crm: str, version: int, services: Services) -> FieldMapping:
    """A version of a CRM's mapping, in force or not; 0 is the one we ship.

    Raises:
        NeedsHuman: there is no such version, or this release cannot use it.
    """
    if version == SHIPPED:
        return default_mapping(crm)
    with services.store.begin() as work:
        stored = work.mappings.get(crm, version)
    return parsed(stored, crm, version)


def as_billed(crm: str, version: int, services: Services) -> Services:
    """Services in which a CRM's mapping is the version that billed a deal, so that a new one changes nothing by
    itself; or the one in force, once somebody has asked to re-apply it.

    Raises:
        NeedsHuman: this release cannot use the version.
    """
    current = services.mappings[crm]
    if version != current.version:
        with services.store.begin() as work:
            asked = History.read(work.settings.get(setting_of(crm))).reapplied == current.version
            kept = version == SHIPPED or work.mappings.get(crm, version) is not None
        if kept and not asked:
            current = mapping_at(crm, version, services)
    return replace(services, mappings={crm: current})


@dataclass(frozen=True, slots=True)
class History:
    """Which versions were in force before, oldest first, and which one was last asked to be re-applied."""

    before: tuple[int, ...] = ()
    reapplied: int | None = None

    @classmethod
    def read(cls, stored: Any) -> History:
        """From the setting's plain value; nobody may ever have set it."""
        return cls(tuple(stored["before"]), stored["reapplied"]) if stored else cls()

    def plain(self) -> dict[str, Any]:
        """As a setting holds it."""
        return {"before": list(self.before), "reapplied": self.reapplied}


def setting_of(crm: str) -> str:
    """The name of the setting that keeps a CRM's History."""
    return f"mapping.{crm}"


def parsed(stored: MappingVersion | None, crm: str, version: int) -> FieldMapping:
    """A stored version as a FieldMapping that carries its number.

    Raises:
        NeedsHuman: there is none, or this release cannot use it.
    """
    if stored is None:
        raise NeedsHuman.because(NO_VERSION, crm=crm, version=version)
    try:
        return from_body({**stored.body, "crm": crm, "version": version})
    except BrokenMapping as error:
        raise NeedsHuman.because(BROKEN_VERSION, crm=crm, version=version, problem=str(error)) from error


def pinned(crm: str, services: Services) -> Services:
    """Services with one CRM's mapping as it is now, for good: for work on its records that reads by it more than once.

    Else a mapping that is activated in between would read fields that were never fetched.
    """
    return replace(services, mappings={crm: services.mappings[crm]})
