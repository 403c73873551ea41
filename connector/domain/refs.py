"""RecordRef: the only way we name a remote record."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class RecordRef:
    """One record of one provider, in our words: ``salesforce:deal:006...``, ``stripe:customer:cus_...``.

    Kinds are ours, never the vendor's: deal, account, contact, owner, task, product, line_item, customer,
    subscription, schedule, invoice, price, payment, dispute, credit_note, event.
    """

    provider: str
    kind: str
    id: str

    def __hash__(self) -> int:
        """Of the id alone, whose hash a text remembers: millions are looked up in a night."""
        return hash(self.id)

    def __str__(self) -> str:
        return f"{self.provider}:{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> RecordRef:
        """Read back what ``str()`` wrote. Ids may themselves hold colons.

        Raises:
            ValueError: the text has fewer than three parts, or an empty one.
        """
        parts = text.split(":", 2)
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"not a record reference: {text!r} (expected provider:kind:id)")
        return cls(*parts)
