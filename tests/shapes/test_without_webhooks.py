"""Changes of billed deals, played again where no webhook ever rings: polling alone brings every one of them."""

from __future__ import annotations

import pytest

from connector.domain.refs import RecordRef
from tests.shapes.crm_hands import HANDS
from tests.shapes.stage import Stage
from tests.shapes.story import Story
from tests.shapes.test_deal_shapes import SHAPES, Perform, perform
from tests.shapes.theatre import programmes

__all__ = ["perform"]

pytestmark = pytest.mark.timeout(900)


def changes_of_billed_deals() -> list[Story]:
    """Shapes 20 and 21: cancelled, lost, edited, reopened."""
    return [story for shape in SHAPES for story in shape.stories if story.id[:2] in ("20", "21")]


@pytest.mark.parametrize("crm", HANDS)
def test_changes_of_billed_deals_come_true_without_a_doorbell(
    perform: Perform, crm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unheard(_stage: Stage, _deal: RecordRef) -> None: ...

    monkeypatch.setattr(Stage, "ring", unheard)
    stories = changes_of_billed_deals()
    assert len(stories) >= 7
    played = [perform(programme, crm) for programme in programmes(stories)]
    assert [failure for each in played for told in each.failures.values() for failure in told] == []
    assert [refusal for each in played for refusal in each.refusals] == []
    assert [work for each in played for work in each.without_end] == []
