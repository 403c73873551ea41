"""A SOQL query as data, and back to text."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

from connector.sandbox.salesforce.soql.tokens import unescape


@dataclass(frozen=True)
class Path:
    """A field, perhaps through parent relationships: Account.Owner.Email."""

    parts: tuple[str, ...]
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True)
class Text:
    """A quoted text, kept as it was written because LIKE reads escapes differently."""

    quoted: str

    @property
    def value(self) -> str:
        """What the text means outside of LIKE."""
        return unescape(self.quoted)

    def __str__(self) -> str:
        return self.quoted


@dataclass(frozen=True)
class Plain:
    """A number, boolean, null, date or moment."""

    value: Decimal | bool | date | datetime | None

    def __str__(self) -> str:
        if isinstance(self.value, datetime):
            return f"{self.value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        if isinstance(self.value, date):
            return self.value.isoformat()
        if isinstance(self.value, Decimal):
            return f"{self.value:f}"
        return "null" if self.value is None else str(self.value).lower()


@dataclass(frozen=True)
class Days:
    """A date literal by name: TODAY, LAST_N_DAYS:30 and their like."""

    name: str
    count: int | None = None

    def __str__(self) -> str:
        return self.name if self.count is None else f"{self.name}:{self.count}"


Literal = Text | Plain | Days


@dataclass(frozen=True)
class Comparison:
    """`path operator literal`; `at` is where the literal stands."""

    path: Path
    operator: str
    literal: Literal
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.path} {self.operator} {self.literal}"


@dataclass(frozen=True)
class OneOf:
    """`path [NOT] IN (...)`, over literals or over a query's only column."""

    path: Path
    choices: "tuple[Literal, ...] | Query"
    negated: bool = False
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        inner = str(self.choices) if isinstance(self.choices, Query) else ", ".join(map(str, self.choices))
        return f"{self.path} {'NOT IN' if self.negated else 'IN'} ({inner})"


@dataclass(frozen=True)
class AllOf:
    """Conditions joined by AND."""

    parts: "tuple[Condition, ...]"

    def __str__(self) -> str:
        return " AND ".join(map(_nested, self.parts))


@dataclass(frozen=True)
class AnyOf:
    """Conditions joined by OR."""

    parts: "tuple[Condition, ...]"

    def __str__(self) -> str:
        return " OR ".join(map(_nested, self.parts))


@dataclass(frozen=True)
class Not:
    """A condition turned round."""

    part: "Condition"

    def __str__(self) -> str:
        return f"NOT {_nested(self.part)}"


Condition = Comparison | OneOf | AllOf | AnyOf | Not


@dataclass(frozen=True)
class Order:
    """One term of ORDER BY."""

    path: Path
    descending: bool = False
    nulls_last: bool = False

    def __str__(self) -> str:
        return f"{self.path}{' DESC' if self.descending else ''}{' NULLS LAST' if self.nulls_last else ''}"


@dataclass(frozen=True)
class Query:
    """A whole query; `select` is empty for COUNT()."""

    select: "tuple[Path | Query, ...]"
    source: str
    alias: str | None = None
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    at: int = field(default=0, compare=False)  #: where the name of the source stands

    def __str__(self) -> str:
        columns = ", ".join(f"({one})" if isinstance(one, Query) else str(one) for one in self.select)
        clauses = ["SELECT", columns or "COUNT()", "FROM", self.source]
        clauses += [self.alias] if self.alias else []
        clauses += ["WHERE", str(self.where)] if self.where else []
        clauses += ["ORDER BY", ", ".join(map(str, self.order))] if self.order else []
        clauses += ["LIMIT", str(self.limit)] if self.limit is not None else []
        clauses += ["OFFSET", str(self.offset)] if self.offset else []
        return " ".join(clauses)


def _nested(part: Condition) -> str:
    return f"({part})" if isinstance(part, AllOf | AnyOf | Not) else str(part)
