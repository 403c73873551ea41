"""What we remember of CRM accounts: what they are, and how they stood at the last look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from connector.domain.account_facts import Background
from connector.domain.account_profile import AccountProfile
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import Flag
from connector.domain.roll_up import Relative


class Accounts(Protocol):
    """CRM accounts, beside what billing says of their customers."""

    def describe(self, profile: AccountProfile, seen_at: datetime) -> bool:
        """Keep what an account is; True when that is news. An older look never overwrites a newer one."""
        ...

    def sold(self, deal: RecordRef, to: RecordRef | None, renewal: date | None) -> bool:
        """Keep whom a billed deal was sold to, where another account pays, and its renewal by a CRM field.

        True when that is news; nothing happens for a deal that is not billed.
        """
        ...

    def profile(self, account: RecordRef) -> AccountProfile | None:
        """What an account is, where a deal has said so."""
        ...

    def name(self, account: RecordRef) -> str:
        """What the account is billed as, or what pays for it is; its id where nobody knows."""
        ...

    def customers_of(self, account: RecordRef) -> list[RecordRef]:
        """The customers whose look decides what the account shows: its own, or those that pay for it."""
        ...

    def customers_above(self, accounts: Sequence[RecordRef]) -> list[RecordRef]:
        """The customers of all accounts above any of these, however many levels up; a circle is followed once."""
        ...

    def unbilled_above(self, accounts: Sequence[RecordRef]) -> list[RecordRef]:
        """All accounts above any of these that are billed nothing themselves: the holding of a group."""
        ...

    def unbilled_parents(self) -> list[RecordRef]:
        """Every account above another one that is billed nothing itself."""
        ...

    def below(self, account: RecordRef) -> list[Relative]:
        """All accounts below it that were looked at, however many levels down."""
        ...

    def background(self, customers: Sequence[RecordRef]) -> Mapping[RecordRef, Background]:
        """What is remembered of each of these customers, in a handful of statements for all of them."""
        ...

    def keep_flags(self, flags: Sequence[Flag]) -> None:
        """Keep how accounts stand after a look at them, in order of their refs."""
        ...

    def flag(self, account: RecordRef) -> Flag | None:
        """How an account stood at the last look."""
        ...
