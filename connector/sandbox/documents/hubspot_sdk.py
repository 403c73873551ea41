"""Read the installed hubspot package's source and derive from it what each call takes and answers.

Nothing of the package is imported or run: its API classes name verb, path, parameters and answer models, its model
classes the keys, their types, which of them are required and which values are allowed.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

#: The packages a billing integration touches; generic objects come last, so that named ones win in a tie.
PACKAGES = (
    "crm/deals",
    "crm/companies",
    "crm/contacts",
    "crm/line_items",
    "crm/products",
    "crm/objects/tasks",
    "crm/objects/notes",
    "crm/properties",
    "crm/pipelines",
    "crm/owners",
    "crm/associations/v4",
    "crm/associations/v4/schema",
    "webhooks",
    "oauth",
    "crm/objects",
)

_SCALARS: dict[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string"},
    "date": {"type": "string"},
    "file": {"type": "string"},
    "object": {},
}

_WRAPPER = "_with_http_info"


def derive(root: Path) -> dict[str, Any]:
    """The document of the SDK whose `hubspot` package lies at `root`: its operations and its types."""
    operations: list[dict[str, Any]] = []
    types: dict[str, Schema] = {}
    for package in PACKAGES:
        prefix = package.replace("/", ".")
        for tree in _sources(root / package / "models"):
            types.update(_models(tree, prefix))
        for tree in _sources(root / package / "api"):
            operations.extend(_operations(tree, prefix))
    for name in sorted(set(_references([operations, types])) - set(types)):
        types[name] = {}  # a model the SDK names but does not ship: anything goes
    return {"operations": operations, "types": types}


def _sources(folder: Path) -> Iterator[ast.Module]:
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            yield ast.parse(path.read_text(encoding="utf-8"))


def _schema(annotation: str, prefix: str) -> Schema:
    """`list[str]`, `dict(str, Filter)`, `Filter` in the schema language of `check`."""
    text = annotation.strip()
    if listed := re.fullmatch(r"list\[(.*)\]", text):
        return {"type": "array", "items": _schema(listed[1], prefix)}
    if mapped := re.fullmatch(r"dict[(\[]\s*\w+\s*,\s*(.*)[)\]]", text):
        return {"type": "object", "values": _schema(mapped[1], prefix)}
    return dict(_SCALARS[text]) if text in _SCALARS else {"ref": f"{prefix}.{text}"}


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("ref"), str):
            yield node["ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


# --- Models ---------------------------------------------------------------------------------------


def _models(tree: ast.Module, prefix: str) -> Iterator[tuple[str, Schema]]:
    for model in _classes(tree):
        constants = {
            statement.targets[0].id: ast.literal_eval(statement.value)
            for statement in model.body
            if isinstance(statement, ast.Assign)
            and isinstance(statement.targets[0], ast.Name)
            and statement.targets[0].id in {"openapi_types", "attribute_map"}
        }
        if "openapi_types" in constants:
            yield f"{prefix}.{model.name}", _model(model, constants, prefix)


def _model(model: ast.ClassDef, constants: dict[str, dict[str, str]], prefix: str) -> Schema:
    setters = {
        function.name: function
        for function in model.body
        if isinstance(function, ast.FunctionDef) and _is_setter(function)
    }
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for attribute, annotation in constants["openapi_types"].items():
        key = constants["attribute_map"][attribute]
        schema = _schema(annotation, prefix)
        setter = setters.get(attribute)
        if setter is not None:
            if _refuses_none(setter):
                required.append(key)
            _close(schema, _allowed_values(setter))
        properties[key] = schema
    return {"type": "object", "properties": properties, "required": sorted(required), "closed": True}


def _is_setter(function: ast.FunctionDef) -> bool:
    return any(isinstance(one, ast.Attribute) and one.attr == "setter" for one in function.decorator_list)


def _refuses_none(setter: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and "must not be `None`" in node.value
        for node in ast.walk(setter)
    )


def _allowed_values(setter: ast.FunctionDef) -> list[Any]:
    return [one for one in _literal(_assigned(setter, "allowed_values")) or [] if one not in {None, "None"}]


def _close(schema: Schema, values: list[Any]) -> None:
    if not values or "ref" in schema:
        return
    inner = schema["items"] if schema.get("type") == "array" else schema
    inner["enum"] = values


# --- Calls ----------------------------------------------------------------------------------------


def _operations(tree: ast.Module, prefix: str) -> Iterator[dict[str, Any]]:
    for api in _classes(tree):
        functions = {one.name: one for one in api.body if isinstance(one, ast.FunctionDef)}
        for name, function in functions.items():
            if not name.endswith(_WRAPPER):
                continue
            public = functions[name.removesuffix(_WRAPPER)]
            operation = _operation(function, ast.get_docstring(public) or "", prefix)
            if operation is not None:
                yield {"id": f"{prefix}.{api.name}.{public.name}", **operation}


def _operation(function: ast.FunctionDef, doc: str, prefix: str) -> dict[str, Any] | None:
    called = _call_api(function)
    if called is None:
        return None
    path, method = called
    schemas = {
        name: _schema(kind.removesuffix(", optional"), prefix)
        for name, kind in re.findall(r":type (\w+): ([^\n]+)", doc)
    }
    required = set(re.findall(r":param (\w+):[^\n]*\(required\)", doc))
    body = _variable(_assigned(function, "body_params"))
    forms = dict(_appended(function, "form_params"))
    known: dict[int, str | None] = _literal(_assigned(function, "response_types_map")) or {}
    return {
        "method": method,
        "path": path,
        "query": {
            key: {"schema": schemas.get(name, {"type": "string"}), "required": name in required}
            for key, name in _appended(function, "query_params")
        },
        "body": schemas.get(body, {}) if body else None,
        "body_required": body in required,
        "authenticated": bool(_literal(_assigned(function, "auth_settings"))),
        "form": {
            "type": "object",
            "properties": {key: schemas.get(name, {"type": "string"}) for key, name in forms.items()},
            "required": sorted(key for key, name in forms.items() if name in required),
            "closed": True,
        }
        if forms
        else None,
        "answers": {str(status): _schema(kind, prefix) if kind else None for status, kind in known.items()}
        or {"204": None},
    }


def _call_api(function: ast.FunctionDef) -> tuple[str, str] | None:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "call_api":
            path, method = node.args[0], node.args[1]
            if isinstance(path, ast.Constant) and isinstance(method, ast.Constant):
                return str(path.value), str(method.value)
    return None


def _appended(function: ast.FunctionDef, name: str) -> Iterator[tuple[str, str]]:
    """The (key, variable) pairs a call appends to `query_params` or `form_params`."""
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "append"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == name
            and isinstance(node.args[0], ast.Tuple)
        ):
            key, value = node.args[0].elts
            if isinstance(key, ast.Constant):
                yield str(key.value), _variable(value) or ""


def _assigned(function: ast.FunctionDef, name: str) -> ast.expr | None:
    """The last value given to a local variable; None when it never got one."""
    found = None
    for node in ast.walk(function):
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        emptied = isinstance(node.value, ast.Constant) and node.value.value is None
        if node.targets[0].id == name and not emptied:
            found = node.value
    return found


def _literal(value: ast.expr | None) -> Any:
    return None if value is None else ast.literal_eval(value)


def _variable(value: ast.expr | None) -> str | None:
    """The name inside `local_var_params["name"]`."""
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant):
        return str(value.slice.value)
    return None


def _classes(tree: ast.Module) -> list[ast.ClassDef]:
    return [node for node in tree.body if isinstance(node, ast.ClassDef)]
