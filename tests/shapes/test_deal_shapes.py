"""docs/deal-shapes.md, played: every story of every shape, on both CRMs, to the paid invoice.

All stories that need the same settings are played together, once; then each answers for itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import psycopg
import pytest

from tests.shapes.crm_hands import HANDS
from tests.shapes.story import DOCUMENT, read
from tests.shapes.theatre import PlayedProgramme, Programme, named, play, programmes

SHAPES = read(DOCUMENT.read_text(encoding="utf-8"))
PROGRAMMES = programmes([story for shape in SHAPES for story in shape.stories])

pytestmark = pytest.mark.timeout(900)  # whichever test comes first plays a whole programme

Perform = Callable[[Programme, str], PlayedProgramme]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def perform(server_url: str, template_database: str) -> Perform:
    """Play a programme on a CRM, with a database of its own, the first time that it is asked for."""
    played: dict[tuple[str, Programme], PlayedProgramme] = {}

    def once(programme: Programme, crm: str) -> PlayedProgramme:
        if (crm, programme) not in played:
            played[crm, programme] = _play(programme, crm, server_url, template_database)
        return played[crm, programme]

    return once


def _play(programme: Programme, crm: str, server_url: str, template: str) -> PlayedProgramme:
    name = f"{template}_shapes_{next(_numbers)}"
    address, _, options = server_url.partition("?")
    url = f"{address.rpartition('/')[0]}/{name}" + (f"?{options}" if options else "")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template}"'.encode())
        try:
            return play(programme, crm, url)
        finally:
            connection.execute(f'drop database "{name}" with (force)'.encode())


def _for_one_process(crm: str) -> pytest.MarkDecorator:
    """All stories of one CRM are for one test process, which plays each programme once."""
    return pytest.mark.xdist_group(f"shapes-{crm}")


SCENES = [
    pytest.param(crm, programme, story.id, id=f"{crm}-{story.id}", marks=_for_one_process(crm))
    for crm in HANDS
    for programme in PROGRAMMES
    for story in programme.stories
]
PLAYED = [
    pytest.param(crm, programme, id=f"{crm}-{named(programme)}", marks=_for_one_process(crm))
    for crm in HANDS
    for programme in PROGRAMMES
]


@pytest.mark.parametrize(("crm", "programme", "story"), SCENES)
def test_what_the_document_says_comes_true(perform: Perform, crm: str, programme: Programme, story: str) -> None:
    failures = perform(programme, crm).failures[story]
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize(("crm", "programme"), PLAYED)
def test_no_request_is_refused_that_no_story_names(perform: Perform, crm: str, programme: Programme) -> None:
    """The sandbox holds every request against the vendors' own documents."""
    assert perform(programme, crm).refusals == []


@pytest.mark.parametrize(("crm", "programme"), PLAYED)
def test_all_work_comes_to_an_end(perform: Perform, crm: str, programme: Programme) -> None:
    """Done, or waiting for a person; nothing is tried for ever."""
    assert perform(programme, crm).without_end == []


def test_the_document_has_all_thirty_shapes_in_order() -> None:
    assert [shape.number for shape in SHAPES] == list(range(1, 31))
    assert [shape.number for shape in SHAPES if not shape.stories] == []
