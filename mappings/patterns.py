"""Which regular expressions an admin may use: those that cannot keep a worker busy for long.

Python's matcher has no time limit, so the pattern itself is limited: no repeated group (nested repetition is what
makes matching explode) and few open-ended repetitions, on short texts.
"""

from __future__ import annotations

import re

LONGEST_PATTERN = 200
LONGEST_TEXT = 255
_MOST_REPEATS = 3
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d*,?\d*\}|[*+?)(]|.", re.DOTALL)


def unsafe(pattern: str) -> str:
    """Why a pattern may not be used, in a few words; empty when it may."""
    if len(pattern) > LONGEST_PATTERN:
        return f"the pattern is longer than {LONGEST_PATTERN} characters"
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"the pattern is not a regular expression: {error}"
    if compiled.flags & re.VERBOSE:
        return "the pattern is in verbose form, in which blanks would hide what is repeated"
    tokens = _TOKEN.findall(pattern)
    repeats = [index for index, token in enumerate(tokens) if token in {"*", "+"} or _is_count(token)]
    if any(tokens[index - 1] == ")" for index in repeats):
        return "the pattern repeats a group, which can take for ever to match"
    if len(repeats) > _MOST_REPEATS:
        return f"the pattern repeats more than {_MOST_REPEATS} times"
    return ""


def _is_count(token: str) -> bool:
    return token.startswith("{") and len(token) > 2
