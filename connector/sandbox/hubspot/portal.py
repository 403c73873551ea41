"""One HubSpot account: the rules that hold for every change, whoever makes it, and what follows from one."""

import threading
from collections.abc import Mapping, Sequence

from connector.sandbox.clock import Clock
from connector.sandbox.hubspot.associations import AssociationType, Place, refuse_second_parent
from connector.sandbox.hubspot.book import Book
from connector.sandbox.hubspot.computed import figures_of
from connector.sandbox.hubspot.events import Event, Happening, Listener
from connector.sandbox.hubspot.figures import of_deal_lines
from connector.sandbox.hubspot.kinds import KINDS, Kind
from connector.sandbox.hubspot.moments import write_moment
from connector.sandbox.hubspot.records import Record, Source
from connector.sandbox.hubspot.refusals import BadValue, Refusal, bad_values
from connector.sandbox.hubspot.rules import RequiredProperties

_FIRST_ID = 20_400_000_001
HUBSPOT_ITSELF = Source("CALCULATED", "PropertyCalculation")

Link = tuple[Place, Sequence[AssociationType]]


class Portal(Book):
    """The state of one account; hold `lock` around everything that belongs together."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.lock = threading.RLock()
        self.required = RequiredProperties()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Hear of every event from now on."""
        self._listeners.append(listener)

    # --- Writing --------------------------------------------------------------------------------

    def check(self, kind: Kind, values: Mapping[str, str], record: Record | None, source: Source) -> None:
        """Everything that may be wrong with a write, all at once. Raises Refusal (400 or 409)."""
        problems = self.catalogues[kind.name].problems(values)
        if problems:
            raise bad_values(problems)
        after = {**(record.values if record else {}), **values}
        if record is None:
            missing = [
                one.name
                for one in self.catalogues[kind.name].properties.values()
                if "required" in one.flags and not after.get(one.name)
            ]
            if missing:
                raise bad_values([BadValue(name, "REQUIRED_FIELD", f"{name} is required") for name in missing])
        self._check_stage(kind, after)
        self._check_unique(kind, values, record)
        if source.type == "INTEGRATION":
            self.required.check(kind.name, after)

    def rehearse_create(
        self, kind: Kind, values: Mapping[str, str], source: Source, links: Sequence[Link] = ()
    ) -> Mapping[str, str]:
        """What a create would set, defaults included, without making it. Raises Refusal (400, 404 or 409)."""
        values = self._with_defaults(kind, values)
        self.check(kind, values, None, source)
        for (to_kind, to_id), _ in links:
            self.find(KINDS[to_kind], to_id)
            if (kind.name, to_kind) == ("deals", "line_items"):
                refuse_second_parent(self.associations, to_id, "")
        return values

    def create(self, kind: Kind, values: Mapping[str, str], source: Source, links: Sequence[Link] = ()) -> Record:
        """A new record with its associations. Raises Refusal (400, 404 or 409); then nothing was made."""
        values = self.rehearse_create(kind, values, source, links)
        now = self.now()
        record = Record(kind, str(_FIRST_ID + len(self.records[kind.name])), now, now)
        self.records[kind.name][record.id] = record
        for name in {kind.created, "hs_createdate", "createdate"} & self.catalogues[kind.name].properties.keys():
            record.put(name, write_moment(now), now, source)
        record.put("hs_object_id", record.id, now, source)
        record.put("hs_object_source", source.type, now, source)
        self._tell(record, "creation", source)
        self._put(record, values, source)
        for place, types in links:
            self.link((kind.name, record.id), place, types, source)
        self._recompute(record)
        return record

    def update(self, record: Record, values: Mapping[str, str], source: Source) -> Record:
        """Set properties. Raises Refusal (400 or 409); then nothing was changed."""
        self.check(record.kind, values, record, source)
        values = self._with_close_date(record, values)
        self._put(record, values, source)
        self._recompute(record)
        return record

    def archive(self, record: Record, source: Source) -> None:
        """Into the recycling bin; what hangs on it is computed again."""
        neighbours = self._neighbours(record)
        record.archived_at = record.updated_at = self.now()
        self._tell(record, "deletion", source)
        for other in neighbours:
            self._sum_up(other)
            self._recompute(other)

    def link(self, one: Place, other: Place, types: Sequence[AssociationType], source: Source) -> None:
        """Associate two records. Raises Refusal (400) for a line item that has a deal already."""
        deal = one[1] if one[0] == "deals" else other[1]
        if {one[0], other[0]} == {"deals", "line_items"}:
            refuse_second_parent(self.associations, other[1] if other[0] == "line_items" else one[1], deal)
        if self.associations.link(one, other, types):
            self._associations_changed(one, other, types, source, removed=False)

    def unlink(self, one: Place, other: Place, source: Source, only: Sequence[AssociationType] | None = None) -> None:
        """Part two records, or take only these labels from them."""
        types = only or self.associations.linked(one, other[0]).get(other[1], [])
        if self.associations.unlink(one, other, only):
            self._associations_changed(one, other, types, source, removed=True)

    def merge(self, primary: Record, other: Record, source: Source) -> Record:
        """Fold `other` into `primary`: its associations move, its id leads to the primary from now on."""
        for name, value in other.values.items():
            if value and not primary.values.get(name):
                primary.put(name, value, self.now(), source)
        here, there = (primary.kind.name, primary.id), (other.kind.name, other.id)
        for kind, neighbour in self.associations.neighbours(there):
            types = self.associations.linked(there, kind)[neighbour]
            self.associations.unlink(there, (kind, neighbour))
            if (kind, neighbour) != here:
                self.associations.link(here, (kind, neighbour), [one for one in types if not one.primary] or types)
        other.merged_into = primary.id
        merged = [*filter(None, primary.values.get("hs_merged_object_ids", "").split(";")), other.id]
        self._set(primary, {"hs_merged_object_ids": ";".join(merged)}, source)
        self._tell(
            primary,
            "merge",
            source,
            more={
                "primaryObjectId": int(primary.id),
                "mergedObjectIds": [int(other.id)],
                "newObjectId": int(primary.id),
            },
        )
        self._recompute(primary)
        return primary

    # --- Rules ----------------------------------------------------------------------------------

    def _with_defaults(self, kind: Kind, values: Mapping[str, str]) -> Mapping[str, str]:
        if kind.name == "deals":
            return {"pipeline": "default", **self._closing(values)}
        if kind.name == "tasks":
            return {"hs_task_status": "NOT_STARTED", "hs_task_priority": "NONE", "hs_task_type": "TODO", **values}
        product_id = values.get("hs_product_id")
        if kind.name == "line_items" and product_id:
            product = self.find(KINDS["products"], product_id)
            copied = (
                "name",
                "description",
                "hs_sku",
                "price",
                "recurringbillingfrequency",
                "hs_recurring_billing_period",
            )
            return {
                **{name: product.values[name] for name in copied if product.values.get(name)},
                "quantity": "1",
                **values,
            }
        return values

    def _with_close_date(self, record: Record, values: Mapping[str, str]) -> Mapping[str, str]:
        moved = values.get("dealstage") not in {None, record.values.get("dealstage")}
        return self._closing(values) if record.kind.name == "deals" and moved else values

    def _closing(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """A deal that is closed without a close date closes now."""
        stage = self.stage(values.get("dealstage", ""))
        if stage is None or not stage.closed or values.get("closedate"):
            return values
        return {**values, "closedate": write_moment(self.now())}

    def _check_stage(self, kind: Kind, after: Mapping[str, str]) -> None:
        if kind.name != "deals" or not after.get("dealstage"):
            return
        pipeline = self.pipelines[after.get("pipeline") or "default"]
        if after["dealstage"] not in {stage.id for stage in pipeline.stages}:
            message = f"{after['dealstage']} is not a stage of pipeline {pipeline.id}"
            raise bad_values([BadValue("dealstage", "INVALID_OPTION", message)])

    def _check_unique(self, kind: Kind, values: Mapping[str, str], record: Record | None) -> None:
        for name, value in values.items():
            one = self.catalogues[kind.name].properties[name]
            if not (one.unique and value):
                continue
            other = self.find_by(kind, name, value)
            if other is None or other is record:
                continue
            if "email" in one.flags:
                raise Refusal(409, "CONFLICT", f"Contact already exists. Existing ID: {other.id}")
            message = f"{name} must be unique; {value} is already in use by {other.id}."
            raise bad_values([BadValue(name, "CONFLICTING_UNIQUE_VALUE", message)])

    # --- Consequences ---------------------------------------------------------------------------

    def _put(self, record: Record, values: Mapping[str, str], source: Source) -> None:
        catalogue = self.catalogues[record.kind.name]
        self._set(record, {name: catalogue.stored(name, value) for name, value in values.items()}, source)

    def _set(self, record: Record, values: Mapping[str, str], source: Source) -> bool:
        """Keep what differs, and tell of it; an unchanged value is no change."""
        changed = {name: value for name, value in values.items() if record.values.get(name, "") != value}
        modified = record.kind.modified
        if not changed and modified in record.values:
            return False
        now = self.now()
        for name, value in changed.items():
            record.put(name, value, now, source)
            self._tell(record, "propertyChange", source, property_name=name, value=value)
        record.updated_at = now
        record.put(modified, write_moment(now), now, source)
        return bool(changed)

    def _recompute(self, record: Record) -> None:
        """Bring up to date what HubSpot computes on this record, and on the deal of a line item."""
        if record.archived:
            return
        computed = figures_of(self, record)
        changed = self._set(record, computed, HUBSPOT_ITSELF)
        if changed and record.kind.name == "line_items":
            for deal_id in self.associations.linked(("line_items", record.id), "deals"):
                self._sum_up(self.records["deals"][deal_id])

    def _sum_up(self, deal: Record) -> None:
        """A deal's amount follows its line items, unless it has none."""
        lines = self.linked(deal, "line_items") if deal.kind.name == "deals" else []
        if lines and not deal.archived:
            self._set(deal, of_deal_lines(line.values for line in lines), HUBSPOT_ITSELF)
            self._recompute(deal)

    def _neighbours(self, record: Record) -> list[Record]:
        places = self.associations.neighbours((record.kind.name, record.id))
        return [self.records[kind][id_] for kind, id_ in places]

    def _associations_changed(
        self, one: Place, other: Place, types: Sequence[AssociationType], source: Source, *, removed: bool
    ) -> None:
        for here, there in ((one, other), (other, one)):
            record = self.records[here[0]][here[1]]
            more = {
                "fromObjectId": int(here[1]),
                "toObjectId": int(there[1]),
                "associationType": f"{record.kind.singular}_to_{KINDS[there[0]].singular}".upper(),
                "associationRemoved": removed,
                "isPrimaryAssociation": any(kind.primary for kind in types),
            }
            self._tell(record, "associationChange", source, more=more)
            if here[0] == "deals" and there[0] == "line_items":
                self._sum_up(record)
            self._recompute(record)

    def _tell(
        self,
        record: Record,
        happening: Happening,
        source: Source,
        *,
        property_name: str = "",
        value: str = "",
        more: Mapping[str, object] | None = None,
    ) -> None:
        event = Event(record.kind, happening, record.id, self.now(), source, property_name, value, more or {})
        for listener in self._listeners:
            listener(event)
