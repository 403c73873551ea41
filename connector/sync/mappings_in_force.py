"""Which mapping each CRM's records are read by right now: the active version, asked of the store with every use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from connector.errors import NeedsHuman
from connector.ports import MappingVersion, Services, Store
from mappings.load import BrokenMapping, default_mapping, from_body
from mappings.model import FieldMapping
from mappings.sentences import BROKEN_VERSION, NO_VERSION

SHIPPED = 0
"""The version of the mapping that comes with the connector."""

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
