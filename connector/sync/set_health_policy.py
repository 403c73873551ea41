"""The company's own policy of payment health: read whole or refused, kept with who set it, in force at once."""

from __future__ import annotations

from connector import targets
from connector.domain.health_policy import HealthPolicy
from connector.ports import Services
from connector.sync.rules_in_force import POLICY, policy_in_force
from connector.targets import TargetKind


def set_health_policy(document: object, services: Services, *, by: str, why: str = "") -> int:
    """Put a policy in force and have every account looked at by it; gives how many customers that are.

    Raises:
        Misconfigured: the document is no policy; nothing has changed.
    """
    policy = HealthPolicy.parse(document)
    with services.store.begin() as work:
        work.settings.put(POLICY, policy.document(), by=by, why=why)
        customers = work.book.forget_assessments()
        holdings = (targets.for_record(TargetKind.RENEWAL, ref) for ref in work.accounts.unbilled_parents())
        work.targets.mark_all(holdings)
        work.targets.mark_all(targets.for_everybody())
    return customers


def health_policy(services: Services) -> HealthPolicy:
    """The policy in force.

    Raises:
        Misconfigured: what is kept cannot be a policy.
    """
    with services.store.begin() as work:
        return policy_in_force(work, services)
