"""Salesforce record ids: the same record has a short form of 15 characters and a safe one of 18."""

from __future__ import annotations

import re

from connector.domain.refs import RecordRef
from connector.errors import NotFound, Unsupported
from connector.sentences.salesforce import NO_RECORD, NOT_A_KIND

_OWNED = ("account", "deal")
_SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def is_record_id(text: str) -> bool:
    """Whether the text has the shape of an id. Check letters are not checked: Salesforce does that when asked."""
    return _SHAPE.fullmatch(text) is not None


def long_id(text: str) -> str:
    """The 18-character form, which survives systems that ignore case; what has 18 already is kept.

    Each block of five characters adds one letter that says which of the five are capitals (Salesforce, knowledge
    article 000385585).

    Raises:
        ValueError: the text is no id.
    """
    if not is_record_id(text):
        raise ValueError("not a Salesforce record id")
    if len(text) == 18:
        return text
    blocks = (text[start : start + 5] for start in (0, 5, 10))
    return text + "".join(_CHECK[sum(1 << place for place, c in enumerate(block) if c.isupper())] for block in blocks)


def id_of(record: RecordRef) -> str:
    """The 18-character id of an account or a deal of Salesforce's.

    Raises:
        Unsupported: another kind of record.
        NotFound: an id that no record can have.
    """
    if record.provider != "salesforce" or record.kind not in _OWNED:
        raise Unsupported.because(NOT_A_KIND, provider="salesforce", ref=record, kind=record.kind)
    if not is_record_id(record.id):
        raise NotFound.because(NO_RECORD, provider="salesforce", ref=record, details="")
    return long_id(record.id)
