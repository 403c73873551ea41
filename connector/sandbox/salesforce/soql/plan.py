"""A query that was checked and can be run: which records match, and how the answer shows them."""

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from connector.sandbox.salesforce.ids import normal_id
from connector.sandbox.salesforce.records_shown import attributes, shown
from connector.sandbox.salesforce.schema import Api, Child
from connector.sandbox.salesforce.soql.conditions import Test, compile_condition, key_of
from connector.sandbox.salesforce.soql.parser import parse
from connector.sandbox.salesforce.soql.scope import NAME, Column, Rows, Scope, Sight, scope_of
from connector.sandbox.salesforce.soql.tree import AllOf, Comparison, Condition, OneOf, Order, Path, Query, Text
from connector.sandbox.salesforce.values import Record, Value

More = Callable[["Plan", Sequence[str]], str]  #: keeps the rest of a long answer and gives its address


@dataclass
class Plan:
    """One FROM of a query, ready to run."""

    rows: Rows
    scope: Scope
    query: Query
    deleted: bool = False
    columns: list[Column] = field(default_factory=list)
    subselects: "list[tuple[str, Child, Plan]]" = field(default_factory=list)
    test: Test | None = None
    order: list[tuple[Column, Order]] = field(default_factory=list)

    def match(self) -> list[str]:
        """The ids of every matching record, in the order asked for, LIMIT and OFFSET applied."""
        return [str(record["Id"]) for record in self._choose(self._candidates())]

    def render(self, ids: Iterable[str], version: str, batch: int, more: More) -> list[dict[str, object]]:
        """These records as the answer shows them; records that vanished meanwhile are left out."""
        found = (self.rows.row(self.scope.object.name, one) for one in ids)
        return [self._render_one(record, version, batch, more) for record in found if record is not None]

    def of_parent(self, child: Child, parent_id: str) -> list[str]:
        """The ids a sub-select gives for one parent."""
        records = self.rows.children(child.object, child.field, parent_id)
        return [str(record["Id"]) for record in self._choose(records)]

    def only_column(self) -> set[Value]:
        """The values of a query inside IN (...)."""
        records = self._choose(self._candidates())
        return {self.columns[0].value(record, self.rows) for record in records}

    def _choose(self, records: Iterable[Record]) -> list[Record]:
        test = self.test
        chosen = [one for one in records if self.deleted or not one.get("IsDeleted")]
        if test is not None:
            chosen = [one for one in chosen if test(one)]
        # Salesforce promises no order unless asked; neither do we, so that nobody comes to rely on one.
        chosen.sort(key=lambda one: zlib.crc32(str(one["Id"]).encode()))
        for column, order in reversed(self.order):
            _sort(chosen, column, order, self.rows)
        last = None if self.query.limit is None else self.query.offset + self.query.limit
        return chosen[self.query.offset : last]

    def _candidates(self) -> Iterable[Record]:
        name = self.scope.object.name
        ids = _asked_ids(self.query.where, self.scope)
        if ids is None:
            return self.rows.rows(name, deleted=self.deleted)
        return [record for one in ids if (record := self.rows.row(name, one)) is not None]

    def _render_one(self, record: Record, version: str, batch: int, more: More) -> dict[str, object]:
        out: dict[str, object] = {"attributes": attributes(self.scope.object, record, version)}
        for column in self.columns:
            self._place(out, record, column, version)
        for name, child, plan in self.subselects:
            ids = plan.of_parent(child, str(record["Id"]))
            if not ids:
                out[name] = None
                continue
            page: dict[str, object] = {"totalSize": len(ids), "done": len(ids) <= batch}
            if len(ids) > batch:
                page["nextRecordsUrl"] = more(plan, ids[batch:])
            page["records"] = plan.render(ids[:batch], version, batch, more)
            out[name] = page
        return out

    def _place(self, out: dict[str, object], record: Record, column: Column, version: str) -> None:
        here = out
        for depth, (reference, parent) in enumerate(column.steps, start=1):
            name = reference.relationship_name or reference.name
            holder = Column(column.steps[:depth], reference).parent(record, self.rows)
            if holder is None:
                here[name] = None
                return
            found = here.get(name)
            inner: dict[str, object] = found if isinstance(found, dict) else {}
            if not inner:
                kind = str(holder["Type"]) if parent is NAME else parent.name
                inner = {"attributes": attributes(self.rows.schema.get(kind), holder, version)}
                here[name] = inner
            here = inner
        holder = column.parent(record, self.rows)
        here[column.field.name] = None if holder is None else shown(column.field, holder)


def make_plan(soql: str, rows: Rows, sight: Sight, *, api: Api = "data", deleted: bool = False) -> Plan:
    """Parse and check a query; raises Refused with the place and Salesforce's words where it is wrong."""
    query = parse(soql)
    scope = scope_of(soql, query.source, query.alias, query.at, sight, rows.schema, api)
    return _check(Plan(rows, scope, query, deleted))


def _check(plan: Plan) -> Plan:
    seen: set[str] = set()
    for part in plan.query.select:
        if isinstance(part, Query):
            plan.subselects.append(_subselect(plan, part))
            continue
        column = plan.scope.column(part)
        name = ".".join([step.name for step, _ in column.steps] + [column.field.name])
        if name in seen:
            raise plan.scope.refuse(part.at, f"duplicate field selected: {part}")
        seen.add(name)
        plan.columns.append(column)
    if plan.query.where is not None:
        plan.test = compile_condition(
            plan.query.where, plan.scope, plan.rows, lambda inner: _semi_join(plan, inner).only_column()
        )
    for order in plan.query.order:
        column = plan.scope.column(order.path)
        if not column.field.sortable or column.field.type == "address":
            raise plan.scope.refuse(order.path.at, f"field '{column.field.name}' can not be sorted in a query call")
        plan.order.append((column, order))
    return plan


def _subselect(plan: Plan, query: Query) -> tuple[str, Child, Plan]:
    outer = plan.scope
    child = outer.child(query.source, query.at)
    object_type = outer.schema.get(child.object)
    names = {query.source.lower(), child.object.lower()} | ({query.alias.lower()} if query.alias else set())
    scope = Scope(outer.soql, object_type, frozenset(names), outer.sight, outer.schema)
    return child.relationship_name, child, _check(Plan(plan.rows, scope, query, plan.deleted))


def _semi_join(plan: Plan, query: Query) -> Plan:
    outer = plan.scope
    scope = scope_of(outer.soql, query.source, query.alias, query.at, outer.sight, outer.schema, "data")
    if len(query.select) != 1 or not isinstance(query.select[0], Path):
        raise scope.refuse(query.at, "The inner select must name exactly one field", "MALFORMED_QUERY")
    return _check(Plan(plan.rows, scope, query, plan.deleted))


def _sort(records: list[Record], column: Column, order: Order, rows: Rows) -> None:
    known = [one for one in records if column.value(one, rows) is not None]
    unknown = [one for one in records if column.value(one, rows) is None]
    known.sort(
        key=lambda one: key_of(column.field, column.value(one, rows)),
        reverse=order.descending,
    )
    records[:] = known + unknown if order.nulls_last else unknown + known


def _asked_ids(where: Condition | None, scope: Scope) -> list[str] | None:
    """The ids a condition narrows the search to, so that a fetch by id does not read the whole object."""
    for part in where.parts if isinstance(where, AllOf) else [where]:
        if isinstance(part, Comparison) and part.operator == "=" and _is_id(part.path, scope):
            literals: Sequence[object] = [part.literal]
        elif isinstance(part, OneOf) and not part.negated and isinstance(part.choices, tuple):
            if not _is_id(part.path, scope):
                continue
            literals = part.choices
        else:
            continue
        ids = [normal_id(one.value) for one in literals if isinstance(one, Text)]
        return list(dict.fromkeys(one for one in ids if one is not None))
    return None


def _is_id(path: Path, scope: Scope) -> bool:
    return path.parts[-1].lower() == "id" and not scope.column(path).steps
