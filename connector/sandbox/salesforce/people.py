"""What people do at Salesforce's own pages: edit records, win deals, merge accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.sandbox.salesforce.access import Actor
from connector.sandbox.salesforce.deals import DealMaker
from connector.sandbox.salesforce.ids import normal_id
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.records import Writer, stamp
from connector.sandbox.salesforce.records_shown import shown
from connector.sandbox.salesforce.rules_tasks import tasks_on
from connector.sandbox.salesforce.schema import ObjectType
from connector.sandbox.salesforce.seed import Seeded
from connector.sandbox.salesforce.values import Record

Values = Mapping[str, object]


@dataclass(frozen=True)
class People:
    """Hands that see and may do everything in one org; `seeded` knows who is who."""

    org: Org
    seeded: Seeded

    def create(self, object_name: str, values: Values, by: str | None = None) -> str:
        """Create a record and return its id; raises errors.Refused as the page would."""
        with self.org.lock:
            return self._writer(by).create(self._type(object_name), values)

    def update(self, object_name: str, record_id: str, values: Values, by: str | None = None) -> None:
        """Edit a record."""
        with self.org.lock:
            self._writer(by).update(self._type(object_name), record_id, values)

    def delete(self, object_name: str, record_id: str, by: str | None = None) -> None:
        """Put a record in the bin."""
        with self.org.lock:
            self._writer(by).delete(self._type(object_name), record_id)

    def read(self, object_name: str, record_id: str) -> dict[str, object]:
        """One record with every field, deleted or not; KeyError when there is none."""
        with self.org.lock:
            object_type = self._type(object_name)
            record = self.org.row(object_type.name, normal_id(record_id) or "")
            if record is None:
                raise KeyError(f"There is no {object_name} {record_id}")
            return _dump(object_type, record)

    def read_all(self, object_name: str, *, deleted: bool = False) -> list[dict[str, object]]:
        """Every record of an object with every field."""
        with self.org.lock:
            object_type = self._type(object_name)
            return [_dump(object_type, one) for one in self.org.rows(object_type.name, deleted=deleted)]

    def tasks(self, record_id: str) -> list[dict[str, object]]:
        """The tasks about a record, as its page shows them."""
        with self.org.lock:
            return tasks_on(self.org, normal_id(record_id) or record_id)

    def create_deal(self, deal: Mapping[str, object], by: str | None = None) -> dict[str, object]:
        """An opportunity with all that hangs on it, in one step: see DealMaker.make."""
        with self.org.lock, self.org.unit():
            return DealMaker(self.org, self._writer(by), self.seeded.standard_price_book).make(deal)

    def merge(self, object_name: str, master_id: str, loser_ids: Sequence[str]) -> None:
        """Merge records as the merge page does: the losers' children move to the master, the losers go to the bin.

        Source: SOAP API guide, merge(); a loser keeps MasterRecordId.
        """
        with self.org.lock, self.org.unit():
            writer, object_type = self._writer(None), self._type(object_name)
            master = str(writer.existing(object_type, master_id)["Id"])
            for given in loser_ids:
                loser = writer.existing(object_type, given)
                self._move_children(object_type, str(loser["Id"]), master)
                gone: Record = {**loser, "IsDeleted": True, "MasterRecordId": master}
                stamp(self.org, object_type, gone, writer.actor.user_id, new=False)
                self.org.put(object_type.name, gone)

    def _move_children(self, object_type: ObjectType, loser: str, master: str) -> None:
        for child in object_type.children.values():
            child_type = self.org.schema.find(child.object)
            for row in self.org.children(child.object, child.field, loser) if child_type else []:
                moved: Record = {**row, child.field: master}
                if child_type is not None:
                    stamp(self.org, child_type, moved, self.seeded.admin, new=False)
                self.org.put(child.object, moved)

    def _writer(self, by: str | None) -> Writer:
        user = by or self.seeded.owners[0]
        return Writer(self.org, Actor(user, sees_all=True))

    def _type(self, name: str) -> ObjectType:
        found = self.org.schema.find(name)
        if found is None:
            raise KeyError(f"There is no object {name}")
        return found


def _dump(object_type: ObjectType, record: Record) -> dict[str, object]:
    return {field.name: shown(field, record) for field in object_type.fields.values()}
