"""The object types this HubSpot knows: their names in paths, in webhooks and in scopes."""

from collections.abc import Mapping
from dataclasses import dataclass

from connector.sandbox.hubspot.refusals import Detail, Refusal, invalid


@dataclass(frozen=True)
class Kind:
    """One CRM object type."""

    name: str  #: in paths and in our state: "line_items"
    singular: str  #: in webhooks and association names: "line_item"
    type_id: str  #: "0-8"
    scope: str  #: what stands between crm.objects. and .read
    shown: tuple[str, ...]  #: properties answered when none are asked for
    modified: str = "hs_lastmodifieddate"
    created: str = "createdate"
    plain_name: str = ""  #: in the v3 `associations` object: "line items"

    @property
    def always(self) -> tuple[str, ...]:
        """Properties answered whatever was asked for."""
        return (self.created, self.modified, "hs_object_id")

    @property
    def in_words(self) -> str:
        """The key under which v3 shows associations to this kind."""
        return self.plain_name or self.name


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("deals", "deal", "0-3", "deals", ("amount", "closedate", "dealname", "dealstage", "pipeline")),
        Kind("companies", "company", "0-2", "companies", ("domain", "name")),
        Kind(
            "contacts",
            "contact",
            "0-1",
            "contacts",
            ("email", "firstname", "lastname"),
            modified="lastmodifieddate",
        ),
        Kind("line_items", "line_item", "0-8", "line_items", (), plain_name="line items"),
        Kind("products", "product", "0-7", "products", ("description", "name", "price")),
        Kind("tasks", "task", "0-27", "contacts", (), created="hs_createdate"),
        Kind("notes", "note", "0-46", "contacts", (), created="hs_createdate"),
    )
}

_NAMES = {alias: kind for kind in KINDS.values() for alias in (kind.name, kind.singular, kind.type_id, kind.plain_name)}


def kind_named(name: str) -> Kind:
    """The kind a path names by plural, singular or type id. Raises Refusal (400) for an unknown one."""
    kind = _NAMES.get(name.lower()) if name else None
    if kind is None:
        raise invalid(f"Unable to infer object type from: {name}")
    return kind


def scopes_of(kind: Kind, *, write: bool, schema: bool) -> frozenset[str]:
    """The scopes of which a call on this kind needs at least one."""
    verb = "write" if write else "read"
    if not schema:
        return frozenset({f"crm.objects.{kind.scope}.{verb}"})
    granted = {f"crm.schemas.{kind.scope}.{verb}"}
    if not write:
        granted.add(f"crm.objects.{kind.scope}.read")
    return frozenset(granted)


def missing_scopes(needed: frozenset[str]) -> Refusal:
    """403 as the gateway words it."""
    guide = "https://developers.hubspot.com/scopes"
    return Refusal(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {guide}.",
        details=[
            Detail(
                "One or more of the following scopes are required.",
                context={"requiredGranularScopes": sorted(needed)},
            )
        ],
        links={"scopes": guide},
    )
