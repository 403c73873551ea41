"""By which rules accounts are judged now: the company's own policy, its book, and where renewal dates are read."""

from __future__ import annotations

from connector.domain.account_picture import Rules
from connector.domain.health_policy import HealthPolicy
from connector.errors import NeedsHuman
from connector.ports import Services, UnitOfWork

POLICY = "health_policy"
"""The admin setting that holds the policy."""


def policy_in_force(work: UnitOfWork, services: Services) -> HealthPolicy:
    """The policy that an admin has set, else the one of the settings.

    Raises:
        Misconfigured: what is kept cannot be a policy: a newer version of the connector may have written it.
    """
    kept = work.settings.get(POLICY)
    return services.health_policy if kept is None else HealthPolicy.parse(kept)


def rules_in_force(services: Services) -> Rules:
    """Everything beside the facts that decides what accounts show. Not to be asked within a transaction of one's own.

    A CRM whose mapping cannot be used, or is not at hand, goes by the default order of renewal dates.

    Raises:
        Misconfigured: see ``policy_in_force``.
    """
    with services.store.begin() as work:
        policy, portfolio = policy_in_force(work, services), work.portfolios.in_use(services.today())
    return Rules(policy, portfolio, _renewal_from(services), services.terms_policy)


def _renewal_from(services: Services) -> dict[str, tuple[str, ...]]:
    ranks = {}
    for crm in services.crms:
        if crm not in services.mappings:  # the work in hand is pinned to the mapping of another CRM
            continue
        try:
            ranks[crm] = services.mappings[crm].renewal_from
        except NeedsHuman:  # what is wrong with it is told wherever it is needed
            continue
    return ranks
