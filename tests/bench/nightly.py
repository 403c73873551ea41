"""A night over a whole book: every account assessed the first time, the day after, one after an invoice was paid."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
import structlog

from connector import targets
from connector.bootstrap import migrate_database
from connector.domain.account_facts import AccountFacts
from connector.domain.billing import BillingAccount, Invoice, InvoiceStatus
from connector.domain.payment_health import HealthPolicy, assess
from connector.domain.policy import BillingPolicy
from connector.domain.refs import RecordRef
from connector.jobs import WAKE
from connector.ports import Services
from connector.store import PostgresStore
from connector.sync.assess_accounts import assess_accounts
from connector.sync.refresh_account import refresh_account
from tests.bench.nightly_book import fill_book
from tests.fakes import MAPPING, FakeBilling, FakeCrm

FIRST_NIGHT = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
_CHANGES = 200
_SAMPLE = 2000
_PATIENCE = 3600.0  #: seconds for one night

_AS_IF_WRITTEN = "update crm_record set written = desired, differs = false, waiting_since = null, written_at = now()"


@dataclass(frozen=True)
class Night:
    """One night: with how many workers, how long it took, and what the largest process took at most."""

    name: str
    workers: int
    seconds: float
    worker_mb: int
    postgres_mb: int  #: shared buffers, and what its processes have besides
    records_changed: int
    records: int


@dataclass(frozen=True)
class Figures:
    """Everything that ``--only nightly`` prints."""

    accounts: int
    invoices: int
    nights: tuple[Night, ...]
    change_ms_p50: float  #: one invoice is paid: its account is brought up to date, from billing's answer to the commit
    change_ms_p95: float
    assess_us: float  #: the assessment alone, of one account

    def as_json(self) -> dict[str, object]:
        return asdict(self)


NIGHTS = (("all new", 2), ("the next", 2), ("the one after", 1))
"""What each night is called, and how many workers go through it."""


def measure_nightly(url: str, accounts: int, nights: Sequence[tuple[str, int]] = NIGHTS) -> Figures:
    """Fill an empty database with a book, and measure one night after the other, and what single accounts take."""
    migrate_database(url)
    with psycopg.connect(url) as connection:
        fill_book(connection, accounts, FIRST_NIGHT.date())
    _tidy(url)
    measured = []
    for days, (name, workers) in enumerate(nights):
        measured.append(_night(url, name, FIRST_NIGHT + timedelta(days=days), workers))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_AS_IF_WRITTEN)
        _tidy(url)
    changes = sorted(_changes(url, FIRST_NIGHT + timedelta(days=len(nights), hours=8)))
    return Figures(
        accounts=accounts,
        invoices=_count(url, "select count(*) from invoice"),
        nights=tuple(measured),
        change_ms_p50=changes[len(changes) // 2],
        change_ms_p95=changes[int(len(changes) * 0.95)],
        assess_us=_assess_alone(url),
    )


def told(figures: Figures) -> Iterator[str]:
    """The figures as lines."""
    yield f"{figures.accounts:,} accounts with {figures.invoices:,} invoices"
    for night in figures.nights:
        yield (
            f"{night.name}: {night.seconds:.1f} s with {night.workers} worker(s), {night.worker_mb} MB at most each, "
            f"Postgres {night.postgres_mb} MB; {night.records_changed:,} of {night.records:,} records changed"
        )
    yield f"one invoice paid, one account: p50 {figures.change_ms_p50:.1f} ms, p95 {figures.change_ms_p95:.1f} ms"
    yield f"the assessment alone: {figures.assess_us:.0f} microseconds an account"


def _night(url: str, name: str, moment: datetime, workers: int) -> Night:
    """Each worker in a process of its own, as in an installation."""
    spawn = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for target in targets.for_everybody()[:workers]:
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=_work, args=(url, moment, target.ref, theirs), daemon=True)
        process.start()
        pipes.append(ours)
        processes.append(process)
    for pipe in pipes:
        _hear(pipe)  # ready
    began = time.perf_counter()
    for pipe in pipes:
        pipe.send("begin")
    heard = [_hear(pipe) for pipe in pipes]
    seconds = time.perf_counter() - began
    for process in processes:
        process.join(_PATIENCE)
    return Night(
        name,
        workers,
        seconds,
        worker_mb=max(int(worker) for worker, _ in heard),
        postgres_mb=max(int(postgres) for _, postgres in heard),
        records_changed=_count(url, "select count(*) from crm_record where differs"),
        records=_count(url, "select count(*) from crm_record"),
    )


def _hear(pipe: Connection) -> tuple[int, int]:
    if not pipe.poll(_PATIENCE):
        raise RuntimeError("a worker of the night did not report in time")
    said: tuple[int, int] = pipe.recv()
    return said


def _work(url: str, moment: datetime, direction: str, pipe: Connection) -> None:
    """One worker's process: it says when it is ready, and at the end its own peak and what Postgres holds, in MB."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with _services(url, moment) as services:
        services.store.ping()
        pipe.send((0, 0))
        pipe.recv()
        assess_accounts(direction, services)
        pipe.send((_memory("self", "VmHWM"), _postgres_memory(url)))


@contextmanager
def _services(url: str, moment: datetime, billing: FakeBilling | None = None) -> Iterator[Services]:
    def clock() -> datetime:
        return moment

    with PostgresStore(url, WAKE) as store:
        yield Services(
            store=store,
            crms={name: FakeCrm() for name in ("hubspot", "salesforce")},
            billing=billing or FakeBilling(clock),
            webhooks={},
            mappings=dict.fromkeys(("hubspot", "salesforce"), MAPPING),
            clock=clock,
            billing_policy=BillingPolicy(),
            health_policy=HealthPolicy(),
        )


class _Answering(FakeBilling):
    """Billing that answers with the accounts it is given, at no cost."""

    answer: BillingAccount

    def account(self, customer: RecordRef) -> BillingAccount:
        return self.answer


def _changes(url: str, moment: datetime) -> Iterator[float]:
    """Milliseconds for each of some accounts one of whose open invoices was just paid."""
    billing = _Answering(lambda: moment)
    with _services(url, moment, billing) as services:
        for facts in _sample(services, "open"):
            customer = facts.account.customer.ref
            with services.store.begin() as work:
                account = work.ledger.account(customer)
            if account is None:
                continue
            billing.answer = _one_paid(account, moment)
            began = time.perf_counter()
            refresh_account(str(customer), services)
            yield (time.perf_counter() - began) * 1000


def _one_paid(account: BillingAccount, moment: datetime) -> BillingAccount:
    first = next(each for each in account.invoices if each.status is InvoiceStatus.OPEN)
    return replace(account, invoices=tuple(_paid(i, moment) if i is first else i for i in account.invoices))


def _paid(invoice: Invoice, moment: datetime) -> Invoice:
    return replace(
        invoice, status=InvoiceStatus.PAID, paid_at=moment, amount_paid=invoice.amount_due, amount_remaining=0
    )


def _assess_alone(url: str) -> float:
    """Microseconds of processor time an account."""
    with _services(url, FIRST_NIGHT) as services:
        sample = _sample(services, "paid")
        began = time.process_time()
        for facts in sample:
            account = facts.account
            assess(account.invoices, account.payments, account.disputes, FIRST_NIGHT.date(), customer=account.customer)
        return (time.process_time() - began) * 1_000_000 / len(sample)


def _sample(services: Services, status: str) -> Sequence[AccountFacts]:
    """Some accounts with an invoice of this status."""
    most = _CHANGES if status == "open" else _SAMPLE
    with services.store.begin() as work:
        some = work.book.unassessed(FIRST_NIGHT + timedelta(days=9), None, 2 * most)
        found = [facts for facts in work.book.facts(some) if any(i.status == status for i in facts.account.invoices)]
    return found[:most]


def _tidy(url: str) -> None:
    """As autovacuum would by the next night."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")


def _count(url: str, query: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def _postgres_memory(url: str) -> int:
    """Shared buffers, and what each of its processes has to itself, in MB; of a server on this machine."""
    with psycopg.connect(url) as connection:
        pids = [pid for (pid,) in connection.execute("select pid from pg_stat_activity")]
        shared = connection.execute("select pg_size_bytes(current_setting('shared_buffers')) >> 20").fetchone()
    return (int(shared[0]) if shared else 0) + sum(_memory(str(pid), "RssAnon") for pid in pids)


def _memory(process: str, what: str) -> int:
    """A line of Linux's own account of a process, in MB; 0 where there is none."""
    status = Path("/proc", process, "status")
    if not status.is_file():
        return 0
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines.get(what, "0 kB").split()[0]) // 1024
