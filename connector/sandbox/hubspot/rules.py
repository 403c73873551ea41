"""Properties an admin made compulsory; from API version 2026-09 on HubSpot holds API writes to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.sandbox.hubspot.refusals import BadValue, bad_values


@dataclass(frozen=True)
class RequiredProperty:
    """A property that must have a value, always or while other properties have certain values."""

    kind: str
    name: str
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def applies(self, values: Mapping[str, str]) -> bool:
        """Whether this record must have it."""
        return all(values.get(name, "") in wanted for name, wanted in self.when.items())


class RequiredProperties:
    """The rules in force; people in the browser see them as form fields, so only API writes are checked."""

    def __init__(self) -> None:
        self.rules: list[RequiredProperty] = []

    def check(self, kind: str, values: Mapping[str, str]) -> None:
        """Raises Refusal (400) naming every property the record would lack."""
        missing = [
            rule.name for rule in self.rules if rule.kind == kind and rule.applies(values) and not values.get(rule.name)
        ]
        if missing:
            raise bad_values(
                [
                    BadValue(name, "REQUIRED_PROPERTY_MISSING", f'Property "{name}" is required by this portal')
                    for name in missing
                ]
            )
