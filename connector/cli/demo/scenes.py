"""The scenes of the quarter: a ramp that is previewed, an upsell in mid-term, a refusal that a field change heals.

While the quarter passes, each scene keeps what was to be seen in it; ``scene_verdict`` holds that against Stripe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from connector.cli.demo.book import Scene
from connector.cli.demo.renewal_scene import RenewalSeen
from connector.cli.demo.seed import Desk, Placed
from connector.cli.demo.stage import Stage
from connector.cli.plan import Preview, preview
from connector.domain.inbox import EventKind
from connector.domain.refs import RecordRef

_EVENTS_LOOKED_AT = 500
_ONLY_LOOK = ("/batch/read", "/search", "/oauth2/token")


@dataclass
class Refusal:
    """What a deal's record said, what somebody did about it in the CRM, and what the record said then."""

    status: str
    sentence: str
    mended_by: str = ""
    rung_by: str = ""  #: the vendor's own name for the webhook that told us
    healed_status: str = ""
    healed_sentence: str = ""


@dataclass
class Seen:
    """What there was to see, by deal."""

    previews: dict[RecordRef, Preview] = field(default_factory=dict)
    written_by_previews: int = 0  #: requests that made or changed something at any vendor; there should be none
    refusals: dict[RecordRef, Refusal] = field(default_factory=dict)
    won_on: dict[RecordRef, date] = field(default_factory=dict)
    renewals: dict[RecordRef, RenewalSeen] = field(default_factory=dict)


def in_scene(scene: Scene, placed: Sequence[Placed]) -> list[Placed]:
    """The deals of one scene."""
    return [one for one in placed if one.sale.scene is scene]


def look_ahead(stage: Stage, ramps: Sequence[Placed], seen: Seen) -> None:
    """Ask what billing would make of each ramp while it is still open, as ``connector plan`` does."""
    before = _writes(stage)
    for one in ramps:
        seen.previews[one.deal] = preview(one.deal, stage.services)
    seen.written_by_previews += _writes(stage) - before


def read_refusals(stage: Stage, refused: Sequence[Placed], at: Mapping[str, Desk], seen: Seen) -> None:
    """What the records say of deals that are won and cannot be billed."""
    for one in refused:
        seen.refusals[one.deal] = Refusal(*_status_and_message(stage, at, one))


def mend(stage: Stage, refused: Sequence[Placed], at: Mapping[str, Desk], seen: Seen) -> None:
    """Somebody fills in the field in the CRM; nobody does anything in the connector. Then the records are read again.

    Raises:
        Unreachable: the connector does not come to rest.
    """
    rung = {event for one in refused for event, _ in _bells(stage, one)}
    for one in refused:
        seen.refusals[one.deal].mended_by = _mended(at[one.sale.crm], one)
    stage.settle()
    for one in refused:
        refusal = seen.refusals[one.deal]
        refusal.healed_status, refusal.healed_sentence = _status_and_message(stage, at, one)
        refusal.rung_by = next((kind for event, kind in _bells(stage, one) if event not in rung), "")


def _mended(desk: Desk, one: Placed) -> str:
    if one.sale.email_missing:
        desk.add_email(one)
        return "adds the contact's e-mail address and notes it on the deal"
    desk.change_term(one, one.sale.months_meant)
    return f"changes the term from {one.sale.term_months} to {one.sale.months_meant} months"


def _status_and_message(stage: Stage, at: Mapping[str, Desk], one: Placed) -> tuple[str, str]:
    fields = stage.services.mappings[one.sale.crm].write_back["deal"]
    shown = at[one.sale.crm].shown(one.deal)
    status, message = (str(shown.get(fields[name]) or "") for name in ("sync_status", "sync_message"))
    return status, message


def _bells(stage: Stage, one: Placed) -> list[tuple[str, str]]:
    """Every webhook about the deal that is in the inbox: its id, and what the vendor calls it."""
    with stage.services.store.begin() as work:
        recent = work.inbox.recent(_EVENTS_LOOKED_AT)
    return [
        (event.event_id, event.type)
        for event in recent
        if event.kind is EventKind.DEAL_CHANGED and event.subject == one.deal
    ]


def _writes(stage: Stage) -> int:
    """Requests to the vendors that make or change something; some that only look are posted, too."""
    counts = stage.control.get("/log")["counts"].values()
    return sum(
        times
        for operations in counts
        for operation, times in operations.items()
        if not operation.startswith("GET") and not operation.endswith(_ONLY_LOOK)
    )
