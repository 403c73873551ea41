"""One request on its way through: what was asked, by whom, and what is answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.documents.hubspot import Operation
from connector.sandbox.hubspot.kinds import Kind, kind_named
from connector.sandbox.hubspot.portal import Portal
from connector.sandbox.hubspot.records import Source
from connector.sandbox.hubspot.refusals import Refusal, invalid

APP_ID = 8304417


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: Any = None


@dataclass(frozen=True)
class Caller:
    """Whose token it is; `scopes` None means every scope."""

    token: str
    scopes: frozenset[str] | None


@dataclass(frozen=True)
class Call:
    """A request that was matched to an operation of the document."""

    portal: Portal
    caller: Caller
    operation: Operation
    path: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: Any
    row_error: str | None = None  #: a fault wants this error on one row: "CATEGORY" or "CATEGORY@record id"
    source: Source = field(default_factory=lambda: Source("INTEGRATION", str(APP_ID)))

    @property
    def kind(self) -> Kind:
        """The object type in the path. Raises Refusal (400) for an unknown one."""
        return kind_named(self.path["objectType"])

    def text(self, name: str) -> str | None:
        """A query parameter."""
        values = self.query.get(name)
        return values[0] if values else None

    def flag(self, name: str) -> bool:
        """A true or false query parameter; absent is false."""
        return (self.text(name) or "").lower() == "true"

    def names(self, name: str) -> list[str]:
        """A list parameter, repeated or joined by commas."""
        return [one for value in self.query.get(name, ()) for one in value.split(",") if one]

    def limit(self, default: int, most: int) -> int:
        """The page size asked for. Raises Refusal (400) outside 1..most."""
        limit = int(self.text("limit") or default)
        if not 1 <= limit <= most:
            raise invalid(f"limit must be between 1 and {most}, not {limit}")
        return limit


Handler = Callable[[Call], Answer]

_OBJECTS = "/crm/v3/objects/"


def route_of(operation: Operation, params: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """`METHOD /template` with every object type spelled {objectType}, and the parameters that go with it.

    The SDK has a path for each standard object beside the generic one; they mean the same.
    """
    if not operation.path.startswith(_OBJECTS):
        return operation.name, dict(params)
    head, _, rest = operation.path.removeprefix(_OBJECTS).partition("/")
    named = dict(params)
    if not head.startswith("{"):
        named["objectType"] = head
    if rest.startswith("{"):
        named["objectId"] = params[rest.strip("{}")]
        rest = "{objectId}"
    return f"{operation.method} {_OBJECTS}{{objectType}}{'/' if rest else ''}{rest}", named


def page(rows: Sequence[Any], start: int, limit: int) -> tuple[list[Any], dict[str, Any] | None]:
    """One page of rows from an offset, and the `paging` that leads to the next one."""
    shown = list(rows[start : start + limit])
    after = start + limit
    return shown, {"next": {"after": str(after)}} if after < len(rows) else None


def offset(after: str | None) -> int:
    """The number behind an `after` that we gave out, 0 for none. Raises Refusal (400) for any other text."""
    if after is None or after == "":
        return 0
    if not (after.isascii() and after.isdecimal()):
        raise invalid(f"The paging cursor {after} is not one we gave out")
    return int(after)


def not_simulated(call: Call) -> Refusal:
    """501: a call that HubSpot has and this sandbox has not."""
    return Refusal(501, "NOT_IMPLEMENTED", f"The sandbox does not simulate {call.operation.name}")
