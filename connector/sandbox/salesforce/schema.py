"""What exists in the make-believe org: objects, their fields and their child relationships, read from describe/."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

_FOLDER = Path(__file__).parent / "describe"
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Api = Literal["data", "tooling"]

NUMBERS = frozenset({"currency", "double", "percent"})
TEXTS = frozenset({"string", "textarea", "picklist", "combobox", "email", "phone", "url"})
IDS = frozenset({"id", "reference"})


@dataclass(frozen=True)
class Field:
    """One field, with the facts that a describe answer tells about it."""

    name: str
    type: str
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted_on_create: bool = False
    restricted_picklist: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    id_lookup: bool = False
    calculated: bool = False
    name_field: bool = False
    name_pointing: bool = False
    polymorphic: bool = False
    filterable: bool = True
    sortable: bool = True
    groupable: bool = True
    permissionable: bool = True
    relationship_name: str | None = None
    compound_field_name: str | None = None
    default_value: bool | str | None = None
    byte_length: int = 0  #: where it is not what the type and length say
    extra_type_info: str | None = None
    search_prefilterable: bool = False
    reference_to: tuple[str, ...] = ()
    picklist: tuple[str, ...] = ()
    inline_help_text: str | None = None
    feature: str = ""  #: the org feature without which the field does not exist
    custom: bool = False

    @property
    def required(self) -> bool:
        """A create without this field is refused."""
        return not self.nillable and not self.defaulted_on_create and self.createable

    @property
    def usable_as_key(self) -> bool:
        """May stand in the address of an upsert."""
        return self.external_id or self.id_lookup


@dataclass(frozen=True)
class Child:
    """A child relationship: the name it has in a sub-select, and where its rows are."""

    relationship_name: str
    object: str
    field: str
    cascade: bool = False


@dataclass
class ObjectType:
    """One object; `fields` and `children` are keyed by lower-case name because Salesforce ignores case."""

    name: str
    label: str
    label_plural: str
    key_prefix: str
    fields: dict[str, Field]
    children: dict[str, Child]
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    api: Api = "data"
    feature: str = ""

    def field(self, name: str) -> Field | None:
        """The field of this name in any case, or None."""
        return self.fields.get(name.lower())

    def relationship(self, name: str) -> Field | None:
        """The reference field behind a parent relationship, such as AccountId for Account."""
        wanted = name.lower()
        for candidate in self.fields.values():
            if candidate.relationship_name and candidate.relationship_name.lower() == wanted:
                return candidate
        return None


@dataclass
class Schema:
    """The objects of one org: what describe/ says, less what its features lack, plus its custom fields."""

    features: set[str] = field(default_factory=set)
    currencies: tuple[str, ...] = ("USD", "EUR", "GBP", "JPY")
    _overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    _custom: dict[str, dict[str, Field]] = field(default_factory=dict)
    _built: dict[str, ObjectType] = field(default_factory=dict)

    def objects(self, api: Api = "data") -> Iterator[ObjectType]:
        """Every object that this API shows, by name."""
        for name in sorted(_files()):
            found = self.find(name)
            if found is not None and found.api == api:
                yield found

    def find(self, name: str) -> ObjectType | None:
        """The object of this name in any case, or None."""
        key = name.lower()
        if key not in self._built:
            raw = _files_by_lower().get(key)
            if raw is None:
                return None
            self._built[key] = self._build(raw)
        built = self._built[key]
        return built if not built.feature or built.feature in self.features else None

    def get(self, name: str) -> ObjectType:
        """The object of this name; KeyError when there is none: for names that are ours."""
        found = self.find(name)
        if found is None:
            raise KeyError(f"There is no object {name} in this org")
        return found

    def add_custom_field(self, object_name: str, new: Field) -> None:
        """Give an object a field that its vendor did not ship."""
        self._custom.setdefault(object_name.lower(), {})[new.name.lower()] = new
        self.changed()

    def drop_custom_field(self, object_name: str, name: str) -> None:
        """Take a custom field away; KeyError when it is not there."""
        del self._custom[object_name.lower()][name.lower()]
        self.changed()

    def override(self, path: str, **facts: Any) -> None:
        """Change facts of a field that an admin may change, such as its scale; `path` is "Object.Field"."""
        self._overrides.setdefault(path, {}).update(facts)
        self.changed()

    def changed(self) -> None:
        """Forget what was built, after a feature, a scale or a field changed."""
        self._built.clear()

    def _build(self, raw: dict[str, Any]) -> ObjectType:
        plain = {_snake(key): value for key, value in raw.items()}
        plain.pop("source", None)
        fields = [self._build_field(plain["name"], entry) for entry in plain.pop("fields")]
        children = [Child(**{_snake(k): v for k, v in entry.items()}) for entry in plain.pop("children")]
        built = ObjectType(fields={}, children={c.relationship_name.lower(): c for c in children}, **plain)
        built.fields = {f.name.lower(): f for f in fields if not f.feature or f.feature in self.features}
        built.fields |= self._custom.get(built.name.lower(), {})
        return built

    def _build_field(self, object_name: str, raw: dict[str, Any]) -> Field:
        entry = {_snake(key): value for key, value in raw.items()}
        for key in ("reference_to", "picklist"):
            entry[key] = tuple(entry.get(key, ()))
        built = Field(**entry)
        if built.name.endswith("CurrencyIsoCode"):
            built = replace(built, picklist=self.currencies)
        return replace(built, **self._overrides.get(f"{object_name}.{built.name}", {}))


def _snake(key: str) -> str:
    return _HUMP.sub("_", key).lower()


@cache
def _files() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in _FOLDER.glob("*.json")}


@cache
def _files_by_lower() -> dict[str, dict[str, Any]]:
    return {name.lower(): raw for name, raw in _files().items()}
