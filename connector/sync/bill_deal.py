"""A won deal becomes a customer and a subscription, once, and its record says so."""

from __future__ import annotations

from connector import targets
from connector.domain.billing_plan import (
    BillingPlan,
    Step,
    StepKey,
)
from connector.domain.deal import Account, Deal
from connector.domain.planning import CUSTOMER, INVOICE, SUBSCRIPTION, plan_billing
from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.errors import CannotBill, Gone, KeyUsed, NeedsHuman, Rejected
from connector.ports import DealBilling, DealRecords, Link, Services
from connector.sync.ask_first import reason_to_ask
from connector.sync.read_deal import read_deal
from connector.targets import TargetKind


def bill_deal(ref: str, services: Services, *, asked: bool = False) -> None:
    """Bill the deal if it is won and not billed yet; a second call changes nothing.

    Whatever a person must fix is told on the deal itself before the work is parked. ``asked`` says that a person has
    named this very deal, so that it is billed even if it may be billed elsewhere already.

    Raises:
        NeedsHuman: the deal waits for a person. RetryLater: a vendor is unwell; nothing was lost or doubled.
    """
    deal_ref = RecordRef.parse(ref)
    with services.store.begin() as work:
        filled = work.links.of(deal_ref)
        billing = work.links.billing_of(deal_ref)
        state = work.records.get(deal_ref)
    if billing is not None and state is not None and state.desired.get("sync_status") == "billed":
        return
    try:
        billed_by = filled.get(SUBSCRIPTION) or filled.get(INVOICE)
        if billing is not None and billed_by is not None:
            _show(deal_ref, billing, billed_by, services)
        else:
            _bill_if_won(deal_ref, services, asked=asked)
    except NeedsHuman as error:
        _tell(deal_ref, {"sync_status": "needs_attention", "sync_message": str(error)}, services)
        raise


def plan_deal(records: DealRecords, services: Services) -> tuple[Deal, BillingPlan]:
    """What billing would have to do for this deal; asks billing only which prices exist.

    Raises:
        CannotBill: it cannot be billed exactly as it stands.
    """
    deal = read_deal(records, services.mappings[records.ref.provider])
    price_ids = sorted({line.product.price_id for line in deal.line_items if line.product.price_id})
    codes = sorted({line.product.code for line in deal.line_items if line.product.code and not line.product.price_id})
    catalogue = services.billing.prices(price_ids, codes)
    return deal, plan_billing(deal, catalogue, services.today(), services.billing_policy)


def _bill_if_won(deal_ref: RecordRef, services: Services, *, asked: bool) -> None:
    try:
        records = services.crms[deal_ref.provider].fetch_deal(deal_ref, services.mappings[deal_ref.provider])
    except Gone:
        return  # before it was billed: there is nothing left to bill, and no record to tell
    if not records.won:
        _forget_complaint(deal_ref, services)
        return
    doubt = "" if asked else reason_to_ask(records, services)
    if doubt:
        # Not parked: asking again every hour would change nothing, and a mass update may touch years of deals.
        _tell(deal_ref, {"sync_status": "needs_attention", "sync_message": doubt}, services)
        return
    with services.store.alone(f"account:{records.account or deal_ref}"):
        _bill(records, services)


def _bill(records: DealRecords, services: Services) -> None:
    deal, plan = plan_deal(records, services)
    if deal.account is not None:
        _refuse_a_second_customer(deal.account, services)
    *before, last = plan.steps
    made: dict[StepKey, RecordRef] = {}
    for step in before:
        made[step.key] = _run(step, made, services)
    payer = before[0].key
    billing = DealBilling(made[payer], payer.owner, plan.expected_first_invoice(), plan.notes)
    _refuse_a_second_bill(last, billing.customer, services)
    billed_by = _run(last, made, services, billing)
    _show(deal.ref, billing, billed_by, services)


def _show(deal_ref: RecordRef, billing: DealBilling, billed_by: RecordRef, services: Services) -> None:
    """Send the first invoice at once, so that the deal shows its link within seconds, and say that it is billed."""
    services.billing.release_first_invoice(billed_by, billing.expected)
    with services.store.begin() as work:
        work.targets.mark_dirty(targets.for_record(TargetKind.ACCOUNT, billing.customer))
    values: dict[str, Value] = {
        "customer_id": billing.customer.id,
        "subscription_id": billed_by.id if billed_by.kind == SUBSCRIPTION else "",
        "sync_status": "billed",
        "sync_message": " ".join(billing.notes),
    }
    _tell(deal_ref, values, services)


def _run(
    step: Step, made: dict[StepKey, RecordRef], services: Services, billing: DealBilling | None = None
) -> RecordRef:
    """Look before doing it again: the Link, then what an unheard-of earlier attempt may have made, then the call.

    The last step comes with how the deal is ``billing``: both are remembered together, so that a crash leaves no deal
    of which only one half is known.
    """
    with services.store.begin() as work:
        known = work.links.get(step.key)
    found = known or _make(step, made, services)
    with services.store.begin() as work:
        if known is None:
            version = services.mappings[step.key.owner.provider].version
            work.links.remember(Link(step.key, found, mapping_version=version, created_at=services.clock()))
            work.audit.record(f"{step.key.role} made", str(step.key.owner), {"target": str(found)}, services.clock())
        if billing is not None:
            work.links.bill_to(step.key.owner, billing)
            evidence = {"customer": billing.customer.id, "billed_by": str(found)}
            work.audit.record("deal billed", str(step.key.owner), evidence, services.clock())
    return found


def _make(step: Step, made: dict[StepKey, RecordRef], services: Services) -> RecordRef:
    with services.store.begin() as work:
        attempt = work.links.attempt(step.key)
    found = services.billing.find(step, made) if attempt.number > 1 else None
    if found is None:
        try:
            found = services.billing.run(step, made, attempt.idempotency_key)
        except (KeyUsed, Rejected):
            # Nothing was made under this key, or what was made will be found next time by its metadata.
            with services.store.begin() as work:
                work.links.new_epoch(step.key)
            raise
    return found


def _refuse_a_second_customer(account: Account, services: Services) -> None:
    """A CRM record that names another customer than our Link is a question for a person, never a second customer.

    Unless ours was deleted in billing: then the record decides, naming another one, or none to have one made.
    """
    key = StepKey(account.ref, CUSTOMER)
    with services.store.begin() as work:
        linked = work.links.get(key)
        known = work.ledger.account(linked) if linked is not None else None
    if linked is None:
        return
    if known is not None and known.customer.deleted:
        if account.customer_id == linked.id:
            raise CannotBill(
                f"The account's customer {linked.id} was deleted in billing.",
                field="account.customer_id",
                hint="Name another customer on the account, or empty the field to have a new one made.",
                ref=account.ref,
            )
        with services.store.begin() as work:
            work.links.give_up(Link(key, linked))
            work.audit.record("customer given up", str(account.ref), {"customer": linked.id}, services.clock())
    elif account.customer_id and linked.id != account.customer_id:
        raise CannotBill(
            f"The account names the billing customer {account.customer_id}, but has been billed as {linked.id}.",
            field="account.customer_id",
            hint="Put the right customer id on the account, or empty the field.",
            ref=account.ref,
        )


def _refuse_a_second_bill(last: Step, payer: RecordRef, services: Services) -> None:
    """What an unheard-of attempt made before the deal was changed is a question for a person, never a second bill.

    The step's own ``find`` sees only what fits the deal as it is now: the same customer, recurring or not.
    """
    deal = last.key.owner
    with services.store.begin() as work:
        earlier = work.links.try_payer(deal, payer)
        if work.links.get(last.key) is not None:
            return
    invoiced = last.key.role == INVOICE
    for customer in earlier:
        for there in services.billing.made_for(deal, customer):
            if customer == payer and (there.kind == INVOICE) == invoiced:
                continue
            raise CannotBill(
                f"The deal was billed already, before it was changed: as {there.kind} {there.id} of {customer.id}.",
                field="deal.account" if customer != payer else "deal.line_items",
                hint=f"Put the deal back as it was, or cancel or void the {there.kind} in billing; then replay it.",
                ref=deal,
            )


def _tell(deal_ref: RecordRef, values: dict[str, Value], services: Services) -> None:
    with services.store.begin() as work:
        if work.records.desire(deal_ref, values):
            work.targets.mark_dirty(targets.for_crm(deal_ref.provider))


def _forget_complaint(deal_ref: RecordRef, services: Services) -> None:
    """A deal that is open again needs no complaint about how it could not be billed."""
    with services.store.begin() as work:
        state = work.records.get(deal_ref)
    if state is not None and state.desired.get("sync_status") == "needs_attention":
        _tell(deal_ref, {"sync_status": "waiting", "sync_message": ""}, services)
