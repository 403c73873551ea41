"""One house per CRM: the adapter, and hands that do in the CRM what people do. The fake lives in a house too."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from connector.cli.demo.control import Control
from connector.crm import CRMS
from connector.crm.salesforce.ids import long_id
from connector.domain.refs import RecordRef
from connector.errors import Unreachable
from connector.ports import Crm
from connector.sandbox import Sandbox
from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import CLIENT_KEY, CLIENT_SECRET
from mappings.load import default_mapping
from mappings.model import FieldMapping
from tests.factories import NOW
from tests.fakes import MAPPING, OPEN_STAGES, FakeCrm, a_fake_deal, no_trouble


class OpenGate:
    """A throttle that lets everything through and counts."""

    def __init__(self) -> None:
        self.turns: list[str] = []

    def wait(self, name: str) -> None:
        self.turns.append(name)

    def budget(self, name: str, used: int, allowed: int) -> None:
        self.turns.append(f"{name} {used}/{allowed}")


@dataclass(frozen=True)
class Task:
    """A task as people see it. ``owner`` is an id; ``body`` is what they read, without the vendor's markup."""

    id: str
    subject: str
    body: str
    due: str
    owner: str | None
    done: bool
    high_priority: bool


class House(Protocol):
    """A CRM with people in it."""

    mapping: FieldMapping

    @property
    def crm(self) -> Crm: ...

    def now(self) -> datetime: ...

    def deal(self, *, won: bool) -> tuple[RecordRef, RecordRef]:
        """Five seats at 20.00 a month for one company; gives the deal and its account."""
        ...

    def win(self, deal: RecordRef) -> None: ...

    def shown(self, record: RecordRef, field: str) -> Any: ...

    def unused_id(self, like: RecordRef) -> str:
        """A well-formed id of the same kind that no record has."""
        ...

    def writes(self) -> int:
        """How many write calls were made so far."""
        ...

    def calls(self) -> int:
        """How many calls of any kind were made so far."""
        ...

    def goes_away(self) -> None:
        """From now on every call fails as if the vendor were down."""
        ...

    def another_deal(self, account: RecordRef, *, won: bool = False) -> RecordRef:
        """One more deal of this account, made a moment after the others."""
        ...

    def give(self, record: RecordRef, person: int = 0) -> RecordRef:
        """Somebody gets the account or deal; gives who."""
        ...

    def leaves(self, owner: RecordRef) -> None:
        """Somebody leaves the company; what they own stays theirs."""
        ...

    def tasks(self, record: RecordRef) -> list[Task]:
        """The tasks that people see about a record, oldest first."""
        ...

    def delete_task(self, task: RecordRef) -> None: ...

    def loses_the_answer(self) -> None:
        """The next task is made, but its answer never arrives."""
        ...


@dataclass
class FakeHouse:
    """The fake itself."""

    crm: FakeCrm = field(default_factory=lambda: FakeCrm(clock=lambda: NOW))
    mapping: FieldMapping = MAPPING
    deals: int = 0

    def now(self) -> datetime:
        return NOW

    def deal(self, *, won: bool) -> tuple[RecordRef, RecordRef]:
        self.deals += 1
        deal = a_fake_deal(str(self.deals), account=str(self.deals), won=won)
        deal = replace(deal, stage="signed" if won else OPEN_STAGES[1])
        self.crm.has(deal, at=NOW)
        assert deal.account is not None
        return deal.ref, deal.account

    def win(self, deal: RecordRef) -> None:
        self.crm.has(replace(a_fake_deal(deal.id, account=deal.id), won_at=NOW), at=NOW)

    def another_deal(self, account: RecordRef, *, won: bool = False) -> RecordRef:
        self.deals += 1
        return self.crm.has(a_fake_deal(str(self.deals), account=account.id, won=won), at=NOW)

    def give(self, record: RecordRef, person: int = 0) -> RecordRef:
        self.crm.owners[record] = RecordRef("fake", "owner", f"person-{person}")
        return self.crm.owners[record]

    def leaves(self, owner: RecordRef) -> None:
        self.crm.inactive.add(owner)

    def tasks(self, record: RecordRef) -> list[Task]:
        return [
            Task(
                ref.id,
                task.subject,
                "\n\n".join(filter(None, (task.body, self.crm.closed_tasks.get(ref)))),
                task.due.isoformat(),
                task.owner.id if task.owner else None,
                ref in self.crm.closed_tasks,
                task.high_priority,
            )
            for ref, task in self.crm.tasks.items()
            if task.record == record
        ]

    def delete_task(self, task: RecordRef) -> None:
        del self.crm.tasks[task]

    def loses_the_answer(self) -> None:
        def lose(operation: str) -> None:
            if operation == "after create_task":
                self.crm.trouble = no_trouble
                raise Unreachable("The answer was lost.")

        self.crm.trouble = lose

    def shown(self, record: RecordRef, field: str) -> Any:
        return self.crm.shown[record].get(field)

    def unused_id(self, like: RecordRef) -> str:
        return "unused"

    def writes(self) -> int:
        return self.crm.calls.count("write")

    def calls(self) -> int:
        return len(self.crm.calls)

    def goes_away(self) -> None:
        def away(_operation: str) -> None:
            raise Unreachable("The CRM is away.")

        self.crm.trouble = away


class SandboxHouse:
    """A real adapter over real HTTP, after its set-up."""

    task_operation = ""

    def __init__(self, name: str, sandbox: Sandbox, settings: Any) -> None:
        self.name = name
        self.sandbox = sandbox
        self.control = Control(sandbox.control_url)
        self.mapping = default_mapping(name)
        self.crm: Crm = CRMS[name].connect(settings, OpenGate(), sandbox.clock.now)
        for action in self.crm.setup(self.mapping):
            if not action.done and action.apply is not None:
                action.apply()

    def now(self) -> datetime:
        return self.sandbox.clock.now()

    def goes_away(self) -> None:
        self.sandbox.faults.add(Fault(self.name, "server_error", times=1000))

    def loses_the_answer(self) -> None:
        fault = Fault(self.name, "server_error", operation=f"POST {self.task_operation}", after_work=True)
        self.sandbox.faults.add(fault)

    def tasks(self, record: RecordRef) -> list[Task]:
        shown = self.control.get(f"/{self.name}/tasks/{self.place(record)}")["tasks"]
        return [Task(**{**each, "body": self.read(each["body"] or "")}) for each in shown]

    def place(self, record: RecordRef) -> str:
        return record.id

    def read(self, body: str) -> str:
        return body

    def calls(self) -> int:
        return self._calls()

    def _calls(self, *fragments: str) -> int:
        counts = self.sandbox.log.counts().get(self.name, {})
        return sum(n for operation, n in counts.items() if all(part in operation for part in fragments))


class SalesforceHouse(SandboxHouse):
    """An org with an integration user."""

    task_operation = "*/sobjects/{object}"

    def deal(self, *, won: bool) -> tuple[RecordRef, RecordRef]:
        made = self.control.post(
            "/salesforce/deals",
            {
                "account": {"Name": "Company 1"},
                "contact": {"LastName": "Payable", "Email": "ap@acme.example"},
                "opportunity": {
                    "Name": "Deal 1",
                    "CloseDate": "2026-11-21",
                    "StageName": "Signed and Countersigned" if won else "Prospecting",
                },
                "lines": [
                    {"product": {"Name": "Seats"}, "Quantity": 5, "UnitPrice": 20, "Billing_Frequency__c": "Monthly"}
                ],
            },
        )
        return (
            RecordRef("salesforce", "deal", made["opportunity_id"]),
            RecordRef("salesforce", "account", made["account_id"]),
        )

    def another_deal(self, account: RecordRef, *, won: bool = False) -> RecordRef:
        self.control.advance(timedelta(minutes=1))
        stage = "Signed and Countersigned" if won else "Prospecting"
        fields = {"Name": "Another", "CloseDate": "2026-12-31", "StageName": stage, "AccountId": account.id}
        return RecordRef("salesforce", "deal", self.control.post("/salesforce/records/Opportunity", fields)["id"])

    def give(self, record: RecordRef, person: int = 0) -> RecordRef:
        owner = self.control.get("/salesforce/organization")["owners"][person]
        kind = {"deal": "Opportunity", "account": "Account"}[record.kind]
        self.control.patch(f"/salesforce/records/{kind}/{record.id}", {"OwnerId": owner})
        return RecordRef("salesforce", "owner", owner)

    def leaves(self, owner: RecordRef) -> None:
        self.control.patch(f"/salesforce/records/User/{owner.id}", {"IsActive": False})

    def delete_task(self, task: RecordRef) -> None:
        self.control.delete(f"/salesforce/records/Task/{task.id}")

    def win(self, deal: RecordRef) -> None:
        self.control.patch(f"/salesforce/records/Opportunity/{deal.id}", {"StageName": "Closed Won"})

    def shown(self, record: RecordRef, field: str) -> Any:
        kind = {"deal": "Opportunity", "account": "Account"}[record.kind]
        return self.control.get(f"/salesforce/records/{kind}/{record.id}")[field]

    def unused_id(self, like: RecordRef) -> str:
        return long_id(f"{like.id[:10]}ZZZZZ")

    def writes(self) -> int:
        return self._calls("PATCH", "composite/sobjects")


class HubSpotHouse(SandboxHouse):
    """A portal with a service key."""

    task_operation = "*/objects/*"

    def deal(self, *, won: bool) -> tuple[RecordRef, RecordRef]:
        made = self.control.post(
            "/hubspot/deals",
            {
                "company": {"name": "Company 1"},
                "contact": {"lastname": "Payable", "email": f"ap{self._calls('')}@acme.example"},
                "deal": {
                    "dealname": "Deal 1",
                    "pipeline": "94113927",
                    "dealstage": "172640984" if won else "172640983",  # "Closed Won (verbal)" is still open
                    "deal_currency_code": "EUR",
                },
                "line_items": [
                    {"name": "Seats", "quantity": "5", "price": "20.00", "recurringbillingfrequency": "monthly"}
                ],
            },
        )
        return RecordRef("hubspot", "deal", made["deal"]), RecordRef("hubspot", "account", made["company"])

    def another_deal(self, account: RecordRef, *, won: bool = False) -> RecordRef:
        self.control.advance(timedelta(minutes=1))
        made = self.control.post(
            "/hubspot/deals",
            {
                "company": account.id,
                "deal": {
                    "dealname": "Another",
                    "pipeline": "94113927",
                    "dealstage": "172640984" if won else "172640983",
                },
            },
        )
        return RecordRef("hubspot", "deal", made["deal"])

    def give(self, record: RecordRef, person: int = 0) -> RecordRef:
        owner = f"7120441{person + 1}"
        self.control.patch(f"/hubspot/objects/{self.place(record)}", {"properties": {"hubspot_owner_id": owner}})
        return RecordRef("hubspot", "owner", owner)

    def leaves(self, owner: RecordRef) -> None:
        self.control.put(f"/hubspot/owners/{owner.id}", {"archived": True})

    def delete_task(self, task: RecordRef) -> None:
        self.control.delete(f"/hubspot/objects/tasks/{task.id}")

    def place(self, record: RecordRef) -> str:
        return "/".join(({"deal": "deals", "account": "companies"}[record.kind], record.id))

    def read(self, body: str) -> str:
        return html.unescape(body.replace("<br>", "\n"))

    def win(self, deal: RecordRef) -> None:
        self.control.patch(f"/hubspot/objects/deals/{deal.id}", {"properties": {"dealstage": "172640984"}})

    def shown(self, record: RecordRef, field: str) -> Any:
        kind = {"deal": "deals", "account": "companies"}[record.kind]
        return self.control.get(f"/hubspot/objects/{kind}/{record.id}")["properties"].get(field)

    def unused_id(self, like: RecordRef) -> str:
        return "99999999"

    def writes(self) -> int:
        return self._calls("POST", "batch/update")


@contextmanager
def fake_house() -> Iterator[House]:
    yield FakeHouse()


@contextmanager
def salesforce_house() -> Iterator[House]:
    with Sandbox() as sandbox:
        settings = CRMS["salesforce"].settings(
            instance_url=sandbox.salesforce_url, client_id=CLIENT_KEY, client_secret=CLIENT_SECRET, currency="EUR"
        )
        yield SalesforceHouse("salesforce", sandbox, settings)


@contextmanager
def hubspot_house() -> Iterator[House]:
    with Sandbox() as sandbox:
        Control(sandbox.control_url).put("/hubspot/tokens", {"token": "pat-test"})
        settings = CRMS["hubspot"].settings(access_token="pat-test", base_url=sandbox.hubspot_url)
        yield HubSpotHouse("hubspot", sandbox, settings)


HOUSES: Mapping[str, Callable[[], Any]] = {
    "fake": fake_house,
    "salesforce": salesforce_house,
    "hubspot": hubspot_house,
}
