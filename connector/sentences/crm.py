"""What a CRM's records, or the CRM itself, will not let us do, and what its users can do about it."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

SEVERAL_BILLING_CONTACTS = Sentence(
    id="deal-several-billing-contacts",
    text="The deal has several contacts in the role {role}, and no single primary one among them.",
    fix="Mark the one who gets the invoice as primary, or leave the role to one of them.",
    cause="Nobody can say who gets the invoice: several contacts of a Salesforce opportunity have the role.",
    who=Who.SALES,
    field="contact.email",
)
NO_PRIMARY_COMPANY = Sentence(
    id="deal-no-primary-company",
    text="The deal has {count} companies, none of them primary.",
    fix="Mark the company that buys as the deal's primary company.",
    cause="A HubSpot deal is associated with several companies, so nobody can say which of them is billed.",
    who=Who.SALES,
    field="deal.account",
)
SEVERAL_PRIMARY_COMPANIES = Sentence(
    id="deal-several-primary-companies",
    text="The deal has {count} companies, more than one of them primary.",
    fix="Leave one primary company on the deal.",
    cause="A HubSpot deal is associated with several companies, so nobody can say which of them is billed.",
    who=Who.SALES,
    field="deal.account",
)
SEVERAL_PAYERS = Sentence(
    id="deal-several-payers",
    text="The deal has {count} companies with the label “{label}”, so nobody can say who pays.",
    fix="Leave the label “{label}” on one of them.",
    cause="The mapping takes who pays from an association label that several companies of the deal carry.",
    who=Who.SALES,
    field="payer.id",
)
TOO_MANY_LINES = Sentence(
    id="deal-too-many-lines",
    text="The deal has more than {most} line items.",
    fix="Split it into several deals.",
    cause="More lines than we read of one deal; billing takes far fewer.",
    who=Who.SALES,
    field="deal.line_items",
)
DEAL_DELETED = Sentence(
    id="deal-deleted",
    text="The deal was deleted in {crm}.",
    fix="Restore it there if it should still be billed.",
    cause="The CRM says for sure that the record is gone.",
    who=Who.SALES,
)
DEAL_MERGED = Sentence(
    id="deal-merged",
    text="The deal was merged into deal {other}.",
    fix="Look at that one: it is billed under its own id.",
    cause="Somebody merged two deals. The CRM answers the old id with the one that stays.",
    who=Who.SALES,
)
DEAL_UNSEEN = Sentence(
    id="deal-unseen",
    text="Salesforce shows us no such opportunity.",
    fix="Unless it was deleted for good, let the integration user see all opportunities (View All).",
    cause="Sharing rules hide the record from the integration user, or it was emptied from the recycle bin.",
    who=Who.ADMIN,
)
NOT_A_DEAL = Sentence(
    id="deal-id-malformed",
    text="This is not the id of a Salesforce opportunity.",
    fix="Use the 15 or 18 letters and digits at the end of its address.",
    cause="An id was mistyped, or belongs to another CRM.",
    who=Who.ADMIN,
)
FIELDS_MISSING = Sentence(
    id="crm-fields-missing",
    text="{crm} has no field {names} that we may write.",
    fix="Run `connector setup {setup}`, or take the fields out of the mapping.",
    cause="Values are mapped to fields that are not there, are read-only, or are hidden from the integration user.",
    who=Who.ADMIN,
)
VALUE_UNFIT = Sentence(
    id="crm-value-unfit",
    text="{name} cannot hold our value: {why}.",
    fix="Map the value to another field, or change the field's type.",
    cause="A value is mapped to a field whose type or length does not suit it.",
    who=Who.ADMIN,
)
COMPUTED = Sentence(
    id="crm-field-computed",
    text="{crm} computes {name} itself.",
    fix="Map the value to a field that can be written.",
    cause="A value is mapped to a field that nobody can write.",
    who=Who.ADMIN,
)
NO_SUCH_OPTION = Sentence(
    id="crm-option-missing",
    text="{name} has no such option as we mean to set.",
    fix="Run `connector setup {setup}`, or add the option there; set-up leaves fields alone that are not ours.",
    cause="A choice field lacks one of the values that are written to it.",
    who=Who.ADMIN,
)
