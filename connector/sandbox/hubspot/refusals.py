"""How HubSpot says no: one exception, the bodies it becomes, and the few wordings that recur."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PORTAL_ID = 48211907

VALIDATION_ERROR = "VALIDATION_ERROR"
OBJECT_NOT_FOUND = "OBJECT_NOT_FOUND"


@dataclass(frozen=True)
class Detail:
    """One entry of an error's `errors` list."""

    message: str
    code: str = ""
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The entry as HubSpot writes it: absent rather than empty."""
        shown: dict[str, Any] = {"message": self.message}
        if self.code:
            shown["code"] = self.code
        if self.context:
            shown["context"] = {key: list(values) for key, values in self.context.items()}
        return shown


class Refusal(Exception):
    """A request, or one row of a batch, that HubSpot turns down."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        details: Sequence[Detail] = (),
        context: Mapping[str, Sequence[str]] | None = None,
        links: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.details = tuple(details)
        self.context = {key: list(values) for key, values in (context or {}).items()}
        self.links = dict(links or {})

    def body(self) -> dict[str, Any]:
        """The body of a refused request."""
        shown: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": str(uuid.uuid4()),
            "category": self.category,
        }
        if self.context:
            shown["context"] = self.context
        if self.details:
            shown["errors"] = [detail.body() for detail in self.details]
        if self.links:
            shown["links"] = self.links
        return shown

    def row(self, trace: str | None = None) -> dict[str, Any]:
        """The entry of a 207's `errors`: the SDK insists on every key being there."""
        context = dict(self.context)
        if trace:
            context["objectWriteTraceId"] = [trace]
        return {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "context": context,
            "errors": [detail.body() for detail in self.details],
            "links": self.links,
        }


def invalid(message: str, *details: Detail, context: Mapping[str, Sequence[str]] | None = None) -> Refusal:
    """400 VALIDATION_ERROR."""
    return Refusal(400, VALIDATION_ERROR, message, details=details, context=context)


def not_found(kind: str, record_id: str) -> Refusal:
    """404 for a record that is not there, or was archived."""
    return Refusal(
        404,
        OBJECT_NOT_FOUND,
        f"Object not found.  objectId are usually numeric. ({kind} {record_id})",
        context={"id": [record_id]},
    )


@dataclass(frozen=True)
class BadValue:
    """Why one property cannot take one value."""

    name: str
    code: str  #: "PROPERTY_DOESNT_EXIST", "INVALID_OPTION", ...
    message: str


def bad_values(problems: Sequence[BadValue], portal_id: int = PORTAL_ID) -> Refusal:
    """400 with every wrong property, as JSON inside the message and again as a list: both are what HubSpot sends."""
    told = [
        {
            "isValid": False,
            "message": one.message,
            "error": one.code,
            "name": one.name,
            "localizedErrorMessage": one.message,
            "portalId": portal_id,
        }
        for one in problems
    ]
    return invalid(
        f"Property values were not valid: {json.dumps(told)}",
        *(Detail(one.message, one.code, {"propertyName": [one.name]}) for one in problems),
    )
