"""What is wrong with a command as it was typed."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

NOT_CONNECTED = Sentence(
    id="not-connected",
    text="{name} is not connected.",
    fix="Connected: {connected}. README.md says how to connect another.",
    cause="A command names a CRM or billing provider that has no settings here.",
    who=Who.ADMIN,
)
NOT_A_DEAL = Sentence(
    id="command-names-no-deal",
    text="{text} names no deal.",
    fix="Write it as salesforce:0065g00000XyZ or hubspot:123456.",
    cause="A command takes a deal as its CRM and its id there.",
    who=Who.ADMIN,
)
WHICH_TARGET = Sentence(
    id="command-names-no-target",
    text="It is not clear what to try again.",
    fix="Name one target, or say --all.",
    cause="`connector replay` was given neither a target nor --all, or both.",
    who=Who.ADMIN,
)
NOT_A_TARGET = Sentence(
    id="command-target-unknown",
    text="{text} is no target.",
    fix="Copy one from `connector parked`: deal/hubspot:deal:123.",
    cause="`connector replay` takes what `connector parked` prints.",
    who=Who.ADMIN,
)
WHICH_VERSION = Sentence(
    id="command-names-no-version",
    text="It is not clear which mapping to put in force.",
    fix="Name a version, or one that we ship with --default.",
    cause="`connector mapping activate` was given neither a version nor --default, or both.",
    who=Who.ADMIN,
)
NOT_SHIPPED = Sentence(
    id="mapping-not-shipped",
    text="We ship no mapping {name} for {crm}.",
    fix="There are: {names}.",
    cause="`connector mapping activate --default` names a mapping that is not in mappings/defaults.",
    who=Who.ADMIN,
)
FILE_NOT_WRITTEN = Sentence(
    id="file-cannot-be-written",
    text="{file} cannot be written ({problem}).",
    fix="Name a file in a folder that is there and that you may write to.",
    cause="`connector mapping export --output` names a file that cannot be made.",
    who=Who.ADMIN,
)
NOT_A_FIGURE = Sentence(
    id="command-names-no-figure",
    text="{figure} is no figure that opens.",
    fix="There are: {figures}.",
    cause="`connector receivables --open` or `connector revenue --open` names no figure, bucket, or day of a week.",
    who=Who.ADMIN,
)
NOT_FORECAST = Sentence(
    id="command-week-not-forecast",
    text="{day} is in no week that is forecast: they run from {first} to {last}.",
    fix="Name a day of one of them, or ask for more with --weeks.",
    cause="`connector receivables --open` names a day before the forecast begins, or after it ends.",
    who=Who.FINANCE,
)
NOT_YET = Sentence(
    id="command-day-to-come",
    text="{day} is still to come.",
    fix="Name today or a day that is past.",
    cause="`connector receivables`, `connector revenue` or `connector health assess` is asked, with --as-of, for a day "
    "that the ledger cannot know.",
    who=Who.ADMIN,
)
