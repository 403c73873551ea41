"""An account that is billed nothing itself shows the worst of those below it, where groups roll up so."""

from __future__ import annotations

from connector import targets
from connector.domain.health_policy import RollUp
from connector.domain.health_word import Health
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import said_of_worst
from connector.domain.roll_up import worst_of
from connector.domain.write_back import Value
from connector.ports import Services
from connector.sync.rules_in_force import rules_in_force


def show_group(account: RecordRef, services: Services) -> None:
    """Set the word and whose it is. A record that never showed any is left alone while there is none to show.

    It carries no flag: what is renewed is renewed by the accounts below it.
    """
    if account.provider not in services.crms:
        return
    rules = rules_in_force(services)
    with services.store.begin() as work:
        rolls_up = rules.policy.roll_up is RollUp.WORST_CHILD
        word, worst = worst_of(Health.UNKNOWN, work.accounts.below(account) if rolls_up else ())
        state = work.records.get(account)
        shows = state.desired.get("health", Health.UNKNOWN.value) if state is not None else Health.UNKNOWN.value
        if word is Health.UNKNOWN and shows == word.value:
            return
        values: dict[str, Value] = {
            "health": word.value,
            "health_reason": said_of_worst(worst) if worst is not None else "",
            "health_as_of": services.today(),
        }
        if work.records.desire(account, values):
            work.targets.mark_dirty(targets.for_crm(account.provider))
