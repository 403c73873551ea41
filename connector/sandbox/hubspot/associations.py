"""Which records belong together, in both directions, and under which types and labels."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.sandbox.hubspot.refusals import Refusal, invalid

Place = tuple[str, str]  # (kind's plural name, record id)

HUBSPOT_DEFINED = "HUBSPOT_DEFINED"
USER_DEFINED = "USER_DEFINED"


@dataclass(frozen=True)
class AssociationType:
    """One direction of one way to belong together."""

    id: int
    from_kind: str
    to_kind: str
    inverse: int  #: the type id of the other direction
    label: str | None = None
    category: str = HUBSPOT_DEFINED
    word: str = ""  #: what the v3 answers call it: "deal_to_company_unlabeled"
    primary: bool = False


def _pair(
    ids: tuple[int, int], kinds: tuple[str, str], words: tuple[str, str], *, primary: bool = False
) -> list[AssociationType]:
    label = "Primary" if primary else None
    (forth, back), (one, other), (word, inverse_word) = ids, kinds, words
    return [
        AssociationType(forth, one, other, back, label, word=word, primary=primary),
        AssociationType(back, other, one, forth, label, word=inverse_word, primary=primary),
    ]


#: HubSpot's own types; numbers from the SDK's AssociationType, 341/342 and 13/14 from its documentation.
_STANDARD: tuple[AssociationType, ...] = (
    *_pair((3, 4), ("deals", "contacts"), ("deal_to_contact", "contact_to_deal")),
    *_pair((341, 342), ("deals", "companies"), ("deal_to_company_unlabeled", "company_to_deal_unlabeled")),
    *_pair((5, 6), ("deals", "companies"), ("deal_to_company", "company_to_deal"), primary=True),
    *_pair((19, 20), ("deals", "line_items"), ("deal_to_line_item", "line_item_to_deal")),
    *_pair((279, 280), ("contacts", "companies"), ("contact_to_company_unlabeled", "company_to_contact_unlabeled")),
    *_pair((1, 2), ("contacts", "companies"), ("contact_to_company", "company_to_contact"), primary=True),
    *_pair((213, 214), ("deals", "notes"), ("deal_to_note", "note_to_deal")),
    *_pair((215, 216), ("deals", "tasks"), ("deal_to_task", "task_to_deal")),
    *_pair((189, 190), ("companies", "notes"), ("company_to_note", "note_to_company")),
    *_pair((191, 192), ("companies", "tasks"), ("company_to_task", "task_to_company")),
    *_pair((201, 202), ("contacts", "notes"), ("contact_to_note", "note_to_contact")),
    *_pair((203, 204), ("contacts", "tasks"), ("contact_to_task", "task_to_contact")),
    AssociationType(13, "companies", "companies", 14, "Child Company", word="parent_to_child_company"),
    AssociationType(14, "companies", "companies", 13, "Parent Company", word="child_to_parent_company"),
)

PARENT_COMPANY = 14


class Associations:
    """All associations of a portal; every change is made in both directions."""

    def __init__(self) -> None:
        self._types = {one.id: one for one in _STANDARD}
        self._links: dict[Place, dict[str, dict[str, set[int]]]] = {}
        self._next_label = itertools.count(1001, 2)  # clear of HubSpot's own numbers

    def types_between(self, from_kind: str, to_kind: str) -> list[AssociationType]:
        """Every type from one kind to the other, HubSpot's own first."""
        return [one for one in self._types.values() if (one.from_kind, one.to_kind) == (from_kind, to_kind)]

    def type_of(self, type_id: int, from_kind: str, to_kind: str, category: str | None = None) -> AssociationType:
        """The type with this id. Raises Refusal (400) when it does not run between these kinds."""
        found = self._types.get(type_id)
        if found is None or (found.from_kind, found.to_kind) != (from_kind, to_kind):
            raise invalid(f"Association type id {type_id} does not exist between {from_kind} and {to_kind}")
        if category is not None and found.category != category:
            raise invalid(f"Association type id {type_id} is {found.category}, not {category}")
        return found

    def by_id(self, type_id: int, from_kind: str) -> AssociationType:
        """The type with this id, wherever it leads. Raises Refusal (400) when it does not start at this kind."""
        found = self._types.get(type_id)
        if found is None or found.from_kind != from_kind:
            raise invalid(f"Association type id {type_id} does not exist from {from_kind}")
        return found

    def default_type(self, from_kind: str, to_kind: str) -> AssociationType:
        """The unlabelled type. Raises Refusal (400) when these kinds cannot be associated."""
        for one in self.types_between(from_kind, to_kind):
            if one.label is None:
                return one
        raise invalid(f"No default association exists between {from_kind} and {to_kind}")

    def add_label(self, from_kind: str, to_kind: str, label: str, inverse_label: str | None) -> list[AssociationType]:
        """A customer's own label, both directions. Raises Refusal (400) when it is taken."""
        if any(one.label == label for one in self.types_between(from_kind, to_kind)):
            raise invalid(f"An association label named {label} already exists")
        number = next(self._next_label)
        made = [
            AssociationType(number, from_kind, to_kind, number + 1, label, USER_DEFINED, f"label_{number}"),
            AssociationType(
                number + 1, to_kind, from_kind, number, inverse_label or label, USER_DEFINED, f"label_{number + 1}"
            ),
        ]
        self._types.update({one.id: one for one in made})
        return made

    def linked(self, place: Place, to_kind: str) -> dict[str, list[AssociationType]]:
        """Ids of the records of `to_kind` at this place, oldest first, each with its types."""
        found = self._links.get(place, {}).get(to_kind, {})
        return {to_id: [self._types[type_id] for type_id in sorted(types)] for to_id, types in found.items()}

    def link(self, one: Place, other: Place, types: Sequence[AssociationType]) -> bool:
        """Associate two records; True when something changed. A new primary takes the place of the old one."""
        changed = False
        for kind in types:
            if kind.primary:
                changed |= self._demote(one, other)
                changed |= self._add(one, other, self.default_type(one[0], other[0]))
            changed |= self._add(one, other, kind)
        return changed

    def unlink(self, one: Place, other: Place, only: Iterable[AssociationType] | None = None) -> bool:
        """Part two records, or take only these labels from them; True when something changed."""
        removed = False
        here = self._links.get(one, {}).get(other[0], {}).get(other[1], set())
        for type_id in {kind.id for kind in only} if only is not None else set(here):
            if type_id in here:
                self._remove(one, other, self._types[type_id])
                removed = True
        return removed

    def neighbours(self, place: Place) -> list[Place]:
        """Every record associated with this one."""
        return [(kind, id_) for kind, found in self._links.get(place, {}).items() for id_ in found]

    def _add(self, one: Place, other: Place, kind: AssociationType) -> bool:
        here = self._links.setdefault(one, {}).setdefault(other[0], {}).setdefault(other[1], set())
        if kind.id in here:
            return False
        here.add(kind.id)
        self._links.setdefault(other, {}).setdefault(one[0], {}).setdefault(one[1], set()).add(kind.inverse)
        return True

    def _remove(self, one: Place, other: Place, kind: AssociationType) -> None:
        for here, there, type_id in ((one, other, kind.id), (other, one, kind.inverse)):
            found = self._links[here][there[0]]
            found[there[1]].discard(type_id)
            if not found[there[1]]:
                del found[there[1]]

    def _demote(self, one: Place, other: Place) -> bool:
        """Take the primary mark from whichever company had it: a deal and a contact have one each."""
        child, parent = (one, other) if other[0] == "companies" else (other, one)
        changed = False
        for company, types in self.linked(child, "companies").items():
            if company != parent[1]:
                for kind in types:
                    if kind.primary:
                        self._remove(child, ("companies", company), kind)
                        changed = True
        return changed


def refuse_second_parent(associations: Associations, line_item: str, deal: str) -> None:
    """A line item belongs to one deal only. Raises Refusal (400) for a second one."""
    others = [found for found in associations.linked(("line_items", line_item), "deals") if found != deal]
    if others:
        raise Refusal(
            400,
            "VALIDATION_ERROR",
            f"Line item {line_item} is already associated with deal {others[0]}; line items belong to one parent.",
            context={"lineItemId": [line_item]},
        )
