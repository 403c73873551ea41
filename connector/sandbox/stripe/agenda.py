"""What happens by itself as time passes, each thing at its own moment and in order."""

from collections.abc import Callable
from typing import Final

from connector.sandbox.stripe.events import Events
from connector.sandbox.stripe.world import World

# At one and the same second: a contract's changes first, then its end, then its renewal, then money.
RANKS: Final = {
    "schedule_phase": 0,
    "trial_end": 1,
    "cancel": 2,
    "renew": 3,
    "finalize": 4,
    "retry": 5,
    "past_due": 6,
    "expire": 7,
}

HAPPENINGS: dict[str, Callable[[World, str], None]] = {}


def happens(kind: str) -> Callable[[Callable[[World, str], None]], Callable[[World, str], None]]:
    """Register what happens to an object when an entry of this kind falls due.

    The function looks at the object first: it may have changed since the entry was made.
    """

    def register(function: Callable[[World, str], None]) -> Callable[[World, str], None]:
        HAPPENINGS[kind] = function
        return function

    return register


def plan(world: World, at: int, kind: str, ident: str) -> None:
    """Let something happen to an object at a time to come."""
    world.later(at, kind, ident, RANKS.get(kind, 9))


def settle(world: World, events: Events, until: int) -> None:
    """Let everything happen that falls due up to `until`, then let it be `until`."""
    events.request = {"id": None, "idempotency_key": None}
    while (due := world.next_due(until)) is not None:
        world.moment = max(world.moment, due.at)
        HAPPENINGS[due.kind](world, due.ident)
        world.commit()
        events.publish()
    world.moment = max(world.moment, until)
