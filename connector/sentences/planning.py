"""Why a deal cannot be billed as it stands, and what its record says about how it was billed."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

NO_ACCOUNT = Sentence(
    id="deal-without-account",
    text="The deal has no account, so there is nobody to bill.",
    fix="Set the account.",
    cause="A won deal is not connected to a company.",
    who=Who.SALES,
    field="deal.account",
)
