"""Work that waits for a person says so on the CRM record it is about: nobody who uses the CRM looks anywhere else."""

from __future__ import annotations

from connector import targets
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.ports import Services, UnitOfWork
from connector.targets import Target, TargetKind


def tell_trouble(target: Target, sentence: str, work: UnitOfWork, services: Services) -> None:
    """Set what the records behind a Target that is being parked should show; the next good run clears it.

    A deal speaks for itself, a billing customer through the accounts that are billed as it. Other kinds of work have
    no record of their own.
    """
    values: dict[str, Value] = {"sync_status": "needs_attention", "sync_message": sentence}
    refs = [ref for ref in _records_of(target, work) if ref.provider in services.crms]
    changed = {ref.provider for ref in sorted(refs) if work.records.desire(ref, values)}
    work.targets.mark_all(targets.for_crm(crm) for crm in changed)


def _records_of(target: Target, work: UnitOfWork) -> list[RecordRef]:
    try:
        ref = RecordRef.parse(target.ref)
    except ValueError:
        return []  # whatever it is, it names no record
    match target.kind:
        case TargetKind.DEAL:
            return [ref]
        case TargetKind.ACCOUNT:
            return [key.owner for key in work.links.owners(ref) if key.role == CUSTOMER]
        case _:
            return []
