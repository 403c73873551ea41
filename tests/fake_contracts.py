"""The running contracts of the billing system in memory: started, read, changed and ended, but never growing older."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from connector.domain.billing_plan import (
    META_AMENDED_BY,
    META_CONTRACT_END,
    META_DEAL,
    ChangeSubscription,
    EndSubscription,
    InlinePrice,
    ItemChange,
    MakeSubscription,
    PlannedLine,
    StepKey,
)
from connector.domain.contract import ContractItem, LaterPhase, RunningContract
from connector.domain.dates import add_intervals
from connector.domain.refs import RecordRef
from connector.errors import CannotBill, NotFound

Made = Mapping[StepKey, RecordRef]


@dataclass
class Contracts:
    """Every contract by the id of its subscription, or of the schedule that waits to start it."""

    by_id: dict[str, RunningContract] = field(default_factory=dict)

    def of(self, ref: RecordRef) -> RunningContract:
        """The contract behind a subscription or a schedule."""
        for contract in self.by_id.values():
            if ref in (contract.subscription, contract.schedule):
                return contract
        raise NotFound("There is no such contract.", ref=ref)

    def running(self, customer: RecordRef) -> list[RunningContract]:
        """Those of a customer that bill or will bill, newest first."""
        mine = [each for each in self.by_id.values() if each.customer == customer and each.status != "canceled"]
        return mine[::-1]

    def start(self, step: MakeSubscription, ref: RecordRef, made: Made, today: date, invoice: RecordRef | None) -> None:
        """A contract from its step."""
        first, *rest = step.phases
        trial_only = first.trial and len(rest) == 1 and rest[0].recurring == first.recurring
        last = step.phases[-1]
        waits = step.start > today
        scheduled = waits or (bool(rest) and not trial_only) or (step.ends and step.anchor is None and not first.trial)
        end_of_term = step.metadata.get(META_CONTRACT_END)
        self.by_id[ref.id] = RunningContract(
            subscription=ref,
            customer=made[step.customer],
            status="not_started" if waits else "trialing" if first.trial else "active",
            currency=step.currency,
            items=_items(first.recurring, first.start, made, f"si_{ref.id}"),
            started=step.start,
            deal=RecordRef.parse(step.metadata[META_DEAL]),
            contract_end=date.fromisoformat(end_of_term) if end_of_term else None,
            ends=last.end if step.ends else None,
            schedule=(ref if waits else RecordRef("stripe", "schedule", f"sched_{ref.id}")) if scheduled else None,
            collection=step.terms.collection,
            net_days=step.terms.net_days,
            latest_invoice=invoice,
            anchor=None if waits else step.anchor or step.start,
            later=()
            if trial_only
            else tuple(
                LaterPhase(
                    phase.start,
                    phase.end if step.ends else None if phase is last else phase.end,
                    _items(phase.recurring, phase.start, made, f"price_{ref.id}"),
                )
                for phase in rest
            ),
        )

    def change(self, step: ChangeSubscription, made: Made, today: date, ident: str) -> None:
        """The contract as the step has it; a day to come makes a later phase of it."""
        contract = self.of(step.subscription)
        if contract.status == "canceled":
            raise CannotBill("The contract has ended.", ref=step.key.owner)
        if step.on is None or step.on <= today:
            contract = replace(contract, items=_changed(contract.items, step.changes, step, made, today, ident))
        else:
            items = _changed(contract.items, step.changes, step, made, step.on, ident)
            before = tuple(phase for phase in contract.later if phase.start < step.on)
            phase = LaterPhase(step.on, step.ends_on or contract.ends, items)
            schedule = contract.schedule or RecordRef("stripe", "schedule", f"sched_{ident}")
            contract = replace(contract, later=(*before, phase), schedule=schedule)
        changes = {each.start: each.changes for each in step.later}
        later = tuple(
            replace(phase, items=_changed(phase.items, changes.get(phase.start, ()), step, made, phase.start, ident))
            for phase in contract.later
        )
        amended = step.metadata.get(META_AMENDED_BY, "").split()
        self.by_id[contract.subscription.id] = replace(
            contract,
            later=later,
            ends=step.ends_on or contract.ends,
            amended_by=tuple(map(RecordRef.parse, amended)) or contract.amended_by,
        )

    def end(self, step: EndSubscription, today: date) -> None:
        """The contract is over, or will be on its day."""
        contract = self.of(step.subscription)
        now = step.on is None or step.on <= today or step.on <= contract.started
        self.by_id[contract.subscription.id] = replace(
            contract, status="canceled" if now else contract.status, ends=contract.ends if now else step.on
        )

    def ends_as(self, step: EndSubscription) -> bool:
        """Whether the contract ends already as the step says."""
        contract = self.of(step.subscription)
        return contract.status == "canceled" or (step.on is not None and contract.ends == step.on)


def _changed(
    items: Sequence[ContractItem],
    changes: Sequence[ItemChange],
    step: ChangeSubscription,
    made: Made,
    start: date,
    ident: str,
) -> tuple[ContractItem, ...]:
    out = {item.id: item for item in items}
    for number, change in enumerate(changes):
        if change.item_id and change.item_id not in out:
            raise CannotBill(f"The contract has no line {change.item_id} any more.", ref=step.key.owner)
        if change.line is None:
            del out[change.item_id]
        elif change.item_id:
            old = out[change.item_id]
            new = _item(change.line, start, made, old.id)
            out[old.id] = replace(new, period_start=old.period_start, period_end=old.period_end)
            if new.price_id == old.price_id:
                out[old.id] = replace(
                    out[old.id], unit_amount=old.unit_amount, product_id=old.product_id, product=old.product
                )
        else:
            out[f"{ident}_{number}"] = _item(change.line, start, made, f"{ident}_{number}")
    return tuple(out.values())


def _items(lines: Sequence[PlannedLine], start: date, made: Made, ident: str) -> tuple[ContractItem, ...]:
    return tuple(_item(line, start, made, f"{ident}_{number}") for number, line in enumerate(lines))


def _item(line: PlannedLine, start: date, made: Made, ident: str) -> ContractItem:
    price = line.price
    if isinstance(price, InlinePrice):
        product = price.product if isinstance(price.product, str) else made[price.product].id
        owner = None if isinstance(price.product, str) else price.product.owner
        unit, interval, name = price.unit_amount, price.interval, f"price_{ident}"
    else:
        product, owner, unit, interval, name = "", None, None, line.interval, price.price_id
    return ContractItem(
        id=ident,
        product_id=product,
        price_id=name,
        unit_amount=unit,
        quantity=line.quantity,
        interval=interval,
        period_start=start,
        period_end=add_intervals(start, interval) if interval is not None else start,
        line=line.line,
        metered=line.metered,
        product=owner,
        description=line.description,
    )
