"""A mapping file (TOML) -> FieldMapping. Whatever is wrong with the file is told in sentences, never a traceback.

crm = "hubspot"
version = 1
renewal_from = ["crm_field", "contract_end", "schedule", "subscription_item"]  # what also holds without it

[objects]                      # our kind = the CRM's own object
deal = "deal"
account = "company"

[[deal]]                       # rules that read a deal; [[line_item]] rules read each of its lines
canonical = "terms.net_days"
field = "deal.payment_terms"
transform = "net_days"
args = { default = "30" }

[prices]                       # where lines find their price, first one first; this is also what holds without it
order = ["price_id", "lookup_key", "product_table", "inline"]

[prices.products]              # the product table: product code = price id
SEAT-1 = "price_1Abc"

[write_back.account]           # canonical value = CRM field
open_balance = "billing_open_balance"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from mappings.arguments import did_you_mean, full_stop, problems_with
from mappings.canonical import METADATA, NAMES, is_known, metadata_problem
from mappings.model import PATH, PRICE_SOURCES, RENEWAL_SOURCES, SHIPPED, FieldMapping, FieldRule, PriceRules

LARGEST_FILE = 256 * 1024
_MOST_RULES = 1_000
_MOST_PRODUCTS = 5_000
_MOST_DEPTH = 8
_MOST_TOLD = 100


def _a_path(text: str) -> str:
    if PATH.fullmatch(text) is None:
        raise PydanticCustomError("string_pattern_mismatch", "it is not a CRM path")
    return text


_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
_Path = Annotated[str, StringConstraints(max_length=300), AfterValidator(_a_path)]
_Code = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=255)]
_PriceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$", max_length=255)]
_Canonical = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[A-Za-z0-9_]+)+$", max_length=100)]


class BrokenMapping(ValueError):
    """A mapping file that cannot be used; ``sentences`` says everything that is wrong with it."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    canonical: _Canonical
    field: _Path | None = None
    transform: _Name = "text"
    args: dict[str, Any] = Field(default_factory=dict)
    required: bool = False


class _Prices(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    order: Annotated[list[str], Field(min_length=1, max_length=len(PRICE_SOURCES))] = Field(
        default_factory=lambda: list(PRICE_SOURCES)
    )
    products: Annotated[dict[_Code, _PriceId], Field(max_length=_MOST_PRODUCTS)] = Field(default_factory=dict)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    crm: _Name
    version: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    objects: Annotated[dict[_Name, _Name], Field(max_length=20)]
    deal: Annotated[list[_Rule], Field(min_length=1, max_length=_MOST_RULES)]
    line_item: Annotated[list[_Rule], Field(max_length=_MOST_RULES)] = Field(default_factory=list)
    write_back: Annotated[
        dict[_Name, Annotated[dict[_Name, _Name], Field(max_length=_MOST_RULES)]], Field(max_length=20)
    ] = Field(default_factory=dict)
    prices: _Prices = Field(default_factory=_Prices)
    renewal_from: Annotated[list[str], Field(min_length=1, max_length=len(RENEWAL_SOURCES))] = Field(
        default_factory=lambda: list(RENEWAL_SOURCES)
    )


def default_mapping(name: str) -> FieldMapping:
    """A mapping we ship, by its name: a CRM's own (``salesforce``) or a variant of it (``salesforce-cpq``).

    Its version is 0, which no saved one ever has.

    Raises:
        BrokenMapping: we ship none of that name, or the shipped file is broken.
    """
    return replace(load(default_text(name)), version=SHIPPED)


def default_text(name: str) -> str:
    """A mapping we ship as its file, comments and all. Raises BrokenMapping when we ship none of that name."""
    if name not in default_names():
        guess = did_you_mean(name, dict.fromkeys(default_names()))
        raise BrokenMapping((full_stop(f"There is no default mapping {name!r}{guess}"),))
    return resources.files("mappings").joinpath("defaults", f"{name}.toml").read_text(encoding="utf-8")


def default_names(crm: str = "") -> tuple[str, ...]:
    """The mappings we ship, or those for one CRM: its own first."""
    files = resources.files("mappings").joinpath("defaults").iterdir()
    names = sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))
    return tuple(name for name in names if not crm or name.partition("-")[0] == crm)


def load(content: bytes | str) -> FieldMapping:
    """The FieldMapping that a TOML text describes.

    Raises:
        BrokenMapping: with every mistake found, each a sentence that names its place.
    """
    return from_body(_parsed(content))


def from_body(body: Mapping[str, Any]) -> FieldMapping:
    """The FieldMapping that plain data describes: a parsed file, or what ``as_body`` wrote.

    Raises:
        BrokenMapping: with every mistake found, each a sentence that names its place.
    """
    file = _validated(body)
    groups = {"deal": file.deal, "line_item": file.line_item}
    sentences = (
        *_order_problems("prices order", "price source", file.prices.order, PRICE_SOURCES),
        *_order_problems("renewal_from", "source of renewal dates", file.renewal_from, RENEWAL_SOURCES),
        *(
            f"[[{group}]] number {number} ({rule.canonical}): {full_stop(problem)}"
            for group, rules in groups.items()
            for number, rule in enumerate(rules, start=1)
            for problem in _problems(group, rule)
        ),
    )
    if sentences:
        raise BrokenMapping(sentences)
    return FieldMapping(
        crm=file.crm,
        version=file.version,
        objects=MappingProxyType(dict(file.objects)),
        deal=tuple(_rule(rule) for rule in file.deal),
        line_item=tuple(_rule(rule) for rule in file.line_item),
        write_back=MappingProxyType({kind: MappingProxyType(dict(to)) for kind, to in file.write_back.items()}),
        prices=PriceRules(tuple(file.prices.order), MappingProxyType(dict(file.prices.products))),
        renewal_from=tuple(file.renewal_from),
    )


def as_body(mapping: FieldMapping) -> dict[str, Any]:
    """The mapping as plain data that JSON and TOML can hold; ``from_body`` reads it back."""
    body: dict[str, Any] = {
        "crm": mapping.crm,
        "version": mapping.version,
        "objects": dict(mapping.objects),
        "deal": [_plain_rule(rule) for rule in mapping.deal],
        "line_item": [_plain_rule(rule) for rule in mapping.line_item],
        "write_back": {kind: dict(targets) for kind, targets in mapping.write_back.items()},
    }
    if mapping.prices != PriceRules():
        body["prices"] = {"order": list(mapping.prices.order), "products": dict(mapping.prices.products)}
    if mapping.renewal_from != RENEWAL_SOURCES:
        body["renewal_from"] = list(mapping.renewal_from)
    return body


def _plain_rule(rule: FieldRule) -> dict[str, Any]:
    """Only what differs from a rule's defaults, so that a diff of two mappings shows what somebody meant."""
    plain: dict[str, Any] = {"canonical": rule.canonical, "transform": rule.transform}
    if rule.field:
        plain["field"] = rule.field
    if rule.args:
        plain["args"] = {name: _plain(value) for name, value in rule.args.items()}
    if rule.required:
        plain["required"] = True
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _plain(inside) for name, inside in value.items()}
    return [_plain(inside) for inside in value] if isinstance(value, list | tuple) else value


def _problems(group: str, rule: _Rule) -> Iterator[str]:
    if not is_known(group, rule.canonical):
        yield f"there is no such canonical value{did_you_mean(rule.canonical, NAMES[group])}"
    elif rule.canonical.startswith(METADATA) and metadata_problem(rule.canonical):
        yield metadata_problem(rule.canonical)
    yield from problems_with(rule.transform, rule.args, has_field=rule.field is not None)


def _order_problems(where: str, what: str, order: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    """What is wrong with a ranking of sources."""
    for source in order:
        if source not in known:
            yield full_stop(
                f"{where}: there is no {what} called {source!r}{did_you_mean(source, dict.fromkeys(known))}"
            )
    if len(set(order)) < len(order):
        yield f"{where} names a source twice."


def _parsed(content: bytes | str) -> dict[str, Any]:
    if len(content) > LARGEST_FILE:
        raise BrokenMapping((f"The file is larger than {LARGEST_FILE // 1024} KiB.",))
    try:
        text = content.decode("utf-8") if isinstance(content, bytes) else content
        parsed = tomllib.loads(text, parse_float=Decimal)
    except UnicodeDecodeError as error:
        raise BrokenMapping((f"The file is not UTF-8 text (byte {error.start}).",)) from error
    except tomllib.TOMLDecodeError as error:
        raise BrokenMapping((f"The file is not TOML: {error}.",)) from error
    except (RecursionError, ValueError, ArithmeticError) as error:
        raise BrokenMapping(
            ("The file holds a value that cannot be read: nested too deep, or a number too long.",)
        ) from error
    if _deeper_than(parsed, _MOST_DEPTH):
        raise BrokenMapping((f"The file is nested deeper than {_MOST_DEPTH} levels.",))
    return parsed


def _deeper_than(value: Any, levels: int) -> bool:
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(levels == 0 or _deeper_than(item, levels - 1) for item in inside)


def _validated(parsed: Mapping[str, Any]) -> _File:
    try:
        return _File.model_validate(dict(parsed))
    except ValidationError as error:
        raise BrokenMapping(
            tuple(_sentence(item["loc"], item["type"], item["msg"]) for item in error.errors()[:_MOST_TOLD])
        ) from error


def _sentence(place: tuple[int | str, ...], kind: str, message: str) -> str:
    where = " ".join(f"number {part + 1}" if isinstance(part, int) else part for part in place)
    if kind == "extra_forbidden":
        return f"{where} is not a setting of a mapping."
    if kind == "missing":
        return f"{where} is missing."
    if kind == "string_pattern_mismatch":
        return f"{where} is not a name or path that can be used here."
    return f"{where}: {message[:1].lower()}{message[1:]}."


def _rule(rule: _Rule) -> FieldRule:
    return FieldRule(
        canonical=rule.canonical,
        field=rule.field or "",
        transform=rule.transform,
        args=MappingProxyType(dict(rule.args)),
        required=rule.required,
    )
