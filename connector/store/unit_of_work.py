"""PostgresStore: transactions on Postgres, each a UnitOfWork with a repository for every kind of memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, func, select, text

from connector import ports
from connector.domain.inbox import InboxEvent
from connector.errors import RetryLater, Unreachable
from connector.sentences.running import BUSY_ELSEWHERE
from connector.store.accounts import PostgresAccounts
from connector.store.audit import PostgresAudit
from connector.store.book import PostgresBook
from connector.store.database import make_engine, our_errors
from connector.store.inbox import PostgresInbox
from connector.store.ledger import PostgresLedger
from connector.store.links import PostgresLinks
from connector.store.mappings import PostgresMappings
from connector.store.marking import NOBODY, Wake, receive
from connector.store.plans import PostgresPlans
from connector.store.portfolios import PostgresPortfolios
from connector.store.receivables import PostgresReceivables
from connector.store.records import PostgresRecords
from connector.store.renewals import PostgresRenewals
from connector.store.said import PostgresSaid
from connector.store.settings import PostgresSettings
from connector.store.targets import PostgresTargets
from connector.store.terms import PostgresTerms


class PostgresUnitOfWork:
    """One transaction on one connection."""

    def __init__(self, connection: Connection, wake: Wake) -> None:
        self._connection = connection
        audit = PostgresAudit(connection)
        self.inbox: ports.Inbox = PostgresInbox(connection)
        self.targets: ports.Targets = PostgresTargets(connection, wake)
        self.links: ports.Links = PostgresLinks(connection)
        self.ledger: ports.Ledger = PostgresLedger(connection)
        self.receivables: ports.ReceivableRows = PostgresReceivables(connection)
        self.book: ports.Book = PostgresBook(connection)
        self.records: ports.Records = PostgresRecords(connection)
        self.audit: ports.Audit = audit
        self.settings: ports.AdminSettings = PostgresSettings(connection, audit)
        self.mappings: ports.Mappings = PostgresMappings(connection)
        self.accounts: ports.Accounts = PostgresAccounts(connection)
        self.said: ports.Said = PostgresSaid(connection)
        self.renewals: ports.Renewals = PostgresRenewals(connection)
        self.plans: ports.Plans = PostgresPlans(connection)
        self.portfolios: ports.Portfolios = PostgresPortfolios(connection)
        self.terms: ports.Terms = PostgresTerms(connection)


class PostgresStore:
    """Implements ``ports.Store``.

    ``wake`` says in SQL how a wake-up is queued; without one nobody is woken: for a process that only reads, or a
    test that looks at the tables.
    """

    def __init__(
        self, url: str, wake: Wake = NOBODY, *, pool_size: int = 10, busy_after: timedelta = timedelta(seconds=30)
    ) -> None:
        self._engine = make_engine(url, pool_size=pool_size)
        self._autocommit_engine = make_engine(url, pool_size=pool_size, autocommit=True)
        self._lock_engine = make_engine(url, pool_size=0, pooled=False, autocommit=True)
        self._wake = wake
        self._busy_after = busy_after

    @contextmanager
    def begin(self) -> Iterator[PostgresUnitOfWork]:
        """One transaction: committed when the block ends well, rolled back when it raises.

        Raises:
            Unreachable: the database cannot be reached, or was lost before the commit.
            RetryLater: another transaction stood in the way.
        """
        with our_errors(), self._engine.begin() as connection:
            yield PostgresUnitOfWork(connection, self._wake)

    def receive(self, events: Sequence[InboxEvent], received_at: datetime) -> int:
        """Store what is new, mark dirty what it is about and wake a worker: all or nothing, committed on return.

        Gives how many were new.

        Raises:
            Unreachable: the database cannot be reached, or was lost before the commit.
            RetryLater: another transaction stood in the way.
        """
        with our_errors(), closing(self._autocommit_engine.raw_connection()) as pooled:
            driver = cast("psycopg.Connection[Any]", pooled.driver_connection)
            return receive(driver, events, received_at, self._wake)

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Hold a lock shared by all processes while the block runs; it falls with the process.

        It has a connection of its own, so that it neither holds a transaction open nor takes one from the pool.

        Raises:
            RetryLater: another process held it for as long as we are willing to wait.
            Unreachable: the database cannot be reached.
        """
        with our_errors():
            connection = self._lock_engine.connect()
        try:
            self._take(connection, name)
            yield
        finally:
            connection.close()  # which frees the lock; a connection that was lost has freed it already

    def ping(self) -> None:
        """Raises Unreachable."""
        with our_errors(), self._autocommit_engine.connect() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()
        self._autocommit_engine.dispose()
        self._lock_engine.dispose()

    def __enter__(self) -> PostgresStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, connection: Connection, name: str) -> None:
        milliseconds = max(1, int(self._busy_after.total_seconds() * 1000))
        try:
            with our_errors():
                connection.execute(text(f"set lock_timeout = {milliseconds}"))
                connection.execute(select(func.pg_advisory_lock(func.hashtextextended(f"alone:{name}", 0))))
        except Unreachable:
            raise
        except RetryLater as error:
            raise RetryLater.because(BUSY_ELSEWHERE, name=name, evidence={"retry_after": 10}) from error
