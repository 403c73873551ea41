"""What HubSpot refuses, or fails to do, and what its admins can change."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

_AGAIN = "It is tried again by itself."
_SCOPES = "Add the scopes to the private app or service key in HubSpot, then use its new token if there is one."

TOKEN_REFUSED = Sentence(
    id="hubspot-token-refused",
    text="HubSpot does not accept the access token: it expired, was rotated, or the app was deactivated.",
    fix="Put the current token in HUBSPOT_ACCESS_TOKEN.",
    cause="HubSpot answered with status 401.",
    who=Who.ADMIN,
)
NOT_ALLOWED = Sentence(
    id="hubspot-not-allowed",
    text="The access token may not do this.",
    fix=_SCOPES,
    cause="HubSpot answered with status 403: the private app lacks a scope.",
    who=Who.ADMIN,
)
LACKS_SCOPES = Sentence(
    id="hubspot-scopes-missing",
    text="The access token may not do this: it lacks {scopes}.",
    fix=_SCOPES,
    cause="HubSpot refused a call and named the scopes that the private app lacks.",
    who=Who.ADMIN,
)
NO_RECORD = Sentence(
    id="hubspot-record-not-found",
    text="HubSpot has no such record, or the token may not see it.",
    fix="If the record is still there, let the private app see it.",
    cause="HubSpot answered with status 404.",
    who=Who.ADMIN,
)
RECORD_GONE = Sentence(
    id="hubspot-record-gone",
    text="HubSpot has no such record any more.",
    fix="Restore it, or leave it be.",
    cause="A record that is to be written was deleted in HubSpot.",
    who=Who.SALES,
)
TOO_SLOW = Sentence(
    id="hubspot-too-slow",
    text="HubSpot took too long to answer.",
    fix=_AGAIN,
    cause="HubSpot answered with status 408.",
    who=Who.ADMIN,
)
CLASH = Sentence(
    id="hubspot-clash",
    text="HubSpot says that this clashes with what is there already.",
    fix="Save the record by hand in HubSpot to see why.",
    cause="HubSpot answered with status 409: two writes met, or a unique value is taken.",
    who=Who.ADMIN,
)
LOCKED = Sentence(
    id="hubspot-record-locked",
    text="HubSpot has locked the record while it works on it.",
    fix=_AGAIN,
    cause="HubSpot answered with status 423, as it does during imports and merges.",
    who=Who.ADMIN,
)
SLOW_DOWN = Sentence(
    id="hubspot-slow-down",
    text="HubSpot asks us to slow down.",
    fix=_AGAIN,
    cause="HubSpot's limit for ten seconds is used up, by the connector or by other programs.",
    who=Who.ADMIN,
)
CALLS_USED_UP = Sentence(
    id="hubspot-calls-used-up",
    text="The HubSpot account has used up its API calls for today.",
    fix="It goes on after midnight; HubSpot sells more calls as a capacity pack.",
    cause="HubSpot's daily limit is reached.",
    who=Who.ADMIN,
)
MOVING = Sentence(
    id="hubspot-account-moving",
    text="HubSpot is moving this account to another data centre.",
    fix=_AGAIN,
    cause="HubSpot answered with status 477.",
    who=Who.ADMIN,
)
NO_PROPERTY = Sentence(
    id="hubspot-property-missing",
    text="HubSpot has no property {names} here.",
    fix="Run `connector setup hubspot`, or correct the field mapping.",
    cause="A property that the mapping names was deleted or never made.",
    who=Who.ADMIN,
)
NO_OPTION = Sentence(
    id="hubspot-option-missing",
    text="Our value is not among the options of HubSpot's property {names}.",
    fix="Add the option in HubSpot.",
    cause="A choice property lacks one of the values that are written to it.",
    who=Who.ADMIN,
)
COMPUTED = Sentence(
    id="hubspot-property-computed",
    text="HubSpot computes the property {names} itself.",
    fix="Map the value to a property that can be written.",
    cause="The mapping writes to a read-only property.",
    who=Who.ADMIN,
)
REQUIRED = Sentence(
    id="hubspot-value-required",
    text="HubSpot demands a value for {names} before it saves the record.",
    fix="Fill it in on the record, or relax the rule for required properties in HubSpot's object settings.",
    cause="A required property of the record is empty, so HubSpot takes no other value either.",
    who=Who.SALES,
)
VALUE_REFUSED = Sentence(
    id="hubspot-value-refused",
    text="HubSpot refused the value of {names}.",
    fix="Compare the property's type with the mapping.",
    cause="A value does not fit the property it is written to.",
    who=Who.ADMIN,
)
REFUSED = Sentence(
    id="hubspot-refused",
    text="HubSpot refused the request.",
    fix="Save the record by hand in HubSpot to see why.",
    cause="HubSpot refused for a reason that the connector does not know.",
    who=Who.ADMIN,
)
UNWELL = Sentence(
    id="hubspot-unwell",
    text="HubSpot is unwell.",
    fix=_AGAIN,
    cause="HubSpot answered that it failed in itself.",
    who=Who.ADMIN,
)
NO_ANSWER = Sentence(
    id="hubspot-no-answer",
    text="HubSpot did not answer.",
    fix=_AGAIN,
    cause="The connection broke, or no answer came in time.",
    who=Who.ADMIN,
)
ODD_ANSWER = Sentence(
    id="hubspot-odd-answer",
    text="Something between HubSpot and us gave an answer that is not HubSpot's.",
    fix="It is tried again by itself; if it stays, look at the proxies on the way.",
    cause="An answer was no JSON, as when a proxy shows a page of its own.",
    who=Who.ADMIN,
)
HALF_ANSWER = Sentence(
    id="hubspot-half-answer",
    text="HubSpot's answer lacks {what}.",
    fix=_AGAIN,
    cause="An answer of HubSpot's is not whole, and nothing is guessed: half a deal is never billed.",
    who=Who.ADMIN,
)
TOO_MANY_AT_ONCE = Sentence(
    id="hubspot-too-many-changed-at-once",
    text="More deals changed in one millisecond than HubSpot's search lists.",
    fix="Change one of them, or bill them by id with `connector bill`.",
    cause="A mass update touched more than 10,000 deals in the same moment.",
    who=Who.ADMIN,
)
TOO_MANY_LINKED = Sentence(
    id="hubspot-too-many-associated",
    text="More than {most} {others} are associated with this record, more than can be looked through.",
    fix="Take old associations off the record in HubSpot, or merge and delete what is not needed.",
    cause="An import or a workflow tied a great many records to one company or deal.",
    who=Who.ADMIN,
)
NOT_A_KIND = Sentence(
    id="hubspot-kind-unknown",
    text="HubSpot has no {kind} that we work with.",
    fix="Take it out of the mapping: deals, companies, contacts, line items and products are what there is.",
    cause="A mapping names a kind of record that the connector does not read or write in HubSpot.",
    who=Who.ADMIN,
)
