"""Which column of a file is which: by our words, by the names such columns usually have, or as somebody says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.cli.health.unreadable import UnreadableInvoices, quoted
from connector.sentences.health import COLUMN_MISSING, COLUMN_OPTION, COLUMN_TWICE, COLUMN_UNKNOWN

_USUAL = {
    "issued": "issued issuedate issuedon issueddate issuedat dateissued invoicedate invoicedon dateofinvoice billdate "
    "billingdate documentdate documentcreatedate postingdate created createdat createddate createdon finalizedat",
    "due": "due duedate dueon dueat duein dueindate datedue paymentdue paymentduedate netduedate",
    "paid": "paid paidon paidat paiddate datepaid paymentdate paymentreceived settled settledon settleddate "
    "settlementdate clear cleared cleardate cleareddate clearingdate closedon closeddate",
    "amount": "amount total invoiceamount invoicetotal totalamount amounttotal grossamount totalopenamount",
    "customer": "customer customerid customernumber customerno custnumber client clientid clientnumber accountid "
    "accountnumber companyid account company customername clientname accountname companyname namecustomer",
    "currency": "currency currencycode invoicecurrency curr",
    "disputed": "disputed dispute isdisputed indispute",
    "number": "number invoicenumber invoiceno invoiceid invoice docid documentnumber id",
}
COLUMNS = tuple(_USUAL)
"""Our words for the columns."""

_NEEDED = ("customer", "issued", "due", "paid", "amount")
_FIRST_OF_SEVERAL = ("customer", "number")
"""Where a file has an id and a name, the one that ``_USUAL`` names first is taken: either tells customers apart."""

_MOST_SHOWN = 30


def named_columns(options: Sequence[str]) -> dict[str, str]:
    """What ``--column due=DueInDate`` says, each of our words at most once.

    Raises:
        UnreadableInvoices: one says nothing, or something about a column that is none of ours.
    """
    named = {}
    for option in options:
        column, equals, heading = option.partition("=")
        column = column.strip().lower()
        if not equals or column not in COLUMNS or not heading.strip() or column in named:
            raise UnreadableInvoices.because(COLUMN_OPTION, text=quoted(option), columns=", ".join(COLUMNS))
        named[column] = heading.strip()
    return named


def places(headings: Sequence[str], named: Mapping[str, str], file: str) -> dict[str, int]:
    """The place of each of our columns that the file has.

    Raises:
        UnreadableInvoices: one that is needed is missing, or several may be meant.
    """
    known = [_plain(heading) for heading in headings]
    found: dict[str, int] = {}
    for column, usual in _USUAL.items():
        if column in named:
            found[column] = _said(named[column], column, headings, file)
        elif (place := _guessed(column, usual.split(), known, headings, file)) is not None:
            found[column] = place
    missing = [column for column in _NEEDED if column not in found]
    if missing:
        raise UnreadableInvoices.because(
            COLUMN_MISSING, file=file, missing=_and(missing), found=_shown(headings), example=missing[0]
        )
    return found


def recognised(headings: Sequence[str]) -> int:
    """How many headings look like columns of ours: the right delimiter is the one that finds the most."""
    usual = {name for names in _USUAL.values() for name in names.split()}
    return len(usual & {_plain(heading) for heading in headings})


def _said(heading: str, column: str, headings: Sequence[str], file: str) -> int:
    same = [place for place, one in enumerate(headings) if one.strip() == heading] or [
        place for place, one in enumerate(headings) if one.strip().lower() == heading.lower()
    ]
    if not same:
        raise UnreadableInvoices.because(COLUMN_UNKNOWN, file=file, name=quoted(heading), found=_shown(headings))
    if len(same) > 1:
        raise _several(column, [headings[place] for place in same], file)
    return same[0]


def _guessed(column: str, usual: Sequence[str], known: Sequence[str], headings: Sequence[str], file: str) -> int | None:
    """The column whose name is our own word; else the only one with a usual name."""
    for wanted in (usual[:1], usual):
        fitting = [place for place, name in enumerate(known) if name in wanted]
        if column in _FIRST_OF_SEVERAL and fitting:
            first = min(usual.index(known[place]) for place in fitting)
            fitting = [place for place in fitting if known[place] == usual[first]]
        if len(fitting) > 1:
            raise _several(column, [headings[place] for place in fitting], file)
        if fitting:
            return fitting[0]
    return None


def _and(columns: Sequence[str]) -> str:
    *most, last = columns
    return f"{', '.join(most)} and {last}" if most else last


def _several(column: str, found: Sequence[str], file: str) -> UnreadableInvoices:
    return UnreadableInvoices.because(
        COLUMN_TWICE, file=file, column=column, found=_shown(found), example=quoted(found[0]).strip("“”")
    )


def _shown(headings: Sequence[str]) -> str:
    more = len(headings) - _MOST_SHOWN
    shown = [quoted(heading.strip()) for heading in headings[:_MOST_SHOWN]]
    return ", ".join([*shown, *([f"and {more} more"] if more > 0 else [])]) or "nothing"


def _plain(heading: str) -> str:
    """``Due Date``, ``due_date`` and ``DueDate`` are one name."""
    return "".join(letter for letter in heading.lower() if letter.isalnum())
