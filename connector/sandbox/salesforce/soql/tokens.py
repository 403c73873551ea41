"""SOQL text as a list of tokens, each knowing where it stands."""

import re
from dataclasses import dataclass
from typing import Literal

from connector.sandbox.salesforce.errors import Refused

Kind = Literal["word", "text", "number", "datetime", "date", "sign", "end"]

_PATTERN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<text>'(?:[^'\\]|\\.)*')
  | (?P<datetime>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2}))
  | (?P<date>\d{4}-\d{2}-\d{2}(?![\dT]))
  | (?P<number>[+-]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?(?![\w]))
  | (?P<word>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
  | (?P<sign><=|>=|!=|<>|[=<>(),:])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {
    "n": "\n", "N": "\n", "r": "\r", "R": "\r", "t": "\t", "T": "\t", "b": "\b", "B": "\b", "f": "\f", "F": "\f",
    '"': '"', "'": "'", "\\": "\\", "_": "_", "%": "%",
}  # fmt: skip


@dataclass(frozen=True)
class Token:
    """A piece of SOQL; `at` is its offset in the query."""

    kind: Kind
    text: str
    at: int

    @property
    def upper(self) -> str:
        """The text in capitals, for keywords."""
        return self.text.upper()


def tokenize(soql: str) -> list[Token]:
    """Every token of a query and an end mark; raises Refused (MALFORMED_QUERY) at the first odd character."""
    tokens: list[Token] = []
    at = 0
    while at < len(soql):
        match = _PATTERN.match(soql, at)
        if match is None or match.lastgroup is None:
            raise malformed(soql, at, f"unexpected token: '{soql[at]}'")
        if match.lastgroup == "text":
            _check_escapes(soql, at, match.group())
        if match.lastgroup != "space":
            tokens.append(Token(match.lastgroup, match.group(), at))  # type: ignore[arg-type]  # group names are Kinds
        at = match.end()
    tokens.append(Token("end", "<EOF>", len(soql)))
    return tokens


def unescape(quoted: str) -> str:
    """What a quoted SOQL text means."""
    return _ESCAPE.sub(lambda match: _ESCAPES[match.group(1)], quoted[1:-1])


def like_pattern(quoted: str) -> re.Pattern[str]:
    """The pattern of a quoted LIKE text: % is any text, _ one character, and either escaped is itself."""
    out = ""
    inner, at = quoted[1:-1], 0
    while at < len(inner):
        letter = inner[at]
        if letter == "\\":
            out += re.escape(_ESCAPES[inner[at + 1]])
            at += 1
        else:
            out += {"%": ".*", "_": "."}.get(letter, re.escape(letter))
        at += 1
    return re.compile(out + r"\Z", re.DOTALL | re.IGNORECASE)


def pointed(soql: str, at: int, message: str) -> str:
    """A message in Salesforce's shape: the row, a caret under the spot, its row and column, then the words."""
    row = soql.count("\n", 0, at) + 1
    column = at - (soql.rfind("\n", 0, at) + 1)
    line = soql.split("\n")[row - 1]
    return f"\n{line}\n{' ' * column}^\nERROR at Row:{row}:Column:{column + 1}\n{message}"


def malformed(soql: str, at: int, message: str) -> Refused:
    """The error for SOQL that cannot be read."""
    return Refused("MALFORMED_QUERY", pointed(soql, at, message))


def _check_escapes(soql: str, at: int, quoted: str) -> None:
    for match in _ESCAPE.finditer(quoted):
        if match.group(1) not in _ESCAPES:
            raise Refused(
                "MALFORMED_QUERY",
                pointed(soql, at + match.start(), f"Illegal character sequence '{match.group()}' in string literal"),
            )
