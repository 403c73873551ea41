"""Checks, each with an id, a sentence and a hint: what the engineer asks at 3 a.m."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from connector.billing import BILLINGS
from connector.bootstrap import build, engine_checks, storage_checks
from connector.crm import CRMS
from connector.errors import ConnectorError, NeedsHuman
from connector.ports import Check, CheckStatus, Services
from connector.settings import LOOPBACK, Environment

OK, WARN, FAIL = CheckStatus.OK, CheckStatus.WARN, CheckStatus.FAIL


def examine() -> list[Check]:
    """Every check there is, in the order in which to mend what fails. Never raises for what it finds."""
    try:
        environment = Environment.read()
    except ConnectorError as error:
        return [Check("settings", FAIL, error.message, error.hint)]
    checks = [Check("settings", OK, "Every variable makes sense."), *_connected(environment)]
    if not environment.configured(BILLINGS):
        return checks  # nothing can be built without it
    checks += [*_public_url(environment), *_modes(environment)]
    try:
        connector = build(environment)
    except ConnectorError as error:
        return [*checks, Check("database", FAIL, error.message, error.hint or "Look at DATABASE_URL.")]
    try:
        storage = _guarded("storage", lambda: storage_checks(connector))
        checks += storage
        if storage[0].status is FAIL:
            return checks  # all else asks the database first, if only for its turn at a vendor, and would wait in vain
        checks += _guarded("engine", lambda: engine_checks(connector))
        checks += _guarded("work", lambda: _work(connector.services))
        return checks + _providers(connector.services)
    finally:
        connector.close()


def _guarded(name: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """A check that cannot be made is itself a finding."""
    try:
        return list(look())
    except ConnectorError as error:
        status = FAIL if isinstance(error, NeedsHuman) else WARN
        return [Check(name, status, error.message, error.hint or "Try again; if it stays, look at the logs.")]


def _providers(services: Services) -> list[Check]:
    checks: list[Check] = []
    for name, crm in services.crms.items():
        checks += _guarded(name, lambda crm=crm, name=name: crm.check(services.mappings[name]))  # type: ignore[misc]
    checks += _guarded(services.billing.name, lambda: services.billing.check(services.public_url))
    return checks


def _connected(environment: Environment) -> list[Check]:
    """A deal has to come from somewhere, and to go somewhere."""
    checks = []
    if not environment.configured(CRMS):
        hint = "Set the variables of Salesforce or HubSpot; README.md says which."
        checks.append(Check("crm", FAIL, "No CRM is connected.", hint))
    if not environment.configured(BILLINGS):
        hint = "Set STRIPE_API_KEY; README.md says where to find it."
        checks.append(Check("billing", FAIL, "No billing is connected.", hint))
    return checks


def _public_url(environment: Environment) -> list[Check]:
    host = urlsplit(environment.settings.public_url).hostname
    if host in LOOPBACK and any(not p.on_this_machine for p in environment.providers.values() if p.configured):
        return [
            Check(
                "public_url",
                WARN,
                "PUBLIC_URL is on this machine, so no vendor can reach it: deals are found by polling only.",
                "Set PUBLIC_URL to the https address that vendors call.",
            )
        ]
    return [Check("public_url", OK, f"Vendors reach us at {environment.settings.public_url}.")]


def _modes(environment: Environment) -> list[Check]:
    """A test CRM beside live billing, or the other way round, bills the wrong people."""
    modes = {name: str(p.mode) for name, p in environment.providers.items() if p.configured and p.mode}
    if len(set(modes.values())) > 1:
        told = ", ".join(f"{name} is {mode}" for name, mode in sorted(modes.items()))
        return [Check("modes", FAIL, f"Test and live are mixed: {told}.", "Connect test with test, live with live.")]
    return [Check("modes", OK, f"Everything connected is {next(iter(modes.values()), 'neither test nor live')}.")]


def _work(services: Services) -> list[Check]:
    with services.store.begin() as work:
        counts = work.targets.counts()
        rows = work.records.parked(limit=1)
    checks = [Check("work.waiting", OK, f"{counts.dirty} pieces of work wait or run.")]
    if counts.oldest_dirty_seconds > 900:
        checks[0] = Check(
            "work.waiting",
            WARN,
            f"The oldest waiting piece of work is {counts.oldest_dirty_seconds / 60:.0f} minutes old.",
            "Is a worker running? Is a vendor down?",
        )
    if counts.parked or rows:
        checks.append(
            Check("work.parked", WARN, f"{counts.parked} pieces of work wait for a person.", "Run `connector parked`.")
        )
    return checks
