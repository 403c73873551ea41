"""The Stripe document: which calls exist, what they take and answer, in the words Stripe uses to refuse."""

import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import re
import tempfile
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from connector.sandbox.documents import stripe_sdk
from connector.sandbox.documents.check import Problem, Schema, check, resolve
from connector.sandbox.documents.form import name_of, typed

log = logging.getLogger(__name__)

_DEEPEST_EXPANSION = 4  # docs.stripe.com/expand: "a maximum depth of four levels"
_TYPE_CODES = {"integer": "parameter_invalid_integer", "string": "parameter_invalid_string"}
_TYPE_WORDS = {"decimal": "decimal", "number": "decimal", "object": "object", "array": "array"}


@dataclass(frozen=True)
class Operation:
    """One call: "POST /v1/customers/{customer}", its parameters' and its answer's schema."""

    method: str
    path: str
    params: Schema
    answer: Schema

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class RequestProblem:
    """Why a request is refused, as Stripe's error body puts it."""

    message: str
    param: str
    code: str | None


class StripeDocument:
    """What the installed stripe SDK's own types say about Stripe's API."""

    def __init__(self, derived: dict[str, Any]) -> None:
        self.api_version: str = derived["api_version"]
        self.event_types: frozenset[str] = frozenset(derived["event_types"])
        self.types: dict[str, Schema] = derived["types"]
        self.operations = [Operation(**operation) for operation in derived["operations"]]
        self._blanks: dict[str, tuple[str, ...]] = {}
        self._by_shape: dict[tuple[str, int], list[tuple[re.Pattern[str], Operation]]] = defaultdict(list)
        for operation in sorted(self.operations, key=lambda one: one.path.count("{")):  # literal paths first
            pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(operation.path)))
            self._by_shape[operation.method, operation.path.count("/")].append((pattern, operation))

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation a request addresses and the ids in its path, or None where Stripe has none."""
        for pattern, operation in self._by_shape[method, path.count("/")]:
            if found := pattern.fullmatch(path):
                return operation, found.groupdict()
        return None

    def typed(self, operation: Operation, params: dict[str, Any]) -> dict[str, Any]:
        """Decoded form parameters with the types the operation gives them."""
        out: dict[str, Any] = typed(params, operation.params, self.types)
        return out

    def check_request(self, operation: Operation, params: dict[str, Any]) -> list[RequestProblem]:
        """Every problem of typed parameters, unknown ones first, as Stripe reports them."""
        problems = check(params, operation.params, self.types)
        unknown = [problem for problem in problems if problem.kind == "unknown"]
        others = [_in_stripes_words(problem) for problem in problems if problem.kind != "unknown"]
        return [*_unknown(unknown), *others, *self._check_expand(operation, params.get("expand"))]

    def check_answer(self, operation: Operation, body: dict[str, Any]) -> list[str]:
        """Every way in which an answer is not what the SDK's types promise; for the sandbox's own tests."""
        if body.get("deleted") is True:
            return [f"{key}: missing" for key in ("id", "object") if key not in body]
        return [str(problem) for problem in check(body, operation.answer, self.types)]

    def check_object(self, type_name: str, body: dict[str, Any]) -> list[str]:
        """The same for one resource by its class's name, such as "Invoice" in an event."""
        return [str(problem) for problem in check(body, {"ref": type_name}, self.types)]

    def blank(self, type_name: str) -> dict[str, Any]:
        """A resource with every field that may be null present and null, as Stripe's own answers have them."""
        if type_name not in self._blanks:
            properties: dict[str, Schema] = self.types[type_name]["properties"]
            self._blanks[type_name] = tuple(
                key
                for key, schema in properties.items()
                if key != "deleted" and {"type": "null"} in schema.get("any", [])
            )
        return dict.fromkeys(self._blanks[type_name])

    def _check_expand(self, operation: Operation, expand: object) -> list[RequestProblem]:
        if not isinstance(expand, list):
            return []
        problems = []
        for n, path in enumerate(expand):
            steps = str(path).split(".")
            if len(steps) > _DEEPEST_EXPANSION:
                message = f"You cannot expand more than {_DEEPEST_EXPANSION} levels of a property. Property: {path}"
                problems.append(RequestProblem(message, f"expand[{n}]", None))
            elif not self._can_expand(operation.answer, steps):
                message = f"This property cannot be expanded ({path})."
                problems.append(RequestProblem(message, f"expand[{n}]", None))
        return problems

    def _can_expand(self, schema: Schema, steps: list[str]) -> bool:
        for step in steps:
            found = next((one["properties"][step] for one in self._objects(schema, step)), None)
            if found is None:
                return False
            schema = found
        return bool(self._objects(schema, "")) or _mentions(schema, "expandable")

    def _objects(self, schema: Schema, key: str) -> list[Schema]:
        """The object schemas among a schema's alternatives (and items) that know `key`; "" for all."""
        alternatives = [resolve(one, self.types) for one in schema.get("any", [schema])]
        nested = [resolve(one["items"], self.types) for one in alternatives if "items" in one]
        flat = [inner for one in nested for inner in one.get("any", [one])]
        candidates = [resolve(one, self.types) for one in [*alternatives, *flat]]
        if not key:
            return [one for one in candidates if "properties" in one or "values" in one]
        return [one for one in candidates if key in one.get("properties", ())]


@cache
def stripe_document() -> StripeDocument:
    """The document of the installed stripe package, from the cache on disk where one fits.

    The cache is keyed by the SDK's version and by how we derive. A cache that cannot be read or written costs
    only the second that deriving takes.
    """
    version = importlib.metadata.version("stripe")
    recipe = hashlib.sha256(Path(stripe_sdk.__file__).read_bytes()).hexdigest()[:12]
    return StripeDocument(_load_or_derive(_cache_folder() / f"stripe-{version}-{recipe}.json"))


def _cache_folder() -> Path:
    return user_cache_path("dealbill", appauthor=False)


def _load_or_derive(cached: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(cached.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        derived = stripe_sdk.derive(_package_folder())
        _keep(cached, derived)
        return derived
    return loaded


def _package_folder() -> Path:
    found = importlib.util.find_spec("stripe")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("The stripe package is not installed")
    return Path(found.origin).parent


def _keep(cached: Path, derived: dict[str, Any]) -> None:
    """Write whole or not at all: other processes may read and write the same file at this moment."""
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=cached.parent, prefix=cached.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(derived, file, separators=(",", ":"))
            Path(temporary).replace(cached)
        except OSError:
            with suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        log.info("the derived Stripe document is not cached: %s", error.strerror)


def _unknown(problems: list[Problem]) -> list[RequestProblem]:
    if not problems:
        return []
    names = [name_of(problem.path) for problem in problems]
    word = "parameter" if len(names) == 1 else "parameters"
    return [RequestProblem(f"Received unknown {word}: {', '.join(names)}", names[0], "parameter_unknown")]


def _in_stripes_words(problem: Problem) -> RequestProblem:
    name = name_of(problem.path)
    if problem.kind == "missing":
        return RequestProblem(f"Missing required param: {name}.", name, "parameter_missing")
    if problem.found == "":
        message = (
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a "
            f"parameter; however '{name}' cannot be unset. You should remove '{name}' from your request or "
            "supply a non-empty value."
        )
        return RequestProblem(message, name, "parameter_invalid_empty")
    if problem.kind == "wrong_value":
        return RequestProblem(f"Invalid {name}: must be one of {_or(problem.expected)}", name, None)
    kind = next((one for one in problem.expected if one not in {"null", "string"}), "string")
    word = _TYPE_WORDS.get(kind, kind)
    return RequestProblem(f"Invalid {word}: {_shown(problem.found)}", name, _TYPE_CODES.get(kind))


def _or(values: tuple[str, ...]) -> str:
    shown = [value for value in values if value]
    if len(shown) <= 2:
        return " or ".join(shown)
    return ", ".join(shown[:-1]) + f", or {shown[-1]}"


def _shown(value: object) -> str:
    return (value if isinstance(value, str) else json.dumps(value, default=str))[:200]


def _mentions(schema: Schema, key: str) -> bool:
    return bool(schema.get(key)) or (key in schema.get("items", {}))
