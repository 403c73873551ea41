"""The state behind this Stripe: objects by kind and id, an agenda of what falls due, and a journal to undo."""

import heapq
import itertools
import random
import string
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.sandbox.clock import Clock
from connector.sandbox.documents.stripe import StripeDocument
from connector.sandbox.stripe.errors import missing

if TYPE_CHECKING:
    from connector.sandbox.stripe.events import Events

Obj = dict[str, Any]

_ALPHABET = string.ascii_letters + string.digits
_PREFIXES = {
    "customer": ("cus_", 14),
    "product": ("prod_", 14),
    "price": ("price_1", 23),
    "coupon": ("", 8),
    "promotion_code": ("promo_1", 23),
    "discount": ("di_1", 23),
    "tax_id": ("txi_1", 23),
    "tax_rate": ("txr_1", 23),
    "payment_method": ("pm_1", 23),
    "subscription": ("sub_1", 23),
    "subscription_item": ("si_", 14),
    "subscription_schedule": ("sub_sched_1", 23),
    "invoice": ("in_1", 23),
    "line_item": ("il_1", 23),
    "invoiceitem": ("ii_1", 23),
    "invoice_payment": ("inpay_1", 23),
    "payment_intent": ("pi_3", 23),
    "payment_record": ("pr_1", 23),
    "charge": ("ch_3", 23),
    "refund": ("re_3", 23),
    "dispute": ("du_1", 23),
    "credit_note": ("cn_1", 23),
    "credit_note_line_item": ("cnli_1", 23),
    "customer_balance_transaction": ("cbtxn_1", 23),
    "event": ("evt_1", 23),
    "v2.core.event": ("evt_test_65", 30),
    "webhook_endpoint": ("we_1", 23),
    "billing.meter": ("mtr_test_61", 30),
    "billing.credit_grant": ("credgr_test_61", 30),
    "request": ("req_", 14),
}
# The name of the SDK's class for an object's name, where it is not simply the words run together.
_TYPES = {
    "invoiceitem": "InvoiceItem",
    "line_item": "InvoiceLineItem",
    "billing.meter": "billing.Meter",
    "billing.credit_grant": "billing.CreditGrant",
}


@dataclass(order=True)
class Due:
    """Something that will happen by itself: `kind` of thing, to the object with this id."""

    at: int
    rank: int
    number: int
    kind: str = field(compare=False)
    ident: str = field(compare=False)


@dataclass
class Settings:
    """What a merchant sets in the Dashboard, as far as we rely on it."""

    overdue_automation: bool = False  #: send invoice.overdue, which Stripe does only with an automation
    draft_seconds: int = 3_600
    retry_days: tuple[int, ...] = (3, 5, 7)  #: pauses between automatic charges of one invoice
    after_last_retry: str = "leave"  #: or "cancel", "unpaid"
    upcoming_days: int = 7  #: invoice.upcoming comes so long before a renewal
    livemode: bool = False
    drafts_wait_for_webhooks: bool = False  #: a draft's hour begins when invoice.created was taken, as live


class World:
    """Every object of one Stripe account. Not thread-safe: the caller holds `StripeVendor.lock`."""

    events: "Events"  #: set by Events itself

    def __init__(self, clock: Clock, document: StripeDocument, seed: int | None = None) -> None:
        self.clock = clock
        self.document = document
        self.settings = Settings()
        self.moment = int(clock.now().timestamp())
        self.tables: dict[str, dict[str, Obj]] = defaultdict(dict)
        self.agenda: list[Due] = []
        self._random = random.Random(seed)  # unseeded by default: a database may outlive the sandbox
        self._numbers = itertools.count()
        self._undo: list[Callable[[], object]] = []
        self.account_id = "acct_" + self._letters(16)

    def new_id(self, kind: str) -> str:
        """An id as Stripe makes them for this kind of object."""
        prefix, length = _PREFIXES[kind]
        return prefix + self._letters(length)

    def new(self, kind: str, **fields: Any) -> Obj:
        """A full-shaped object, not yet kept: what may be null is null unless given."""
        name = _TYPES.get(kind) or "".join(word.title() for word in kind.split("_"))
        blank = self.document.blank(name)
        known = self.document.types[name]["properties"]
        common = {"id": self.new_id(kind), "object": kind, "created": self.moment, "livemode": False}
        return {**blank, **{key: value for key, value in common.items() if key in known}, **fields}

    def add(self, obj: Obj, event: str | None = None) -> Obj:
        """Keep a new object and tell the world."""
        table, ident = self.tables[obj["object"]], obj["id"]
        table[ident] = obj
        self._undo.append(lambda: table.pop(ident, None))
        if event:
            self.tell(event, obj)
        return obj

    def remove(self, obj: Obj, event: str | None = None) -> None:
        """Forget an object; the event shows it as it was."""
        table, ident = self.tables[obj["object"]], obj["id"]
        if event:
            self.tell(event, obj)
        if table.pop(ident, None) is not None:
            self._undo.append(lambda: table.__setitem__(ident, obj))

    @contextmanager
    def changing(self, obj: Obj, event: str | None = None) -> Iterator[Obj]:
        """Change an object in place; the event carries the previous values of what changed, if anything did."""
        before: Obj = clone(obj)
        self._undo.append(lambda: _restore(obj, before))
        yield obj
        previous = {key: before.get(key) for key in {**before, **obj} if before.get(key) != obj.get(key)}
        if event and previous:
            self.tell(event, obj, previous)

    def tell(self, event: str, obj: Obj, previous: Obj | None = None) -> None:
        """Make an event of it; `previous` holds the old values of what changed."""
        self.events.happened(event, obj, previous)

    def get(self, kind: str, ident: str, param: str | None = None) -> Obj:
        """The object, or Stripe's "No such ..."; `param` names the parameter the id came in."""
        found = self.tables[kind].get(ident)
        if found is None or found.get("_gone"):
            raise missing(kind, ident, param)
        return found

    def all(self, kind: str) -> Iterator[Obj]:
        """Every object of a kind, oldest first; a copy, so that the table may change meanwhile."""
        return iter(list(self.tables[kind].values()))

    def later(self, at: int, kind: str, ident: str, rank: int = 5) -> None:
        """Put something on the agenda; at equal times the lower rank happens first."""
        heapq.heappush(self.agenda, Due(at, rank, next(self._numbers), kind, ident))

    def next_due(self, until: int) -> Due | None:
        """Take the earliest thing due by `until` off the agenda."""
        if self.agenda and self.agenda[0].at <= until:
            return heapq.heappop(self.agenda)
        return None

    def commit(self) -> None:
        """What happened has happened."""
        self._undo.clear()

    def roll_back(self, to: int = 0) -> None:
        """Undo everything since the last commit, or since the journal's mark `to`."""
        while len(self._undo) > to:
            self._undo.pop()()

    def mark(self) -> int:
        """Where the journal stands, to roll back to."""
        return len(self._undo)

    def _letters(self, length: int) -> str:
        return "".join(self._random.choices(_ALPHABET, k=length))


def clone(value: Any) -> Any:
    """A deep copy of plain JSON-like data, several times faster than the general one."""
    if isinstance(value, dict):
        return {key: clone(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clone(item) for item in value]
    return value


def _restore(obj: Obj, before: Obj) -> None:
    obj.clear()
    obj.update(before)
