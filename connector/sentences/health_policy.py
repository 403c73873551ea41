"""What is wrong with a health policy, as an admin wrote it."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

NOT_AN_OBJECT = Sentence(
    id="health-policy-shape",
    text="{what} must be a JSON object.",
    fix='Write it as {{"flag_below": 60}}, with every other threshold that is to differ from its default.',
    cause="The health policy, or one of its segments, is a list, a text or a number.",
    who=Who.ADMIN,
)
UNKNOWN = Sentence(
    id="health-policy-unknown",
    text="{what} does not know {name}.",
    fix="Take it out, or use one of {known}.",
    cause="The health policy, or one of its segments, sets something that it has no place for.",
    who=Who.ADMIN,
)
RANGE = Sentence(
    id="health-policy-range",
    text="{name} must be {kind} from {least} to {most}.",
    fix="Correct it in the health policy, or leave it out for the default.",
    cause="A threshold of the health policy is no number, or lies outside its range.",
    who=Who.ADMIN,
)
ORDER = Sentence(
    id="health-policy-order",
    text="The scores{where} must rise: severe below {severe:g}, flag below {flag:g}, watch below {watch:g}.",
    fix="Correct the one that is out of order; one that is left out has its default.",
    cause="A worse word of the health policy begins at a better score than a better word.",
    who=Who.ADMIN,
)
WINDOWS = Sentence(
    id="health-policy-windows",
    text="`renewal_windows`{where} must list at most {most} different whole numbers of days from 1 to {longest}.",
    fix="Write it as [90, 60, 30], or leave it out for these.",
    cause="The renewal windows of the health policy are no list of days.",
    who=Who.ADMIN,
)
ROLL_UP = Sentence(
    id="health-policy-roll-up",
    text="`roll_up` must be one of {choices}.",
    fix="Use one of these words, or leave it out: then each account speaks for itself.",
    cause="The health policy rolls accounts up in a way that we do not know.",
    who=Who.ADMIN,
)
SEGMENTS = Sentence(
    id="health-policy-segments",
    text="The segments of the health policy must be a list.",
    fix='Write it as [{{"country": "DE", "flag_below": 50}}].',
    cause="The segments of the health policy are no list.",
    who=Who.ADMIN,
)
FITS_NOBODY = Sentence(
    id="health-policy-segment",
    text="{what} must name a size, a country or a plan, each as text.",
    fix="Say which accounts it is for; thresholds for all accounts stand outside the segments.",
    cause="A segment of the health policy does not say which accounts it is for.",
    who=Who.ADMIN,
)
