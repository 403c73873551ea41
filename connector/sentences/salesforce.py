"""What Salesforce refuses, or fails to do, and what its admins can change."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

_PERMISSION = (
    "Give the integration user access: run `connector setup salesforce`, or assign the permission set by hand."
)
_FIELD = "Run `connector setup salesforce`, or correct the field mapping."
_RULE = "Save the record by hand in Salesforce to read the message of the rule, then relax the rule or fix the record."
_AGAIN = "It is tried again by itself."

BUSY = Sentence(
    id="salesforce-record-busy",
    text="Salesforce is busy with this record{details}.",
    fix=_AGAIN,
    cause="Another program, or a person, saves a record that this one hangs on.",
    who=Who.ADMIN,
)
UNAVAILABLE = Sentence(
    id="salesforce-unavailable",
    text="Salesforce is unavailable for the moment{details}.",
    fix=_AGAIN,
    cause="Salesforce, or something in front of it, answered with a status of 500 or more.",
    who=Who.ADMIN,
)
CALLS_USED_UP = Sentence(
    id="salesforce-calls-used-up",
    text="The org has used up its API calls of the last 24 hours{details}.",
    fix="Wait, or buy more calls; Setup > Company Information shows the count.",
    cause="All programs of the org together have reached its daily limit.",
    who=Who.ADMIN,
)
SLOW_DOWN = Sentence(
    id="salesforce-slow-down",
    text="Salesforce asks us to slow down{details}.",
    fix=_AGAIN,
    cause="Salesforce answered with status 429.",
    who=Who.ADMIN,
)
SLOW_QUERY = Sentence(
    id="salesforce-query-too-slow",
    text="Salesforce took too long over a query{details}.",
    fix=_AGAIN,
    cause="A query ran into Salesforce's time limit.",
    who=Who.ADMIN,
)
FAILED = Sentence(
    id="salesforce-failed",
    text="Salesforce failed in itself{details}.",
    fix=_AGAIN,
    cause="Salesforce says that something unexpected happened on its side.",
    who=Who.ADMIN,
)
NO_ANSWER = Sentence(
    id="salesforce-no-answer",
    text="Salesforce cannot be reached.",
    fix=_AGAIN,
    cause="The connection broke, or no answer came in time.",
    who=Who.ADMIN,
)
ODD_ANSWER = Sentence(
    id="salesforce-odd-answer",
    text="Salesforce answered {what}.",
    fix=_AGAIN,
    cause="An answer of Salesforce's is not what its documentation promises, and nothing is guessed.",
    who=Who.ADMIN,
)
FRESH_SESSION_REFUSED = Sentence(
    id="salesforce-session-refused",
    text="Salesforce refuses the session it has just given us{details}.",
    fix="Look at the app's session and IP policies.",
    cause="The session ends at once: the app's policies lock it to addresses that are not ours.",
    who=Who.ADMIN,
)
SESSION_UNREADABLE = Sentence(
    id="salesforce-session-unusable",
    text="Salesforce refuses our session{details}.",
    fix="Look at the External Client App.",
    cause="Salesforce cannot read the session that a request carries.",
    who=Who.ADMIN,
)
NO_API = Sentence(
    id="salesforce-edition-without-api",
    text="This Salesforce edition has no API access{details}.",
    fix="API access is part of Enterprise and above.",
    cause="The org's edition does not include the API.",
    who=Who.ADMIN,
)
API_OFF = Sentence(
    id="salesforce-api-off",
    text="API access of the integration user is off{details}.",
    fix=_PERMISSION,
    cause="The user's profile or permission sets lack “API Enabled”.",
    who=Who.ADMIN,
)
NOT_ALLOWED = Sentence(
    id="salesforce-not-allowed",
    text="The integration user may not do this{details}.",
    fix=_PERMISSION,
    cause="The user lacks access to an object or to a function of Salesforce.",
    who=Who.ADMIN,
)
MAY_NOT_CHANGE = Sentence(
    id="salesforce-may-not-change",
    text="The integration user may not change this{details}.",
    fix=_PERMISSION,
    cause="The user may read the record but not write it, or the record is locked by an approval.",
    who=Who.ADMIN,
)
MAY_NOT_CHANGE_PARENT = Sentence(
    id="salesforce-may-not-change-parent",
    text="The integration user may not change a record that this one hangs on{details}.",
    fix=_PERMISSION,
    cause="Saving the record touches another one, to which the user has no access.",
    who=Who.ADMIN,
)
MAY_NOT_SET_FIELD = Sentence(
    id="salesforce-may-not-set-field",
    text="The integration user may not set a field{details}.",
    fix=_PERMISSION,
    cause="The user lacks edit access to a field that the mapping writes.",
    who=Who.ADMIN,
)
OBJECT_HIDDEN = Sentence(
    id="salesforce-object-hidden",
    text="The integration user cannot see an object{details}.",
    fix=_PERMISSION,
    cause="The user lacks read access to an object that the mapping reads.",
    who=Who.ADMIN,
)
OBJECT_NOT_FOR_THIS = Sentence(
    id="salesforce-object-not-for-this",
    text="The integration user may not use an object so{details}.",
    fix=_PERMISSION,
    cause="The user may read an object but not write it.",
    who=Who.ADMIN,
)
NO_RECORD = Sentence(
    id="salesforce-record-not-found",
    text="Salesforce has no such record, or we cannot see it{details}.",
    fix="If it was deleted or merged, nothing needs to be done; otherwise let the integration user see it.",
    cause="A record was deleted or merged, or the integration user lost sight of it.",
    who=Who.ADMIN,
)
RECORD_DELETED = Sentence(
    id="salesforce-record-deleted",
    text="The record was deleted in Salesforce{details}.",
    fix="Restore it from the recycle bin.",
    cause="A record that is to be written lies in the recycle bin.",
    who=Who.SALES,
)
NO_FIELD = Sentence(
    id="salesforce-field-missing",
    text="Salesforce does not know a field that we named{details}.",
    fix=_FIELD,
    cause="A field that the mapping names was deleted, renamed or never made, or is hidden from the integration user.",
    who=Who.ADMIN,
)
NOT_AN_ID = Sentence(
    id="salesforce-id-malformed",
    text="An id is not one of Salesforce's{details}.",
    fix="Correct the id, in the command or in the field that holds it.",
    cause="A text that should be a record id is not one.",
    who=Who.ADMIN,
)
QUERY_UNREADABLE = Sentence(
    id="salesforce-query-unreadable",
    text="Salesforce cannot read our query{details}.",
    fix="Look for odd names in the mapping.",
    cause="A name in the mapping is not one that a query may hold.",
    who=Who.ADMIN,
)
VALIDATION_RULE = Sentence(
    id="salesforce-validation-rule",
    text="A validation rule refuses the change{details}.",
    fix=_RULE,
    cause="The org has a rule that the record breaks, often by other values than ours.",
    who=Who.ADMIN,
)
TRIGGER = Sentence(
    id="salesforce-trigger-refuses",
    text="A flow or trigger refuses the change{details}.",
    fix=_RULE,
    cause="The org's own automation stopped the save.",
    who=Who.ADMIN,
)
FLOW_FAILED = Sentence(
    id="salesforce-flow-failed",
    text="A flow failed on the change{details}.",
    fix=_RULE,
    cause="The org's own automation broke off while the record was saved.",
    who=Who.ADMIN,
)
REQUIRED = Sentence(
    id="salesforce-required-field-empty",
    text="The record lacks a required field{details}.",
    fix="Fill it in on the record.",
    cause="Salesforce saves nothing on a record whose required fields are not filled.",
    who=Who.SALES,
)
NOT_IN_PICKLIST = Sentence(
    id="salesforce-not-in-picklist",
    text="A picklist does not have our value{details}.",
    fix="Add the value to the picklist.",
    cause="A restricted picklist lacks one of the values that are written to it.",
    who=Who.ADMIN,
)
TEXT_TOO_LONG = Sentence(
    id="salesforce-text-too-long",
    text="A text is longer than its field{details}.",
    fix="Make the field longer.",
    cause="A value is mapped to a field that is too short for it.",
    who=Who.ADMIN,
)
NUMBER_TOO_LARGE = Sentence(
    id="salesforce-number-does-not-fit",
    text="A number does not fit its field{details}.",
    fix="Give the field more digits.",
    cause="A value is mapped to a number field with too few digits.",
    who=Who.ADMIN,
)
DUPLICATE_RULE = Sentence(
    id="salesforce-duplicate-rule",
    text="A duplicate rule refuses the change{details}.",
    fix="Let the integration user pass it.",
    cause="The org's duplicate rules block the save.",
    who=Who.ADMIN,
)
VALUE_TAKEN = Sentence(
    id="salesforce-value-taken",
    text="Another record has the value of a unique field already{details}.",
    fix="Take “unique” off the field, or map the value to another one.",
    cause="A value is mapped to a field in which each value may stand once.",
    who=Who.ADMIN,
)
VALUE_UNREADABLE = Sentence(
    id="salesforce-value-unreadable",
    text="Salesforce cannot read a value that we sent{details}.",
    fix=_FIELD,
    cause="A value is mapped to a field of a type that cannot hold it.",
    who=Who.ADMIN,
)
REFUSED = Sentence(
    id="salesforce-refused",
    text="Salesforce refuses the request{details}.",
    fix="Look the code up in Salesforce's documentation, or save the record by hand to see why.",
    cause="Salesforce refused for a reason that the connector does not know.",
    who=Who.ADMIN,
)
CLIENT_UNKNOWN = Sentence(
    id="salesforce-client-unknown",
    text="Salesforce does not know the client id{details}.",
    fix="Check SALESFORCE_CLIENT_ID.",
    cause="The consumer key is misspelt, or its app was deleted.",
    who=Who.ADMIN,
)
CLIENT_REFUSED = Sentence(
    id="salesforce-client-refused",
    text="Salesforce refuses the client id and secret{details}.",
    fix="Check SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET.",
    cause="The consumer secret was rotated or is misspelt.",
    who=Who.ADMIN,
)
NOT_LET_IN = Sentence(
    id="salesforce-user-not-let-in",
    text="Salesforce does not let the integration user in{details}.",
    fix="Check that the app's policies pre-authorise the user, that the user is active, that the app names a Run As "
    "user (client credentials) or holds our certificate (JWT), and that SALESFORCE_LOGIN_URL fits the org.",
    cause="Salesforce answered a sign-in with invalid_grant.",
    who=Who.ADMIN,
)
APP_NOT_ALLOWED = Sentence(
    id="salesforce-app-not-allowed",
    text="The integration user may not use the app{details}.",
    fix="Pre-authorise the user in the app's policies.",
    cause="The app admits only users that an admin has approved.",
    who=Who.ADMIN,
)
USER_INACTIVE = Sentence(
    id="salesforce-user-inactive",
    text="The integration user is inactive{details}.",
    fix="Activate it, or name another one.",
    cause="The integration user was deactivated in Salesforce.",
    who=Who.ADMIN,
)
ORG_LOCKED = Sentence(
    id="salesforce-org-locked",
    text="The Salesforce org is locked or closed{details}.",
    fix="Ask Salesforce.",
    cause="Salesforce has locked the org, as it does when a contract ends.",
    who=Who.ADMIN,
)
FLOW_OFF = Sentence(
    id="salesforce-sign-in-flow-off",
    text="The app does not allow this way to sign in{details}.",
    fix="Turn the flow on in the External Client App.",
    cause="The app has neither client credentials nor JWT switched on.",
    who=Who.ADMIN,
)
SIGN_IN_REFUSED = Sentence(
    id="salesforce-sign-in-refused",
    text="Salesforce refuses to sign us in{details}.",
    fix="Check the External Client App.",
    cause="Salesforce refused a sign-in for a reason that the connector does not know.",
    who=Who.ADMIN,
)
ADDRESS_NOT_SAFE = Sentence(
    id="salesforce-address-not-safe",
    text="Salesforce named an API address that is not https.",
    fix="Check SALESFORCE_INSTANCE_URL.",
    cause="The address at which the org says that its API is would send the session in the clear.",
    who=Who.ADMIN,
)
KEY_UNUSABLE = Sentence(
    id="salesforce-key-unusable",
    text="The Salesforce private key is not an RSA key in PEM format.",
    fix="Check SALESFORCE_PRIVATE_KEY or SALESFORCE_PRIVATE_KEY_FILE.",
    cause="The key that signs us in cannot be read.",
    who=Who.ADMIN,
)
OWNER_LEFT = Sentence(
    id="salesforce-owner-inactive",
    text="Salesforce gives nothing to a user who is not active{details}.",
    fix="Give the record to somebody who is; its next task goes to them.",
    cause="The owner of an account or deal was deactivated.",
    who=Who.ADMIN,
)
NOT_A_KIND = Sentence(
    id="salesforce-kind-unknown",
    text="Salesforce has no object for our kind {kind}.",
    fix="Take it out of the mapping, or name an object by its own API name.",
    cause="A mapping names a kind of record that the connector does not read or write in Salesforce.",
    who=Who.ADMIN,
)
NOT_AN_OBJECT = Sentence(
    id="salesforce-object-impossible",
    text="A mapping names an object that cannot exist.",
    fix="Correct the object's API name in the mapping.",
    cause="An object's name holds signs that no API name has.",
    who=Who.ADMIN,
)
STILL_HIDDEN = Sentence(
    id="salesforce-fields-still-hidden",
    text="The integration user still does not see {fields}.",
    fix="Check that permission set {permission_set} is assigned to it and its licence allows the objects.",
    cause="Set-up made the fields and granted access, and Salesforce hides them all the same.",
    who=Who.ADMIN,
)
WHO_ARE_WE = Sentence(
    id="salesforce-user-unnamed",
    text="Salesforce did not say which user we are.",
    fix="Assign permission set {permission_set} to the integration user by hand.",
    cause="Set-up cannot assign the permission set without knowing to whom.",
    who=Who.ADMIN,
)
NO_PERMISSION_SET = Sentence(
    id="salesforce-no-permission-set",
    text="There is no permission set {permission_set} yet.",
    fix="Run `connector setup salesforce`.",
    cause="Access was to be granted before set-up made what grants it.",
    who=Who.ADMIN,
)
NOT_GRANTED = Sentence(
    id="salesforce-access-not-granted",
    text="Access to {path} could not be granted: {problem}",
    fix="Grant it by hand in permission set {permission_set}.",
    cause="Salesforce refused a permission that set-up asked for.",
    who=Who.ADMIN,
)
