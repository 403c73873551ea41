"""What waits for a person is listed, approved and declined on the command line, beside a connector that runs."""

from __future__ import annotations

import json

import pytest

from connector.cli.demo.control import Control
from tests.e2e.book import one_each
from tests.e2e.command_line import run_in
from tests.e2e.world import World

pytestmark = pytest.mark.slow


def test_edits_of_billed_deals_are_listed_and_decided(town: World) -> None:
    """Another PO number on two deals that are billed: one is approved, one declined; both records say so."""
    assert run_in(town, "approvals").output.strip() == "Nothing waits for approval."
    agreed, refused = placed = town.place(one_each("Edited"))
    town.win(placed)
    town.settle()
    _another_po_number(town.control, agreed.deal.id, refused.deal.id)
    town.settle()

    told = run_in(town, "approvals")
    listed = {entry["deal"]: entry for entry in json.loads(run_in(town, "approvals", "--json").stdout)}
    assert set(listed) == {str(one.deal) for one in placed}
    assert all(f"{one.deal.provider}:{one.deal.id}" in told.output for one in placed)
    assert all("PO-2" in entry["reason"] for entry in listed.values())
    assert town.shown(agreed, "sync_status") == ["awaiting_approval"]

    plan = listed[str(agreed.deal)]["hash"]
    other = run_in(town, "approve", str(agreed.deal), "--hash", "0" * 12)
    assert other.exit_code == 2
    assert "approval-of-another-plan" in other.output
    assert run_in(town, "approve", str(agreed.deal), "--hash", plan[:12], "--by", "Fin").exit_code == 0
    said_no = run_in(town, "decline", str(refused.deal), "--why", "the buyer wants the old one", "--json")
    assert json.loads(said_no.stdout)["decided_why"] == "the buyer wants the old one"
    town.settle()

    assert town.shown(agreed, "sync_status") == ["billed"]
    [status, message] = town.shown(refused, "sync_status", "sync_message")
    assert status == "needs_attention"
    assert "the buyer wants the old one" in str(message)
    assert json.loads(run_in(town, "approvals", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("approve", "salesforce:0065g00000NOBODY1"), "nothing-to-approve"),
        (("decline", "hubspot:404", "--why", "no"), "nothing-to-approve"),
        (("release", "in_nobody", "--why", "no"), "in_nobody"),
    ],
)
def test_what_is_not_there_cannot_be_decided(town: World, arguments: tuple[str, ...], said: str) -> None:
    told = run_in(town, *arguments)

    assert told.exit_code == 2
    assert said in told.output


def _another_po_number(control: Control, opportunity: str, deal: str) -> None:
    control.patch(f"/salesforce/records/Opportunity/{opportunity}", {"Billing_PO_Number__c": "PO-2"})
    control.patch(
        f"/hubspot/objects/deals/{deal}", {"properties": {"billing_po_number": "PO-2", "hs_next_step": "look again"}}
    )
