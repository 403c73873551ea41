"""The only place that builds things: the environment becomes Services."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from connector.billing import BILLINGS
from connector.crm import CRMS
from connector.domain.payment_health import HealthPolicy
from connector.errors import Misconfigured
from connector.jobs import rate_limit
from connector.jobs.app import WAKE
from connector.jobs.engine_state import engine_state
from connector.jobs.schema import apply_schema
from connector.jobs.schema import is_current as engine_is_current
from connector.ports import BillingProvider, Check, CheckStatus, CrmProvider, Services
from connector.sentences.settings import NO_BILLING
from connector.settings import Environment, Settings
from connector.store import PostgresStore, embedded_url, migrate
from connector.store.check import check_storage
from connector.sync.mappings_in_force import MappingsInForce

_SILENCE = 60.0
"""Seconds without a heartbeat after which no worker seems to run; one beats every five."""


@dataclass(frozen=True)
class Connector:
    """Services, and what the processes around them need besides."""

    services: Services
    environment: Environment
    database_url: str
    close: Callable[[], None]


def build(environment: Environment | None = None) -> Connector:
    """Everything, from the environment. The caller closes it, or ends.

    Raises:
        Misconfigured: the environment cannot work. Unreachable: our own Postgres cannot be started.
    """
    environment = environment or Environment.read()
    configure_logging(environment.settings)
    url = database_url(environment.settings)
    with ExitStack() as stack:
        # A worker's Targets and the receiver's requests share this pool; both are short.
        size = environment.settings.worker_concurrency + 6
        store = stack.enter_context(PostgresStore(url, WAKE, pool_size=size))
        throttle = stack.enter_context(rate_limit.PostgresThrottle(url, _limits(environment)))
        services = _services(environment, store, throttle, _clock(environment.settings.connector_clock_file))
        return Connector(services, environment, url, stack.pop_all().close)
    raise AssertionError("the block above returns")


@contextmanager
def open_services(environment: Environment | None = None) -> Iterator[Services]:
    """Services for one command, closed when it ends."""
    connector = build(environment)
    try:
        yield connector.services
    finally:
        connector.close()


def database_url(settings: Settings) -> str:
    """``DATABASE_URL``, or the address of a Postgres of our own, started if it does not run."""
    return settings.database_url.get_secret_value() or embedded_url(settings.connector_data_dir / "postgres")


def migrate_database(url: str) -> None:
    """Bring our tables and the engine's up to date; several processes may do so at once."""
    migrate(url)
    apply_schema(url)


def configure_logging(settings: Settings) -> None:
    """One line per outcome, with fields, on standard error."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    last: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=max(level, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )


def storage_checks(connector: Connector) -> list[Check]:
    """Does the database answer, is it fit, are its tables those this version knows, and do its clock and ours agree?"""
    checks = check_storage(connector.database_url)
    if checks[0].status is not CheckStatus.FAIL and not engine_is_current(connector.database_url):
        checks.append(
            Check(
                "engine.tables", CheckStatus.FAIL, "The engine's tables are not up to date.", "Run `connector migrate`."
            )
        )
    return checks


def engine_checks(connector: Connector) -> list[Check]:
    """Does a worker run, and is anything stuck?"""
    state = engine_state(connector.database_url)
    if not state.workers or state.seconds_since_heartbeat > _SILENCE:
        return [
            Check(
                "engine.workers",
                CheckStatus.WARN,
                "No worker is running, so nothing is billed or written back.",
                "Start `connector worker`, or `connector serve`.",
            )
        ]
    checks = [
        Check(
            "engine.workers",
            CheckStatus.OK,
            f"{state.workers} {'worker is' if state.workers == 1 else 'workers are'} alive.",
        )
    ]
    if state.doing_long:
        checks.append(
            Check(
                "engine.stuck",
                CheckStatus.WARN,
                f"{state.doing_long} jobs have been running for more than 15 minutes.",
                "Restart the workers; their work is taken up again.",
            )
        )
    return checks


def _services(environment: Environment, store: PostgresStore, throttle: Any, clock: Callable[[], datetime]) -> Services:
    settings, providers = environment.settings, environment.providers
    billing = [BILLINGS[name] for name in environment.configured(BILLINGS)]
    if len(billing) != 1:
        raise Misconfigured.because(NO_BILLING)
    crms = [CRMS[name] for name in environment.configured(CRMS)]
    cards: list[CrmProvider | BillingProvider] = [*crms, *billing]
    return Services(
        store=store,
        crms={card.name: card.connect(providers[card.name], throttle, clock) for card in crms},
        billing=billing[0].connect(providers[billing[0].name], throttle, clock),
        webhooks={card.name: card.webhook(providers[card.name]) for card in cards},
        mappings=MappingsInForce(store, [card.name for card in crms]),
        clock=clock,
        billing_policy=settings.billing_policy,
        health_policy=HealthPolicy(),
        approval_policy=settings.approval_policy,
        terms_policy=settings.terms_advice,
        readiness_stages=settings.stages_to_check,
        hold_tolerance=settings.hold_tolerance,
        throttle=throttle,
        public_url=settings.public_url,
        poll_every=settings.poll_every,
    )


def _limits(environment: Environment) -> dict[str, rate_limit.Limit]:
    """A sandbox on this machine sells no calls by the second."""
    local = {
        name for name, provider in environment.providers.items() if provider.configured and provider.on_this_machine
    }
    return {name: limit for name, limit in rate_limit.LIMITS.items() if name.partition(":")[0] not in local}


def _clock(file: Path | None) -> Callable[[], datetime]:
    if file is None:
        return lambda: datetime.now(UTC)
    return lambda: datetime.now(UTC) + timedelta(seconds=_offset(file))


def _offset(file: Path) -> float:
    """Seconds the sandbox's clock runs ahead; none before it was first moved."""
    try:
        return float(file.read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0.0
