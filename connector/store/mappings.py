"""Mapping versions: every mapping an admin ever saved, and which one of each CRM is in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Text, exists, func, select, type_coerce, update

from connector.domain.refs import RecordRef
from connector.ports import MappingVersion
from connector.store.tables import billed_deal, link
from connector.store.tables import mapping_version as stored
from mappings.model import SHIPPED

_COLUMNS = (
    stored.c.crm,
    stored.c.version,
    stored.c.author,
    stored.c.why,
    stored.c.body,
    stored.c.created_at,
    stored.c.active,
)


class PostgresMappings:
    """The table ``mapping_version``: a version is never changed, only superseded."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, crm: str, body: Mapping[str, Any], *, author: str, why: str) -> int:
        """Keep a new version and give its number; it is not in use before ``activate``. Numbers count from 1."""
        self._alone(crm)
        last = select(func.max(stored.c.version)).where(stored.c.crm == crm)
        number = (self._connection.execute(last).scalar_one() or 0) + 1
        self._connection.execute(
            stored.insert().values(crm=crm, version=number, author=author, why=why, body=dict(body))
        )
        return int(number)

    def activate(self, crm: str, version: int) -> None:
        """Use this version from now on; 0 is the one we ship. Raises LookupError when there is no such version."""
        self._alone(crm)
        of_crm = update(stored).where(stored.c.crm == crm)
        self._connection.execute(of_crm.where(stored.c.active).values(active=False))
        if version == SHIPPED:
            return
        chosen = of_crm.where(stored.c.version == version).values(active=True).returning(stored.c.version)
        if self._connection.execute(chosen).first() is None:
            raise LookupError(f"there is no version {version} of the {crm} mapping")

    def active(self, crm: str) -> MappingVersion | None:
        """The version in use; None while it is the one we ship."""
        row = self._connection.execute(select(*_COLUMNS).where(stored.c.crm == crm, stored.c.active)).first()
        return None if row is None else _version(row)

    def active_version(self, crm: str) -> int:
        """The number of the version in use; 0 while it is the one we ship. Asked with every use of a mapping."""
        query = select(stored.c.version).where(stored.c.crm == crm, stored.c.active)
        return int(self._connection.execute(query).scalar_one_or_none() or SHIPPED)

    def get(self, crm: str, version: int) -> MappingVersion | None:
        """One saved version."""
        query = select(*_COLUMNS).where(stored.c.crm == crm, stored.c.version == version)
        row = self._connection.execute(query).first()
        return None if row is None else _version(row)

    def billed_by_others(self, crm: str, version: int, after: RecordRef | None, limit: int) -> list[RecordRef]:
        """Billed deals of a CRM that another version than this one has billed, by name, from after ``after`` on."""
        name = type_coerce(billed_deal.c.deal, Text).collate("C")
        by_this = (link.c.owner == billed_deal.c.deal) & (link.c.mapping_version == version)
        query = (
            select(billed_deal.c.deal)
            .where(name.startswith(f"{crm}:deal:", autoescape=True), ~exists().where(by_this))
            .order_by(name)
            .limit(limit)
        )
        if after is not None:
            query = query.where(name > str(after))
        return list(self._connection.execute(query).scalars())

    def versions(self, crm: str, limit: int = 100) -> list[MappingVersion]:
        """The newest versions of one CRM, newest first."""
        query = select(*_COLUMNS).where(stored.c.crm == crm).order_by(stored.c.version.desc()).limit(limit)
        return [_version(row) for row in self._connection.execute(query)]

    def _alone(self, crm: str) -> None:
        """Two admins who save at once get two numbers, one after the other."""
        self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"mapping:{crm}", 0))))


def _version(row: Any) -> MappingVersion:
    return MappingVersion(*row)
