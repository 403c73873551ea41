"""One REST call and its answer, apart from Flask, so that a composite request can make calls within itself."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from connector.sandbox.salesforce.access import Actor
from connector.sandbox.salesforce.cursors import Cursors
from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.records import Writer
from connector.sandbox.salesforce.schema import ObjectType
from connector.sandbox.salesforce.usage import Usage

ANY_BODY: frozenset[str] | None = None  #: a body whose keys are fields, checked against the object instead


@dataclass
class Call:
    """What was asked, by whom, and what the answer may need."""

    org: Org
    cursors: Cursors
    usage: Usage
    actor: Actor
    version: str
    method: str
    path: str  #: below /services/data/vXX.X, still percent-encoded
    params: Mapping[str, str]
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  #: the parts of the path that the template names
    row_errors: list[str] = field(default_factory=list)  #: faults waiting for the next written row
    refusals: list[str] = field(default_factory=list)  #: reasons for RequestLog that no HTTP status shows

    def target(self) -> ObjectType:
        """The object named in the path; raises Refused (NOT_FOUND)."""
        found = self.org.schema.find(self.names["object"])
        if found is None or found.api != "data":
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        return found

    def fields(self) -> dict[str, object]:
        """The body as one record's values; raises Refused."""
        if not isinstance(self.body, dict):
            raise Refused("JSON_PARSER_ERROR", "The request body must be one JSON object")
        return {key: value for key, value in self.body.items() if key != "attributes"}

    def writer(self) -> Writer:
        """The hand that writes for this caller."""
        rule = self.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        return Writer(self.org, self.actor, allow_duplicates="allowsave=true" in rule.split(";"))

    def strike_row(self) -> None:
        """Let a waiting row fault hit the row about to be written."""
        if self.row_errors:
            code = self.row_errors.pop(0) or "UNABLE_TO_LOCK_ROW"
            raise Refused(code, _FAULT_WORDS.get(code, "the sandbox was told to refuse this row"), [])

    def address(self, path: str) -> str:
        """A path below this version's root, from the host's root."""
        return f"/services/data/v{self.version}{path}"


@dataclass
class Answer:
    """Status and JSON body; None is an empty body."""

    status: int
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Answer]


class Route:
    """One method on one path, with the parameters and body keys it knows."""

    def __init__(
        self,
        method: str,
        template: str,
        handler: Handler,
        *,
        params: str = "",
        body: str | None = None,
    ) -> None:
        self.method = method
        self.template = template
        self.handler = handler
        self.params = frozenset(params.split())
        self.body = ANY_BODY if body is None else frozenset(body.split())
        named = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
        self._pattern = re.compile(f"{named}/?\\Z")

    @property
    def operation(self) -> str:
        """The route's name in RequestLog and Faults."""
        return f"{self.method} /services/data/v{{version}}{self.template}"

    @property
    def writes(self) -> bool:
        """May change a record."""
        return self.method != "GET"

    def match(self, path: str) -> dict[str, str] | None:
        """The named parts of a path, decoded; None when it is another route's."""
        found = self._pattern.match(path)
        return {key: unquote(value) for key, value in found.groupdict().items()} if found else None

    def check(self, call: Call) -> None:
        """Turn down parameters and body keys that this route does not know; raises Refused."""
        for name in call.params:
            if name not in self.params:
                raise Refused("ILLEGAL_QUERY_PARAMETER_VALUE", f"Unknown query parameter: {name}")
        if self.body is None or call.method == "GET":
            return
        if self.body and not isinstance(call.body, dict):
            raise Refused("JSON_PARSER_ERROR", "The request body must be one JSON object")
        for key in call.body if isinstance(call.body, dict) else ():
            if key not in self.body:
                raise Refused("JSON_PARSER_ERROR", f'Unrecognized field "{key}" at [line:1, column:1]')


_FAULT_WORDS = {
    "UNABLE_TO_LOCK_ROW": "unable to obtain exclusive access to this record",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "a validation rule of this org refused the record",
    "SERVER_UNAVAILABLE": "server unavailable",
}
