"""Who owns an account or a deal, and which of an account's deals are open."""

from __future__ import annotations

from connector.crm.salesforce.connection import Connection
from connector.crm.salesforce.ids import id_of, is_record_id, long_id
from connector.crm.salesforce.soql import open_deals_query, owner_query
from connector.crm.salesforce.translate import OBJECTS
from connector.domain.refs import RecordRef
from connector.errors import NotFound
from connector.sentences.salesforce import NO_RECORD

MOST_OPEN = 100
"""Open deals of one account that we look at."""

_USER = "005"
"""The prefix of a user's id. Source: Salesforce, knowledge article 000385203; a queue's is 00G."""


def open_deals(connection: Connection, account: RecordRef) -> list[RecordRef]:
    """The open deals of an account, newest first."""
    if account.kind != "account" or not is_record_id(account.id):
        return []
    rows = connection.query(open_deals_query(long_id(account.id), MOST_OPEN), ref=account)
    return [RecordRef("salesforce", "deal", long_id(str(row["Id"]))) for row in rows]


def owner_of(connection: Connection, record: RecordRef) -> RecordRef | None:
    """The user who owns it, if they are active: a task cannot be given to anybody else.

    Raises:
        NotFound: there is no such record, or we cannot see it.
    """
    rows = connection.query(owner_query(OBJECTS.get(record.kind, ""), id_of(record)), ref=record)
    if not rows:
        raise NotFound.because(NO_RECORD, provider="salesforce", ref=record, details="")
    owner, person = str(rows[0].get("OwnerId") or ""), rows[0].get("Owner") or {}
    if not owner.startswith(_USER) or not person.get("IsActive"):
        return None
    return RecordRef("salesforce", "owner", long_id(owner))
