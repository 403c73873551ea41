"""Salesforce's record ids: fifteen case-sensitive characters and a three-character checksum."""

import re
import string

_SUFFIX = string.ascii_uppercase + "012345"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?\Z")
_FIRST = 2_345_678  # so that ids hold capitals and small letters from the first record on
_INSTANCE = "5g000000"  # characters 4 to 11 of every id of this org: pod, then a reserved run of zeros


def checksum(fifteen: str) -> str:
    """The three characters that make an id safe where case is lost: one bit per capital, five bits a character.

    Source: Salesforce knowledge article 000385585 on 15 and 18 character ids.
    """
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << n for n, letter in enumerate(fifteen[start : start + 5]) if letter.isupper())
        suffix += _SUFFIX[bits]
    return suffix


def new_id(prefix: str, number: int) -> str:
    """The 18-character id of an object's n-th record."""
    number += _FIRST
    digits = ""
    for _ in range(4):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    if number:
        raise OverflowError("The sandbox has run out of record ids")
    fifteen = prefix + _INSTANCE + digits
    return fifteen + checksum(fifteen)


def normal_id(text: str) -> str | None:
    """The 18-character form of a 15 or 18 character id, or None when it is neither."""
    if not _SHAPE.match(text):
        return None
    fifteen = text[:15]
    if len(text) == 15:
        return fifteen + checksum(fifteen)
    return text if text[15:].upper() == checksum(fifteen) else None
