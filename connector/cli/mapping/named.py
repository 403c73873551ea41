"""Which mapping somebody means: the active one, a version, one that we ship, or a file, however broken."""

from __future__ import annotations

import sys
from pathlib import Path

from connector.errors import Misconfigured
from connector.ports import Services
from connector.sentences.commands import NOT_CONNECTED
from connector.sync.mappings_in_force import mapping_at
from mappings.load import LARGEST_FILE, BrokenMapping, default_mapping, default_names, load
from mappings.model import SHIPPED, FieldMapping
from mappings.sentences import BROKEN_FILE, OTHER_CRM

_MOST_TOLD = 20


def of_crm(crm: str, services: Services) -> str:
    """The name of a connected CRM.

    Raises:
        Misconfigured: it is not connected.
    """
    if crm not in services.mappings:
        raise Misconfigured.because(NOT_CONNECTED, name=crm, connected=", ".join(services.mappings) or "none")
    return crm


def mapping_named(crm: str, name: str, services: Services) -> FieldMapping:
    """The mapping that a word stands for.

    Raises:
        Misconfigured: the CRM is not connected, or the file is no mapping for it. NeedsHuman: no such version.
    """
    of_crm(crm, services)
    if name == "active":
        return services.mappings[crm]
    if name == "shipped":
        return mapping_at(crm, SHIPPED, services)
    if name.isascii() and name.isdigit() and len(name) < 10:
        return mapping_at(crm, int(name), services)
    if name in default_names(crm):
        return default_mapping(name)
    found = mapping_in(name)
    if found.crm != crm:
        raise Misconfigured.because(OTHER_CRM, found=found.crm, crm=crm)
    return found


def mapping_in(file: str) -> FieldMapping:
    """The mapping that a file holds; ``-`` is standard input.

    Raises:
        Misconfigured: with everything that is wrong with it, in sentences.
    """
    try:
        return load(_content(file))
    except BrokenMapping as error:
        more = len(error.sentences) - _MOST_TOLD
        told = [*error.sentences[:_MOST_TOLD], *([f"And {more} more."] if more > 0 else [])]
        raise Misconfigured.because(BROKEN_FILE, file=file, problem="\n".join(told)) from error


def _content(file: str) -> bytes:
    """A little more of the file than a mapping may hold, so that a larger one is refused without reading it all."""
    if file == "-":
        return sys.stdin.buffer.read(LARGEST_FILE + 1)
    try:
        path = Path(file)
        if not path.is_file():
            raise Misconfigured.because(BROKEN_FILE, file=file, problem="there is no such file.")
        with path.open("rb") as opened:
            return opened.read(LARGEST_FILE + 1)
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})."
        raise Misconfigured.because(BROKEN_FILE, file=file, problem=problem) from error
