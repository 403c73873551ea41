"""What set-up makes in Stripe (our webhook endpoint, if there is none), and what a doctor asks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

import stripe
from pydantic import SecretStr
from stripe import StripeClient
from stripe.params import CustomerListParams, WebhookEndpointCreateParams, WebhookEndpointListParams

from connector.billing.stripe.calls import Calls, Json
from connector.billing.stripe.events import WANTED, known_types
from connector.billing.stripe.settings import LOOPBACK, Mode, StripeSettings
from connector.errors import AccessLost, ConnectorError
from connector.ports import Check, CheckStatus, SetupAction

API_VERSION = stripe.api_version
"""The version that the installed SDK is made for, which is the one it sends."""

PATH = "/webhooks/stripe"

_OURS = {"made_by": "dealbill"}
_MOST_PAGES = 2  # Stripe allows 16 endpoints in an account

OK, WARN, FAIL = CheckStatus.OK, CheckStatus.WARN, CheckStatus.FAIL


def wanted_events() -> list[str]:
    """The event types we subscribe to, as far as the installed SDK knows them."""
    return [event for event in WANTED if event in known_types()]


class Endpoints:
    """Our webhook endpoint at Stripe: looked at, and made if missing. What others made is never changed."""

    def __init__(self, client: StripeClient, calls: Calls, settings: StripeSettings) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._settings = settings
        self.new_secret: SecretStr | None = None
        """The signing secret of an endpoint just made. Stripe tells it this once: show it, never log it."""

    def check(self, public_url: str) -> list[Check]:
        """The key, the secret and the endpoint, each with a hint."""
        try:
            one = CustomerListParams(limit=1)
            self._calls.one("customers.list", partial(self._v1.customers.list, one))
        except ConnectorError as error:
            return [Check("stripe.key", FAIL, error.message, error.hint)]
        mode = self._settings.mode.value
        return [
            Check("stripe.key", OK, f"Stripe accepts our {mode} key."),
            self._check_secret(),
            *self._check_endpoints(public_url),
        ]

    def setup(self, public_url: str) -> list[SetupAction]:
        """Make the endpoint, or give one that we made the event types it lacks."""
        here = self._at(public_url + PATH)
        if not here:
            return [
                SetupAction(
                    f"webhook endpoint {public_url}{PATH}",
                    f"Make a webhook endpoint for {len(wanted_events())} event types, rendered in {API_VERSION}. "
                    "Its signing secret is shown once: put it in STRIPE_WEBHOOK_SECRETS.",
                    done=False,
                    apply=lambda: self._make(public_url + PATH),
                )
            ]
        actions = [SetupAction(f"webhook endpoint {public_url}{PATH}", "The webhook endpoint is there.", done=True)]
        for endpoint in here:
            missing = _missing_events(endpoint)
            if missing and (endpoint.get("metadata") or {}).items() >= _OURS.items():
                actions.append(
                    SetupAction(
                        f"event types of {endpoint['id']}",
                        f"Subscribe our webhook endpoint to {len(missing)} more event types.",
                        done=False,
                        apply=partial(self._subscribe, endpoint, missing),
                    )
                )
        return actions

    def _make(self, url: str) -> None:
        params = WebhookEndpointCreateParams(
            url=url,
            enabled_events=cast("Any", wanted_events()),
            api_version=cast("Any", API_VERSION),
            description="Deals to billing (dealbill)",
            metadata=_OURS,
        )
        made = self._calls.one("webhook_endpoints.create", partial(self._v1.webhook_endpoints.create, params))
        self.new_secret = SecretStr(made["secret"])

    def _subscribe(self, endpoint: Json, missing: Sequence[str]) -> None:
        events = cast("Any", [*endpoint["enabled_events"], *missing])
        self._calls.one(
            "webhook_endpoints.update",
            lambda: self._v1.webhook_endpoints.update(endpoint["id"], {"enabled_events": events}),
        )

    def _at(self, url: str) -> list[Json]:
        """Every endpoint at this address, ours or not."""
        every = self._calls.every(
            "webhook_endpoints.list", self._v1.webhook_endpoints.list, WebhookEndpointListParams(), _MOST_PAGES
        )
        return [endpoint for endpoint in every if endpoint["url"].rstrip("/") == url]

    def _check_secret(self) -> Check:
        if self._settings.webhook_secrets:
            return Check("stripe.webhook_secret", OK, "A webhook signing secret is set.")
        return Check(
            "stripe.webhook_secret",
            WARN,
            "No webhook signing secret is set, so every delivery is refused.",
            "Run `connector setup stripe` and put the secret it shows in STRIPE_WEBHOOK_SECRETS.",
        )

    def _check_endpoints(self, public_url: str) -> list[Check]:
        if not _is_reachable(public_url, self._settings):
            return [
                Check(
                    "stripe.webhook",
                    WARN,
                    "PUBLIC_URL is an address of this machine, which Stripe cannot call.",
                    "Set PUBLIC_URL to the address Stripe shall use; until then changes are learnt by asking.",
                )
            ]
        try:
            here = self._at(public_url + PATH)
        except AccessLost:
            return [
                Check(
                    "stripe.webhook",
                    WARN,
                    "Our Stripe key may not look at webhook endpoints.",
                    f"Give the restricted key read access to them, or look yourself for {public_url}{PATH}.",
                )
            ]
        except ConnectorError as error:
            return [Check("stripe.webhook", FAIL, error.message, error.hint)]
        if not here:
            return [
                Check(
                    "stripe.webhook",
                    WARN,
                    f"No webhook endpoint calls {public_url}{PATH}, so changes are learnt late, by asking.",
                    "Run `connector setup stripe`.",
                )
            ]
        problems = [problem for endpoint in here for problem in self._problems(endpoint)]
        if len(here) > 1:
            problems.append(
                Check(
                    "stripe.webhook_twice",
                    WARN,
                    f"{len(here)} webhook endpoints call the same address, so every event comes as often.",
                    "Delete all but one, and keep the signing secret of that one.",
                )
            )
        return problems or [Check("stripe.webhook", OK, f"Stripe calls {public_url}{PATH}.")]

    def _problems(self, endpoint: Json) -> list[Check]:
        found: list[Check] = []
        name = endpoint["id"]
        if endpoint["status"] != "enabled":
            found.append(
                Check("stripe.webhook_off", FAIL, f"The webhook endpoint {name} is disabled.", "Enable it in Stripe.")
            )
        if endpoint["livemode"] is not (self._settings.mode is Mode.LIVE):
            found.append(
                Check(
                    "stripe.webhook_mode",
                    FAIL,
                    f"The webhook endpoint {name} and our key are of different modes.",
                    "Make the endpoint in the key's mode.",
                )
            )
        if endpoint.get("api_version") != API_VERSION:
            version = endpoint.get("api_version") or "the account's own version"
            found.append(
                Check(
                    "stripe.webhook_version",
                    WARN,
                    f"The webhook endpoint {name} renders events in {version}, not in {API_VERSION}.",
                    "Nothing is lost, since records are fetched afresh; make it anew to get rid of this.",
                )
            )
        missing = _missing_events(endpoint)
        if missing:
            found.append(
                Check(
                    "stripe.webhook_events",
                    WARN,
                    f"The webhook endpoint {name} does not send {', '.join(missing)}.",
                    "Run `connector setup stripe` if we made it; otherwise add them in Stripe.",
                )
            )
        return found


def _missing_events(endpoint: Json) -> list[str]:
    enabled = set(endpoint["enabled_events"])
    return [] if "*" in enabled else [event for event in wanted_events() if event not in enabled]


def _is_reachable(public_url: str, settings: StripeSettings) -> bool:
    """The sandbox, on this machine itself, can call an address of this machine; Stripe cannot."""
    return urlsplit(public_url).hostname not in LOOPBACK or urlsplit(settings.address).hostname in LOOPBACK
