"""Which function answers which call, and what one call carries."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.world import Obj, World


@dataclass
class Call:
    """One accepted request: its ids from the path and its typed parameters."""

    operation: str
    ids: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    secret_fields: dict[str, str] = field(default_factory=dict)  #: shown in this answer and never again

    @property
    def id(self) -> str:
        """The one id in the path, or the last of several."""
        return list(self.ids.values())[-1]

    @property
    def expand(self) -> list[str]:
        """What the caller wants to see whole."""
        asked = self.params.get("expand")
        return asked if isinstance(asked, list) else []


Answer = Callable[[World, Call], Obj]


@dataclass(frozen=True)
class Handler:
    """The function for an operation and the parameters it understands, beside `expand`."""

    answer: Answer
    knows: frozenset[str]


HANDLERS: dict[str, Handler] = {}


def answers(operation: str, *knows: str) -> Callable[[Answer], Answer]:
    """Register the function for "METHOD /path/{id}"; `knows` lists the parameters it simulates."""

    def register(function: Answer) -> Answer:
        HANDLERS[operation] = Handler(function, frozenset({*knows, "expand"}))
        return function

    return register


def refuse_unsimulated(handler: Handler, call: Call) -> None:
    """A parameter that Stripe knows and we do not simulate must not pass in silence."""
    for name in call.params:
        if name not in handler.knows:
            raise StripeRefusal(f"The sandbox does not simulate the parameter {name} of {call.operation}.", param=name)


def copied(params: dict[str, Any], *names: str) -> Obj:
    """The named parameters that were given; an empty string means null, as it does at Stripe."""
    return {name: (params[name] if params[name] != "" else None) for name in names if name in params}
