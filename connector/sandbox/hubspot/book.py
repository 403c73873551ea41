"""The state of one HubSpot account, and how to find things in it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from connector.sandbox.clock import Clock
from connector.sandbox.hubspot.associations import Associations
from connector.sandbox.hubspot.catalogue import Catalogue
from connector.sandbox.hubspot.kinds import KINDS, Kind
from connector.sandbox.hubspot.pipelines import Stage, standard_owners, standard_pipelines
from connector.sandbox.hubspot.properties import Option
from connector.sandbox.hubspot.records import Record
from connector.sandbox.hubspot.refusals import PORTAL_ID, Refusal, invalid, not_found


class Book:
    """Records, associations, properties, pipelines and owners."""

    def __init__(self, clock: Clock) -> None:
        self.id = PORTAL_ID
        self.clock = clock
        now = clock.now()
        self.pipelines = standard_pipelines(now)
        self.owners = standard_owners(now)
        self.catalogues = {name: Catalogue(kind, now, self._choices) for name, kind in KINDS.items()}
        self.records: dict[str, dict[str, Record]] = {name: {} for name in KINDS}
        self.associations = Associations()

    def now(self) -> datetime:
        """The present, to the millisecond: HubSpot keeps no finer time."""
        now = self.clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def find(self, kind: Kind, record_id: str, *, archived: bool = False) -> Record:
        """A record by its id; the id of a merged one leads to what it was merged into. Raises Refusal (404)."""
        record = self.records[kind.name].get(record_id)
        while record is not None and record.merged_into is not None:
            record = self.records[kind.name][record.merged_into]
        if record is None or record.archived != archived:
            raise not_found(kind.singular, record_id)
        return record

    def find_by(self, kind: Kind, id_property: str | None, value: str) -> Record | None:
        """The live record with this id, or with this value of a unique property. Raises Refusal (400)."""
        if id_property in {None, "", "hs_object_id"}:
            try:
                return self.find(kind, value)
            except Refusal:
                return None
        one = self.catalogues[kind.name].live(id_property or "")
        if one is None or not one.unique:
            raise invalid(f"Property {id_property} is not a unique identifier of {kind.name}")
        stored = value.strip().lower() if "email" in one.flags else value
        return next((found for found in self.live(kind) if found.values.get(one.name) == stored), None)

    def live(self, kind: Kind) -> Iterable[Record]:
        """Every record that is neither archived nor merged away, oldest first."""
        return (one for one in self.records[kind.name].values() if not one.archived and one.merged_into is None)

    def stage(self, stage_id: str) -> Stage | None:
        """A deal stage of any pipeline."""
        for pipeline in self.pipelines.values():
            for stage in pipeline.stages:
                if stage.id == stage_id:
                    return stage
        return None

    def linked(self, record: Record, kind: str) -> list[Record]:
        """The live records of a kind associated with this one."""
        ids = self.associations.linked((record.kind.name, record.id), kind)
        return [self.records[kind][id_] for id_ in ids if not self.records[kind][id_].archived]

    def _choices(self, flag: str) -> Sequence[Option]:
        if flag == "owners":
            return [
                Option(one.id, f"{one.first_name} {one.last_name}") for one in self.owners.values() if not one.archived
            ]
        if flag == "pipelines":
            return [Option(one.id, one.label, one.order) for one in self.pipelines.values()]
        stages = [stage for pipeline in self.pipelines.values() for stage in pipeline.stages]
        return [Option(stage.id, stage.label, order) for order, stage in enumerate(stages)]
