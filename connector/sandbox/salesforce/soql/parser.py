"""SOQL text to a Query, by the grammar of the SOQL reference: no guessing, no leniency that Salesforce lacks."""

from datetime import date
from decimal import Decimal

from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.soql.tokens import Token, malformed, tokenize
from connector.sandbox.salesforce.soql.tree import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Days,
    Literal,
    Not,
    OneOf,
    Order,
    Path,
    Plain,
    Query,
    Text,
)
from connector.sandbox.salesforce.values import read_datetime

_COMPARISONS = frozenset({"=", "!=", "<>", "<", "<=", ">", ">="})
_NAMED_DAYS = frozenset({"TODAY", "YESTERDAY", "TOMORROW"})
_COUNTED_DAYS = frozenset({"LAST_N_DAYS", "NEXT_N_DAYS"})
_RESERVED = frozenset(
    {"AND", "ASC", "DESC", "EXCLUDES", "FROM", "GROUP", "HAVING", "IN", "INCLUDES", "LIKE", "LIMIT", "NOT", "NULL"}
    | {"NULLS", "OFFSET", "OR", "ORDER", "SELECT", "USING", "WHERE", "WITH", "FOR"}
)
_LONGEST_QUERY = 100_000
_LARGEST_OFFSET = 2000


def parse(soql: str) -> Query:
    """The query that this text is; raises Refused (MALFORMED_QUERY and kin) with the row and column."""
    if len(soql) > _LONGEST_QUERY:
        raise Refused("QUERY_TOO_COMPLICATED", "SOQL statements cannot be longer than 100000 characters.")
    return _Parser(soql).whole()


class _Parser:
    def __init__(self, soql: str) -> None:
        self._soql = soql
        self._tokens = tokenize(soql)
        self._next = 0

    def whole(self) -> Query:
        query = self._query(depth=0)
        if self._peek().kind != "end":
            raise self._unexpected()
        return query

    # -- tokens

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _is(self, *words: str) -> bool:
        token = self._peek()
        return token.kind in ("word", "sign") and token.upper in words

    def _accept(self, *words: str) -> bool:
        if self._is(*words):
            self._take()
            return True
        return False

    def _expect(self, word: str) -> Token:
        if not self._is(word):
            raise self._unexpected()
        return self._take()

    def _unexpected(self) -> Refused:
        token = self._peek()
        shown = token.text if token.kind == "end" else f"'{token.text}'"
        return malformed(self._soql, token.at, f"unexpected token: {shown}")

    # -- clauses

    def _query(self, depth: int) -> Query:
        self._expect("SELECT")
        select = self._select(depth)
        self._expect("FROM")
        source = self._name()
        alias = None
        if self._peek().kind == "word" and self._peek().upper not in _RESERVED:
            alias = self._take().text
        where = self._condition() if self._accept("WHERE") else None
        order: tuple[Order, ...] = ()
        if self._accept("ORDER"):
            self._expect("BY")
            order = self._orders()
        limit = self._whole_number() if self._accept("LIMIT") else None
        offset = self._offset() if self._accept("OFFSET") else 0
        return Query(select, source.text, alias, where, order, limit, offset, at=source.at)

    def _select(self, depth: int) -> tuple[Path | Query, ...]:
        if self._is("COUNT") and self._tokens[self._next + 1].text == "(":
            self._take()
            self._take()
            self._expect(")")
            if depth:
                raise self._unexpected()
            return ()
        columns = [self._column(depth)]
        while self._accept(","):
            columns.append(self._column(depth))
        return tuple(columns)

    def _column(self, depth: int) -> Path | Query:
        if not self._is("("):
            return self._path()
        if depth:
            raise self._unexpected()  # one level of sub-selects is all that this connector could need
        self._take()
        inner = self._query(depth + 1)
        self._expect(")")
        return inner

    def _orders(self) -> tuple[Order, ...]:
        orders = [self._order()]
        while self._accept(","):
            orders.append(self._order())
        return tuple(orders)

    def _order(self) -> Order:
        path = self._path()
        descending = self._accept("DESC")
        if not descending:
            self._accept("ASC")
        nulls_last = False
        if self._accept("NULLS"):
            nulls_last = self._accept("LAST")
            if not nulls_last:
                self._expect("FIRST")
        return Order(path, descending, nulls_last)

    def _offset(self) -> int:
        at = self._peek().at
        offset = self._whole_number()
        if offset > _LARGEST_OFFSET:
            raise Refused("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {_LARGEST_OFFSET} (at {at})")
        return offset

    def _whole_number(self) -> int:
        token = self._peek()
        if token.kind != "number" or not token.text.isdigit():
            raise self._unexpected()
        return int(self._take().text)

    def _name(self) -> Token:
        token = self._peek()
        if token.kind != "word" or "." in token.text or token.upper in _RESERVED:
            raise self._unexpected()
        return self._take()

    def _path(self) -> Path:
        token = self._peek()
        if token.kind != "word" or token.upper in _RESERVED:
            raise self._unexpected()
        self._take()
        return Path(tuple(token.text.split(".")), at=token.at)

    # -- conditions

    def _condition(self) -> Condition:
        if self._accept("NOT"):
            return Not(self._simple())
        first = self._simple()
        if self._is("AND"):
            return AllOf((first, *self._more("AND")))
        if self._is("OR"):
            return AnyOf((first, *self._more("OR")))
        return first

    def _more(self, word: str) -> list[Condition]:
        parts = []
        while self._accept(word):
            parts.append(self._simple())
        return parts  # the other word comes unexpected then: Salesforce wants brackets around a mixture

    def _simple(self) -> Condition:
        if self._accept("("):
            inner = self._condition()
            self._expect(")")
            return inner
        path = self._path()
        if self._is("NOT"):
            self._take()
            self._expect("IN")
            return self._choices(path, negated=True)
        if self._accept("IN"):
            return self._choices(path, negated=False)
        operator = self._peek()
        if operator.text not in _COMPARISONS and operator.upper != "LIKE":
            raise self._unexpected()
        self._take()
        at = self._peek().at
        text = "!=" if operator.text == "<>" else operator.upper
        return Comparison(path, text, self._literal(), at=at)

    def _choices(self, path: Path, *, negated: bool) -> OneOf:
        at = self._expect("(").at
        if self._is("SELECT"):
            inner = self._query(depth=1)
            self._expect(")")
            return OneOf(path, inner, negated, at=at)
        choices = [self._literal()]
        while self._accept(","):
            choices.append(self._literal())
        self._expect(")")
        return OneOf(path, tuple(choices), negated, at=at)

    def _literal(self) -> Literal:
        token = self._peek()
        if token.kind == "text":
            return Text(self._take().text)
        if token.kind == "number":
            return Plain(Decimal(self._take().text))
        if token.kind in ("date", "datetime"):
            return self._moment()
        if token.upper in ("TRUE", "FALSE"):
            return Plain(self._take().upper == "TRUE")
        if token.upper == "NULL":
            self._take()
            return Plain(None)
        if token.upper in _NAMED_DAYS:
            return Days(self._take().upper)
        if token.upper in _COUNTED_DAYS:
            name = self._take().upper
            self._expect(":")
            return Days(name, self._whole_number())
        raise self._unexpected()

    def _moment(self) -> Plain:
        token = self._peek()
        try:
            value = date.fromisoformat(token.text) if token.kind == "date" else read_datetime(token.text)
        except ValueError:
            raise malformed(self._soql, token.at, f"Invalid {token.kind}: {token.text}") from None
        self._take()
        return Plain(value)
