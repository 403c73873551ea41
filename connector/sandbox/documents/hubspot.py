"""What HubSpot accepts and answers, as the installed hubspot-api-client knows it; derived on first use and cached."""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

from connector.sandbox.documents import hubspot_sdk
from connector.sandbox.documents.check import Problem, Schema, check

_DISTRIBUTION = "hubspot-api-client"

#: Every refusal of HubSpot looks like this; the SDK's own Error model leaves out `status`, and has no 429.
_ERROR: Schema = {
    "type": "object",
    "closed": True,
    "required": ["message", "correlationId", "category", "status"],
    "properties": {
        "status": {"type": "string", "enum": ["error"]},
        "message": {"type": "string"},
        "correlationId": {"type": "string"},
        "category": {"type": "string"},
        "subCategory": {"type": "string"},
        "context": {"type": "object", "values": {"type": "array", "items": {"type": "string"}}},
        "links": {"type": "object", "values": {"type": "string"}},
        "errors": {"type": "array", "items": {"ref": "crm.deals.ErrorDetail"}},
    },
}
_RATE_LIMITED: Schema = {
    "type": "object",
    "closed": True,
    "required": ["status", "message", "errorType", "correlationId", "policyName"],
    "properties": {
        "status": {"type": "string", "enum": ["error"]},
        "message": {"type": "string"},
        "errorType": {"type": "string", "enum": ["RATE_LIMIT"]},
        "correlationId": {"type": "string"},
        "policyName": {"type": "string", "enum": ["TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"]},
    },
}


@dataclass(frozen=True)
class Operation:
    """One call the SDK can make."""

    id: str  #: "crm.deals.BasicApi.create"
    method: str
    path: str  #: with {templates}, as the SDK writes it
    query: Mapping[str, Mapping[str, Any]]
    body: Schema | None
    body_required: bool
    authenticated: bool  #: whether the SDK sends its token along
    form: Schema | None
    answers: Mapping[str, Schema | None]

    @property
    def name(self) -> str:
        """`METHOD /path/{template}`, as faults and the request log name it."""
        return f"{self.method} {self.path}"


class HubSpotDocument:
    """Matches requests to the SDK's operations and tells what does not fit in requests and answers."""

    def __init__(self, derived: Mapping[str, Any]) -> None:
        self.operations = [Operation(**one) for one in derived["operations"]]
        self._types: Mapping[str, Schema] = derived["types"]
        self._answer_types = {name: _with_nulls(schema) for name, schema in self._types.items()}
        # Named paths before templated ones: /objects/deals/{dealId} before /objects/{objectType}/{objectId}.
        self._routes = [
            (one.method, _pattern(one.path), one)
            for one in sorted(self.operations, key=lambda one: [part.startswith("{") for part in _parts(one.path)])
        ]

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation behind a request and its path parameters; None when the SDK has no such call."""
        wanted = "/" + "/".join(_parts(path))
        for its_method, pattern, operation in self._routes:
            if its_method == method and (found := pattern.fullmatch(wanted)):
                names = [part[1:-1] for part in _parts(operation.path) if part.startswith("{")]
                return operation, dict(zip(names, found.groups(), strict=True))
        return None

    def check_request(
        self, operation: Operation, query: Mapping[str, Sequence[str]], body: object | None
    ) -> list[Problem]:
        """Every misfit of query and body; for a form, `body` is the mapping of its fields."""
        return [*self._check_query(operation, query), *self._check_body(operation, body)]

    def check_answer(self, operation: Operation, status: int, body: object | None) -> list[Problem]:
        """Every misfit of an answer; a status the SDK does not know is a problem of its own."""
        if status >= 400:
            return check(body, _RATE_LIMITED if status == 429 else _ERROR, self._answer_types)
        if str(status) not in operation.answers:
            return [Problem(("status",), "wrong_value", tuple(operation.answers), status)]
        schema = operation.answers[str(status)]
        if schema is None:
            return [] if body is None else [Problem((), "unknown", (), body)]
        return check(body, schema, self._answer_types)

    def _check_query(self, operation: Operation, query: Mapping[str, Sequence[str]]) -> list[Problem]:
        problems = [
            Problem((key,), "missing", (key,))
            for key, parameter in operation.query.items()
            if parameter["required"] and key not in query
        ]
        for key, values in query.items():
            parameter = operation.query.get(key)
            if parameter is None:
                problems.append(Problem((key,), "unknown", (), values[0]))
            else:
                problems += _check_parameter(key, parameter["schema"], values)
        return problems

    def _check_body(self, operation: Operation, body: object | None) -> list[Problem]:
        schema = operation.form or operation.body
        if schema is None:
            return [] if body is None else [Problem((), "unknown", (), "a body")]
        if body is None:
            return [Problem((), "missing", ("a body",))] if operation.body_required or operation.form else []
        return check(body, schema, self._types)


@cache
def hubspot_document() -> HubSpotDocument:
    """The document of the installed SDK; the first use on a machine derives it, which takes a few seconds."""
    with _deriving:
        return HubSpotDocument(load(platformdirs.user_cache_path("connector-sandbox")))


_deriving = threading.Lock()


def load(folder: Path) -> dict[str, Any]:
    """The derived document, from `folder` when it is there and whole, else derived now and kept there if possible."""
    path = folder / f"hubspot-{_fingerprint()}.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = None  # nothing kept yet, or a torn file: derive it again
    if isinstance(kept, dict) and {"operations", "types"} <= kept.keys():
        return kept
    derived = hubspot_sdk.derive(_sdk_root())
    _keep(path, derived)
    return derived


def _sdk_root() -> Path:
    spec = importlib.util.find_spec("hubspot")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"The sandbox derives its HubSpot from {_DISTRIBUTION}: install it")
    return Path(spec.submodule_search_locations[0])


def _fingerprint() -> str:
    """SDK version and the derivation's own source: a change of either makes a new document."""
    source = Path(hubspot_sdk.__file__).read_bytes()
    return f"{importlib.metadata.version(_DISTRIBUTION)}-{hashlib.sha256(source).hexdigest()[:12]}"


def _keep(path: Path, derived: Mapping[str, Any]) -> None:
    """Write whole or not at all, as several processes may derive at once; a read-only cache is no obstacle."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(derived, file, separators=(",", ":"))
        Path(temporary).replace(path)
    except OSError:
        return  # the next process derives it again: slower, never wrong


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _pattern(path: str) -> re.Pattern[str]:
    parts = ("([^/]+)" if part.startswith("{") else re.escape(part) for part in _parts(path))
    return re.compile("/" + "/".join(parts))


def _with_nulls(schema: Schema) -> Schema:
    """The schema for answers: a property without a value is null there, which no request may say."""
    changed: dict[str, Any] = dict(schema)
    if schema.get("values") == {"type": "string"}:
        changed["values"] = {"any": [{"type": "string"}, {"type": "null"}]}
    if "properties" in schema:
        changed["properties"] = {key: _with_nulls(one) for key, one in schema["properties"].items()}
    return changed


def _check_parameter(key: str, schema: Schema, values: Sequence[str]) -> list[Problem]:
    if schema.get("type") == "array":
        return []
    if len(values) > 1:
        return [Problem((key,), "wrong_type", ("one value",), list(values))]
    kind, value = schema.get("type"), values[0]
    fits = {
        "integer": lambda: re.fullmatch(r"-?\d+", value) is not None,
        "boolean": lambda: value.lower() in {"true", "false"},
    }.get(str(kind), lambda: True)()
    return [] if fits else [Problem((key,), "wrong_type", (str(kind),), value)]
