"""Read the installed stripe package's source and derive from its annotations what each call takes and answers.

Nothing of the package is imported or run: its service methods name verb and path, its `...Params` TypedDicts the
parameters, its resource classes the answers. Only the resources a billing integration touches are walked.
"""

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

SERVICES = (
    "_account_service",
    "_balance_service",
    "_charge_service",
    "_coupon_service",
    "_credit_note_line_item_service",
    "_credit_note_preview_lines_service",
    "_credit_note_service",
    "_customer_balance_transaction_service",
    "_customer_payment_method_service",
    "_customer_service",
    "_customer_tax_id_service",
    "_dispute_service",
    "_event_service",
    "_invoice_item_service",
    "_invoice_line_item_service",
    "_invoice_payment_service",
    "_invoice_service",
    "_payment_intent_service",
    "_payment_method_service",
    "_payment_record_service",
    "_price_service",
    "_product_service",
    "_promotion_code_service",
    "_refund_service",
    "_subscription_item_service",
    "_subscription_schedule_service",
    "_subscription_service",
    "_tax_id_service",
    "_tax_rate_service",
    "_webhook_endpoint_service",
    "billing/_credit_balance_summary_service",
    "billing/_credit_balance_transaction_service",
    "billing/_credit_grant_service",
    "billing/_meter_event_adjustment_service",
    "billing/_meter_event_service",
    "billing/_meter_event_summary_service",
    "billing/_meter_service",
    "v2/core/_event_service",
)

_SCALARS = {
    "str": "string",
    "int": "integer",
    "bool": "boolean",
    "float": "number",
    "Decimal": "decimal",
}
_ANYTHING = {"Any", "object", "StripeObject", "UntypedStripeObject"}
_WITHOUT_SERVICE = {"_discount", "_invoice_line_item", "_customer_balance_transaction"}
# Keys of the SDK's own request options; params classes inherit them, the API never sees them.
_SDK_OPTIONS = {"RequestOptions"}


def derive(package: Path) -> dict[str, Any]:
    """The document of the stripe package installed in this directory; JSON-able, and made of its types alone.

    Keys: `api_version`, `operations` (method, path, params, answer), `types` (named schemas), `event_types`.
    Raises ValueError when the package is not laid out as this module expects.
    """
    return _Derivation(package).document()


class _Module:
    """One source file: its classes and what it imports, by name."""

    def __init__(self, package: Path, name: str) -> None:
        self.name = name
        path = package / f"{name}.py"
        if not path.is_file():
            path = package / name / "__init__.py"
        self._tree = ast.parse(path.read_text(encoding="utf-8"))

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        return _classes_in(self._tree.body)

    @cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        return {
            alias.asname or alias.name: (node.module.removeprefix("stripe.").replace(".", "/"), alias.name)
            for node in ast.walk(self._tree)
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("stripe.")
            for alias in node.names
        }


class _Derivation:
    def __init__(self, package: Path) -> None:
        self._package = package
        self._modules: dict[str, _Module] = {}
        self._types: dict[str, Schema] = {}
        self._waiting: list[tuple[_Module, list[ast.ClassDef], str]] = []
        self._resources = {service.removesuffix("_service") for service in SERVICES} | _WITHOUT_SERVICE

    def document(self) -> dict[str, Any]:
        operations = [operation for service in SERVICES for operation in self._operations(service)]
        while self._waiting:
            module, chain, name = self._waiting.pop()
            self._types[name] = self._object(module, chain)
        return {
            "api_version": self._api_version(),
            "operations": operations,
            "types": self._types,
            "event_types": self._event_types(),
        }

    def _api_version(self) -> str:
        text = (self._package / "_api_version.py").read_text(encoding="utf-8")
        found = re.search(r'CURRENT = "([^"]+)"', text)
        if found is None:
            raise ValueError("The stripe package no longer tells its API version in _api_version.py")
        return found.group(1)

    def _event_types(self) -> list[str]:
        event = self._module("_event").classes["Event"]
        for statement in event.body:
            if isinstance(statement, ast.AnnAssign) and _name(statement.target) == "type":
                found = self._schema(statement.annotation, self._module("_event"), [event])
                return [str(value) for value in found["enum"]]
        raise ValueError("The stripe package no longer lists its event types in Event.type")

    def _module(self, name: str) -> _Module:
        if name not in self._modules:
            self._modules[name] = _Module(self._package, name)
        return self._modules[name]

    def _operations(self, service: str) -> Iterator[Schema]:
        module = self._module(service)
        for cls in module.classes.values():
            for method in cls.body:
                if isinstance(method, ast.FunctionDef) and (call := _request_call(method)):
                    verb, path = call
                    yield {
                        "method": verb.upper(),
                        "path": path,
                        "params": self._params(method, module),
                        "answer": self._schema(method.returns, module, []) if method.returns else {},
                    }

    def _params(self, method: ast.FunctionDef, module: _Module) -> Schema:
        for argument in [*method.args.posonlyargs, *method.args.args]:
            if argument.arg == "params" and argument.annotation is not None:
                return _without_null(self._schema(argument.annotation, module, []))
        return {"type": "object", "properties": {}, "required": [], "closed": True}

    def _object(self, module: _Module, chain: list[ast.ClassDef]) -> Schema:
        cls = chain[-1]
        bases = {_name(base) for base in cls.bases}
        is_params = bool(bases & {"TypedDict", *_SDK_OPTIONS})
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for key, annotation in _fields(cls, module):
            wrapper, inner = _unwrap(annotation)
            schema = self._schema(inner, module, chain)
            properties[key] = schema
            optional = wrapper == "NotRequired" or (not is_params and _accepts_null(schema))
            if not optional:
                required.append(key)
        out: Schema = {"type": "object", "properties": properties, "required": required, "closed": True}
        return out

    def _schema(self, node: ast.expr, module: _Module, chain: list[ast.ClassDef]) -> Schema:
        match node:
            case ast.Constant(value=str(text)):
                return self._schema(ast.parse(text, mode="eval").body, module, chain)
            case ast.Constant(value=None):
                return {"type": "null"}
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return _union([self._schema(left, module, chain), self._schema(right, module, chain)])
            case ast.Subscript():
                return self._generic(node, module, chain)
            case ast.Name() | ast.Attribute():
                return self._named(_name(node), module, chain)
        raise ValueError(f"{module.name}: no schema can be made of {ast.unparse(node)}")

    def _generic(self, node: ast.Subscript, module: _Module, chain: list[ast.ClassDef]) -> Schema:
        arguments = _arguments(node)
        name = _name(node.value)
        match name:
            case "Literal":
                return _literal([ast.literal_eval(argument) for argument in arguments])
            case "Union":
                return _union([self._schema(argument, module, chain) for argument in arguments])
            case "Optional":
                return _union([self._schema(arguments[0], module, chain), {"type": "null"}])
            case "NotRequired" | "Required" | "ClassVar":
                return self._schema(arguments[0], module, chain)
            case "List" | "list":
                return {"type": "array", "items": self._schema(arguments[0], module, chain)}
            case "Dict" | "dict" | "UntypedStripeObject":
                return {"type": "object", "values": self._schema(arguments[-1], module, chain)}
            case "ExpandableField":
                return self._expandable(arguments[0], module, chain)
            case "ListObject" | "SearchResultObject":
                return self._list(arguments[0], module, chain, is_search=name == "SearchResultObject")
        raise ValueError(f"{module.name}: no schema can be made of {ast.unparse(node)}")

    def _expandable(self, node: ast.expr, module: _Module, chain: list[ast.ClassDef]) -> Schema:
        """An id, or the object itself where a caller asked for it; only for resources we walk."""
        schema = self._schema(node, module, chain) if self._is_walked(node, module) else None
        alternatives = [{"type": "string"}, *([] if schema is None else schema.get("any", [schema]))]
        return {"any": alternatives, "expandable": schema is not None}

    def _is_walked(self, node: ast.expr, module: _Module) -> bool:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = ast.parse(node.value, mode="eval").body
        if isinstance(node, ast.Subscript):
            return any(self._is_walked(argument, module) for argument in _arguments(node))
        return module.imports.get(_name(node), ("", ""))[0] in self._resources

    def _list(self, node: ast.expr, module: _Module, chain: list[ast.ClassDef], *, is_search: bool) -> Schema:
        properties: dict[str, Schema] = {
            "object": {"type": "string", "enum": ["search_result" if is_search else "list"]},
            "data": {"type": "array", "items": self._schema(node, module, chain)},
        }
        if module.name.startswith("v2/"):
            properties = {"data": properties["data"]}
            nullable = {"any": [{"type": "string"}, {"type": "null"}]}
            properties |= {"next_page_url": nullable, "previous_page_url": nullable}
        else:
            properties |= {"has_more": {"type": "boolean"}, "url": {"type": "string"}}
        required = list(properties)
        if is_search:
            properties["next_page"] = {"any": [{"type": "string"}, {"type": "null"}]}
        properties["total_count"] = {"type": "integer"}
        return {"type": "object", "properties": properties, "required": required, "closed": True}

    def _named(self, name: str, module: _Module, chain: list[ast.ClassDef]) -> Schema:
        if name in _SCALARS:
            return {"type": _SCALARS[name]}
        for depth in range(len(chain), 0, -1):
            nested = _classes_in(chain[depth - 1].body)
            if name in nested:
                return self._reference(module, [*chain[:depth], nested[name]])
        if name in module.classes:
            return self._reference(module, [module.classes[name]])
        if name in _ANYTHING:
            return {}
        if name in module.imports:
            origin, original = module.imports[name]
            return self._named(original, self._module(origin), [])
        raise ValueError(f"{module.name}: {name} is neither defined nor imported")

    def _reference(self, module: _Module, chain: list[ast.ClassDef]) -> Schema:
        package = "/".join(module.name.split("/")[:-1])
        name = ".".join([*([package.replace("/", ".")] if package else []), *(cls.name for cls in chain)])
        if name not in self._types:
            self._types[name] = {}  # a placeholder: types refer to each other in circles
            self._waiting.append((module, chain, name))
        return {"ref": name}


def _classes_in(body: list[ast.stmt]) -> dict[str, ast.ClassDef]:
    return {statement.name: statement for statement in body if isinstance(statement, ast.ClassDef)}


def _fields(cls: ast.ClassDef, module: _Module) -> Iterator[tuple[str, ast.expr]]:
    """A class's annotated fields, its local bases' first; what only the SDK uses is left out."""
    for base in cls.bases:
        if _name(base) in module.classes:
            yield from _fields(module.classes[_name(base)], module)
    for statement in cls.body:
        if isinstance(statement, ast.AnnAssign):
            key = _name(statement.target)
            if not key.startswith("_") and not key.isupper():
                yield key, statement.annotation


def _name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return _name(value)
    return ""


def _arguments(node: ast.Subscript) -> list[ast.expr]:
    return list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]


def _unwrap(node: ast.expr) -> tuple[str, ast.expr]:
    if isinstance(node, ast.Subscript) and _name(node.value) in {"NotRequired", "Required"}:
        return _name(node.value), node.slice
    return "", node


def _request_call(method: ast.FunctionDef) -> tuple[str, str] | None:
    for node in ast.walk(method):
        if isinstance(node, ast.Call) and _name(node.func) == "_request" and len(node.args) >= 2:
            verb, url = node.args[0], node.args[1]
            template = url.func.value if isinstance(url, ast.Call) and isinstance(url.func, ast.Attribute) else url
            if isinstance(verb, ast.Constant) and isinstance(template, ast.Constant):
                return str(verb.value), str(template.value)
    return None


def _literal(values: list[Any]) -> Schema:
    first = values[0]
    kind = "boolean" if isinstance(first, bool) else "integer" if isinstance(first, int) else "string"
    return {"type": kind, "enum": values}


def _accepts_null(schema: Schema) -> bool:
    return any(alternative.get("type") == "null" for alternative in schema.get("any", [schema]))


def _without_null(schema: Schema) -> Schema:
    return _union([one for one in schema.get("any", [schema]) if one.get("type") != "null"])


def _union(schemas: list[Schema]) -> Schema:
    """One schema for all; an SDK's open list of values ("these or any string") counts as closed.

    Stripe refuses a value it does not know whatever the annotation says; only `Literal['']` beside `str`, the
    way to unset a field, leaves the string free.
    """
    flat: list[Schema] = []
    for schema in schemas:
        for alternative in schema.get("any", [schema]):
            if alternative not in flat:
                flat.append(alternative)
    names_values = any(alternative.get("enum", [""]) != [""] for alternative in flat)
    if names_values:
        flat = [alternative for alternative in flat if alternative != {"type": "string"}]
    if len(flat) == 1:
        return flat[0]
    expandable = {"expandable": True} if any(schema.get("expandable") for schema in schemas) else {}
    return {"any": flat, **expandable}
