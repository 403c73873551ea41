"""Holds what a story says against what Stripe and the CRM have: exact amounts, exact days, and nothing beside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connector.domain.write_back import SYNC_STATUSES
from tests.shapes.players import Players
from tests.shapes.story import Row
from tests.shapes.stripe_seen import SeenInvoice, SeenPhase, StripeSeen, in_words
from tests.shapes.words import FREQUENCIES, Unclear, amount, parts, value_of

_STATUSES = {value for value, _ in SYNC_STATUSES}
_DAY = r"\d{4}-\d\d-\d\d"
_MONEY = re.compile(r"(?P<amount>-?[\d.]+)(?: (?P<currency>[A-Z]{3}))?")
_ITEM = re.compile(
    r"(?:(?P<quantity>\d+) )?(?P<product>.+?) (?P<how>(?:metered )?at [\d.]+|tiered) "
    rf"(?P<often>{'|'.join(FREQUENCIES)})"
)
_LINE = re.compile(rf"(?P<product>.+) (?P<amount>-?[\d.]+)(?: \((?P<first>{_DAY}) to (?P<last>{_DAY})\))?")
_PHASE = re.compile(rf"(?P<free>free )?from (?P<first>{_DAY})(?: to (?P<last>{_DAY}))? (?P<items>.+)")


class Judge:
    """Judges one story. Each invoice answers for one row; what no row names must not be there."""

    def __init__(self, players: Players) -> None:
        self._players = players
        self._claimed: dict[str, Row] = {}
        self._credits = 0
        self._told: set[str] = set()  #: deals of which a row has said how they stand
        self.failures: list[str] = []

    @property
    def seen(self) -> StripeSeen:
        """Stripe as it is now."""
        return StripeSeen(self._players.stage.world, self._players.customers())

    def check(self, rows: Sequence[Row]) -> None:
        """Everything that must be so at one moment."""
        for row in rows:
            try:
                problem = self._stripe(row) if row.who == "Stripe" else self._crm(row)
            except (Unclear, KeyError) as error:
                problem = f"cannot be read: {error!r}"
            if problem:
                self.failures.append(f"{row}\n    {problem}")
        contracts = [row for row in rows if row.who == "Stripe" and row.what.startswith("subscription")]
        if contracts:
            self._contracts(contracts)

    def close(self) -> None:
        """The story is over: nothing unnamed is there, and what is named is paid unless the row says otherwise."""
        for invoice in self.seen.invoices():
            row = self._claimed.get(invoice.id)
            if row is None:
                self.failures.append(f"no row names this invoice: {invoice}")
            elif invoice.status != _status(row, pays=self._players.pay):
                self.failures.append(f"{row}\n    its invoice is {invoice.status}")
        if len(self.seen.credit_notes()) != self._credits:
            self.failures.append(f"the credit notes are {self.seen.credit_notes()}, the rows name {self._credits}")

    # --- Stripe ----------------------------------------------------------------------------------------------------

    def _stripe(self, row: Row) -> str:
        head, _, body = row.what.partition(": ")
        for pattern, check in _STRIPE.items():
            if re.fullmatch(pattern, head):
                return check(self, row, head, body)
        raise Unclear(f"nobody knows what to look for: {row.what!r}")

    def _nothing(self, _row: Row, _head: str, _body: str) -> str:
        found = [*self.seen.invoices(), *self.seen.contracts(), *self.seen.schedules()]
        return f"there is {', '.join(map(str, found))}" if found else ""

    def _customer(self, _row: Row, head: str, _body: str) -> str:
        name, *attributes = parts(head.removeprefix("customer "), ",")
        there = [one for one in self.seen.customers() if one["name"] == self._players.name(name)]
        if len(there) != 1:
            return f"there are {len(there)} customers of that name"
        wrong = [said for attribute in attributes if (said := self._unlike(there[0], attribute))]
        return "; ".join(wrong)

    def _unlike(self, customer: Mapping[str, Any], attribute: str) -> str:
        """What is otherwise about a customer than the attribute says."""
        word, _, rest = attribute.partition(" ")
        found: Any
        wanted: Any
        match word:
            case "exempt" | "reverse":
                found, wanted = customer["tax_exempt"], word
            case "tax":
                found, wanted = self.seen.tax_ids(customer["id"]), [rest.removeprefix("id ")]
            case "country":
                found, wanted = (customer["address"] or {}).get("country"), rest
            case "made":
                found, wanted = "metadata" in customer and "crm_step" not in customer["metadata"], True
            case _ if "@" in attribute:
                found, wanted = customer["email"], self._players.address(attribute)
            case _:
                raise Unclear(f"{attribute!r} is nothing that a customer has")
        return "" if found == wanted else f"{attribute}: it has {found!r}"

    def _how_many(self, _row: Row, head: str, _body: str) -> str:
        number = {"no": 0, "one": 1, "two": 2, "three": 3}[head.split()[0]]
        there = self.seen.contracts() if "subscription" in head else self.seen.customers()
        return "" if len(there) == number else f"there are {len(there)}"

    def _contracts(self, rows: Sequence[Row]) -> None:
        """All that run, and no other: each row stands for one."""
        wanted = sorted(self._contract(row) for row in rows)
        there = sorted(str(one) for one in self.seen.contracts())
        if wanted != there:
            said = " | ".join(wanted)
            self.failures.append(
                f"{rows[0]}\n    there is {' | '.join(there) or 'no subscription'}\n    not      {said}"
            )

    def _contract(self, row: Row) -> str:
        head, _, body = row.what.partition(": ")
        until, trial = (re.search(rf"(?:^subscription|,) {word} ({_DAY})", head) for word in ("until", "trial until"))
        items = "; ".join(sorted(_item(part) for part in parts(body)))
        return f"until {until[1] if until else None}, trial until {trial[1] if trial else None}: {items}"

    def _schedule(self, _row: Row, _head: str, body: str) -> str:
        *phases, last = body.split("; then ")
        ends = {"ends": True, "runs on": False}.get(last)
        if ends is None:
            raise Unclear("a schedule ends with `then ends` or `then runs on`")
        wanted = [_phase(text) for text in phases]
        for there, over in self.seen.schedules():
            if len(there) == len(wanted) and over is ends and all(map(_same_phase, wanted, there)):
                return ""
        told = (f"{'; then '.join(map(str, p))}; then {'ends' if o else 'runs on'}" for p, o in self.seen.schedules())
        return f"there is {' | '.join(told) or 'no schedule'}"

    def _invoice(self, row: Row, head: str, body: str) -> str:
        """The invoice of the row's own day that no other row has named yet; for a draft, of the day it says."""
        kind, _, rest = head.partition(" ")
        money, *attributes = parts(rest, ",")
        day = next((date.fromisoformat(one[3:]) for one in attributes if one.startswith("on ")), row.day)
        wanted = _MONEY.fullmatch(money)
        if wanted is None:
            raise Unclear(f"{money!r} is no amount")
        lines = [_seen_line(part) for part in parts(body)]
        there = [
            one
            for one in self.seen.invoices()
            if (one.id not in self._claimed or self._claimed[one.id].what.startswith("draft")) and one.day == day
        ]
        problems = []
        for one in there:
            problem = self._unlike_invoice(one, kind, wanted, lines, [each for each in attributes if each[:3] != "on "])
            if not problem:
                self._claimed[one.id] = row
                return ""
            problems.append(f"{problem}: {one}")
        return "\n    ".join(problems) or f"there is none of that day; {self._others()}"

    def _others(self) -> str:
        left = [str(one) for one in self.seen.invoices() if one.id not in self._claimed]
        return f"unnamed: {' | '.join(left)}" if left else "none is unnamed"

    def _unlike_invoice(
        self,
        one: SeenInvoice,
        kind: str,
        wanted: re.Match[str],
        lines: Sequence[tuple[str, Decimal, str | None]],
        attributes: Sequence[str],
    ) -> str:
        if (one.status == "draft") != (kind == "draft"):
            return f"it is {one.status}"
        if one.total != amount(wanted["amount"]) or one.currency != (wanted["currency"] or "EUR").lower():
            return "another amount"
        if not _same_lines(lines, one):
            return "other lines"
        rest = [each for each in attributes if each not in ("unpaid", "void")]
        if not any(each.startswith(("due ", "charged")) for each in rest) and one.due not in {
            one.day + timedelta(days=days) for days in self._players.net_days
        }:
            return f"due on {one.due}"
        return "; ".join(said for each in rest if (said := self._unlike_attribute(one, each)))

    def _unlike_attribute(self, one: SeenInvoice, attribute: str) -> str:
        word, _, rest = attribute.partition(" ")
        found: Any
        wanted: Any
        match word:
            case "due":
                found, wanted = str(one.due), rest
            case "charged":
                found, wanted = one.due, None
            case "to":
                found, wanted = one.email, self._players.address(rest)
            case "tax":
                found, wanted = (one.automatic_tax, one.tax), (True, amount(rest))
            case "with":
                name, _, value = rest.partition(" = ")
                found, wanted = one.fields.get(name), self._players.address(value)
            case _:
                raise Unclear(f"{attribute!r} is nothing that an invoice has")
        return "" if found == wanted else f"{attribute}: it has {found!r}"

    def _credit_note(self, row: Row, head: str, _body: str) -> str:
        self._credits += 1
        wanted = (row.day, amount(head.removeprefix("credit note ")))
        return "" if wanted in self.seen.credit_notes() else f"there is {self.seen.credit_notes()}"

    def _grant(self, _row: Row, head: str, _body: str) -> str:
        money, *until = parts(head.removeprefix("grant "), ",")
        last = date.fromisoformat(until[0].removeprefix("until ")) if until else None
        return "" if (amount(money), last) in self.seen.grants() else f"there is {self.seen.grants()}"

    def _refuses(self, _row: Row, _head: str, body: str) -> str:
        log = self._players.stage.sandbox.log.refused()
        return "" if any(body in one.reason for one in log if one.vendor == "stripe") else f"it refused {log}"

    def _compared_together(self, row: Row, _head: str, _body: str) -> str:
        self._contract(row)  # a mistake in it belongs to its own row
        return ""

    # --- the CRM ---------------------------------------------------------------------------------------------------

    def _crm(self, row: Row) -> str:
        found = re.fullmatch(r"(?P<whose>.+?) shows (?P<what>.+)", row.what)
        if found is None:
            raise Unclear(f"write A shows billed, not {row.what!r}")
        deal = self._players.deals.get(found["whose"])
        ref = deal.ref if deal else self._players.companies[found["whose"]]
        shown = self._players.stage.hands.shown(ref)
        head, _, words = found["what"].partition(": ")
        if head == "nothing":
            return f"it shows {shown['sync_status']}: {shown['sync_message']}" if shown["sync_status"] else ""
        if head in _STATUSES:
            self._told.add(found["whose"])
            told = f"it shows {shown['sync_status']}: {shown['sync_message']}"
            return "" if shown["sync_status"] == head and words in (shown["sync_message"] or "") else told
        wrong = []
        for part in parts(found["what"], ","):
            name, _, text = part.partition(" ")
            if shown[name] != _shown_value(shown[name], text):
                wrong.append(f"{name} is {shown[name]}")
        return "; ".join(wrong)

    def has_told_of(self, deal: str) -> bool:
        """Whether a row said how the deal stands."""
        return deal in self._told


def _status(row: Row, *, pays: bool) -> str:
    head = row.what.partition(": ")[0]
    if head.startswith("draft"):
        return "draft"
    if head.endswith(", void"):
        return "void"
    return "open" if ", unpaid" in head or not pays else "paid"


def _item(text: str) -> str:
    """An item in the words of ``SeenContract``."""
    found = _ITEM.fullmatch(text)
    if found is None:
        raise Unclear(f"{text!r} is no item: write 10 Seats at 20.00 monthly")
    how = re.sub(r"[\d.]+$", lambda price: in_words(amount(price[0])), found["how"])
    quantity = f"{found['quantity']} " if found["quantity"] else ""
    return f"{quantity}{found['product']} {how} {found['often']}"


def _phase(text: str) -> re.Match[str]:
    found = _PHASE.fullmatch(text)
    if found is None:
        raise Unclear(f"{text!r} is no phase: write from 2027-01-01 to 2027-12-31 10 Seats at 20.00 monthly")
    return found


def _same_phase(wanted: re.Match[str], there: SeenPhase) -> bool:
    """A last phase without an end lasts as long as it must: its end says nothing."""
    items = tuple(sorted(_item(part) for part in wanted["items"].split(" + ")))
    days = wanted["first"] == str(there.first) and wanted["last"] in (None, str(there.last))
    return days and items == there.items and bool(wanted["free"]) == there.trial


def _seen_line(text: str) -> tuple[str, Decimal, str | None]:
    found = _LINE.fullmatch(text)
    if found is None:
        raise Unclear(f"{text!r} is no line of an invoice: write Seats 200.00")
    period = f"{found['first']} to {found['last']}" if found["first"] else None
    return found["product"], amount(found["amount"]), period


def _same_lines(wanted: Sequence[tuple[str, Decimal, str | None]], one: SeenInvoice) -> bool:
    left = list(one.lines)
    for product, cost, period in sorted(wanted, key=lambda each: each[2] is None):
        for line in left:
            if (line.product, line.amount) == (product, cost) and period in (None, f"{line.first} to {line.last}"):
                left.remove(line)
                break
        else:
            return False
    return not left


def _shown_value(like: Any, text: str) -> Any:
    if isinstance(like, bool):
        return text == "yes"
    if isinstance(like, Decimal):
        return value_of("line.quantity", text)
    if isinstance(like, date):
        return date.fromisoformat(text)
    return None if text == "none" else text


_STRIPE: Mapping[str, Callable[[Judge, Row, str, str], str]] = {
    "nothing": Judge._nothing,
    "customer .+": Judge._customer,
    "(no|one|two|three) (customer|subscription)s?": Judge._how_many,
    "subscription.*": Judge._compared_together,
    "schedule": Judge._schedule,
    "(invoice|draft) .+": Judge._invoice,
    "credit note .+": Judge._credit_note,
    "grant .+": Judge._grant,
    "refuses": Judge._refuses,
}
