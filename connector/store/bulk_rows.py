"""Ledger records of many customers at once, straight from the driver: a million of them in seconds.

Rows come in the driver's binary form and become records without SQLAlchemy's step for each cell; a reference or a word
that comes again is made once. What is read, and in which order, is what ``ledger_rows`` reads of one customer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import ARRAY, Column, Select, Text, any_, bindparam, make_url, select, type_coerce
from sqlalchemy.types import TypeDecorator

from connector.domain.billing import Customer
from connector.store import tables
from connector.store.columns import Moment, RefColumn
from connector.store.ledger_rows import Kind, Parts, columns_of

_DIALECT = make_url("postgresql+psycopg://").get_dialect()()


class Known(dict[str | None, Any]):
    """What a stored text means, worked out the first time it is met."""

    def __init__(self, column_type: type[TypeDecorator[Any]]) -> None:
        super().__init__({None: None})
        self._read = column_type().process_result_value

    def __missing__(self, text: str | None) -> Any:
        self[text] = meaning = self._read(text, _DIALECT)
        return meaning


@dataclass(frozen=True, slots=True)
class _Reading:
    """How records of one kind are read: each row is the text of the customer's ref, then the record's own cells."""

    sql: bytes
    record: type[Any]
    spoken: tuple[tuple[int, type[TypeDecorator[Any]]], ...]  #: cells that are words of ours, by place
    parts_at: int | None = None  #: the place among the record's fields where its parts belong


class BulkRows:
    """One set of customers, named by the text of their refs, read within the transaction of ``driver``.

    Its session speaks UTC, so that moments come out in it.
    """

    def __init__(self, driver: psycopg.Connection[Any], customers: Sequence[str]) -> None:
        self._driver = driver
        self._customers = list(customers)
        self._known: dict[type[TypeDecorator[Any]], Known] = {}
        self.refs = self._meanings(RefColumn)

    def customers(self) -> dict[str, Customer]:
        """The customers themselves, by the text of their refs."""
        return {of: one for of, (one,) in self._by_customer(_customers(), {}).items()}

    def held(self, kind: Kind, *, parts: bool = True) -> Mapping[str, Sequence[Any]]:
        """One kind's records by the text of their customer's ref, each oldest first; on request without their parts."""
        return self._by_customer(_of_kind(kind), self._parts(kind.parts, kind) if kind.parts and parts else {})

    def cells(self, sql: bytes) -> list[tuple[Any, ...]]:
        """The rows of a statement that takes the customers as ``of``; at once, which costs half of one by one."""
        return self._driver.execute(sql, {"of": self._customers}, binary=True).fetchall()

    def _by_customer(self, reading: _Reading, parts: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        held: dict[str, list[Any]] = defaultdict(list)
        own_parts: tuple[Any, ...] = ()
        record, parts_at = reading.record, reading.parts_at
        spoken = [(at, self._meanings(word)) for at, word in reading.spoken]
        for of, *cells in self.cells(reading.sql):
            if parts_at is not None:
                own_parts = tuple(parts.get(cells[0], ()))
            for at, known in spoken:
                cells[at] = known[cells[at]]
            if parts_at is not None:
                cells.insert(parts_at, own_parts)
            held[of].append(record(*cells))
        return held

    def _parts(self, parts: Parts, kind: Kind) -> dict[str, list[Any]]:
        """The parts of one kind's records, by the text of the record's ref."""
        return self._by_customer(_of_parts(parts, kind), {})

    def _meanings(self, word: type[TypeDecorator[Any]]) -> Known:
        if word not in self._known:
            self._known[word] = Known(word)
        return self._known[word]


def statement(query: Select[Any]) -> bytes:
    """A query as the driver takes it."""
    return str(query.compile(dialect=_DIALECT)).replace("%(of)s", "%(of)b").encode()  # in binary it is sent faster


def among(column: Column[Any]) -> Any:
    """The column is one of the customers that ``of`` names."""
    return type_coerce(column, Text) == any_(bindparam("of", type_=ARRAY(Text)))


@cache
def _customers() -> _Reading:
    table = tables.customer
    columns = columns_of(table, Customer)
    return _Reading(
        statement(select(table.c.ref.label("of"), *columns).where(among(table.c.ref))), Customer, _spoken(columns)
    )


@cache
def _of_kind(kind: Kind) -> _Reading:
    columns = columns_of(kind.table, kind.record)
    query = (
        select(kind.table.c.customer.label("of"), *columns)
        .where(among(kind.table.c.customer))
        .order_by(kind.oldest_first, kind.table.c.ref)
    )
    names = [one.name for one in fields(kind.record)]
    parts_at = names.index(kind.parts.name) if kind.parts else None
    return _Reading(statement(query), kind.record, _spoken(columns), parts_at)


@cache
def _of_parts(parts: Parts, kind: Kind) -> _Reading:
    owner = parts.table.c[parts.owner]
    columns = columns_of(parts.table, parts.record)
    query = (
        select(owner.label("of"), *columns)
        .join(kind.table, kind.table.c.ref == owner)
        .where(among(kind.table.c.customer))
        .order_by(owner, parts.table.c.position)
    )
    return _Reading(statement(query), parts.record, _spoken(columns))


def _spoken(columns: Sequence[Column[Any]]) -> tuple[tuple[int, type[TypeDecorator[Any]]], ...]:
    """Which cells the driver alone cannot read. A moment it can."""
    return tuple(
        (at, type(column.type))
        for at, column in enumerate(columns)
        if isinstance(column.type, TypeDecorator) and not isinstance(column.type, Moment)
    )
