"""Every call to Salesforce's API: one place for the turn to wait for, the token, the retries and the errors."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, TypeVar

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from connector.crm.salesforce.errors import from_answer, no_answer
from connector.crm.salesforce.settings import SalesforceSettings
from connector.crm.salesforce.tokens import Token, TokenProvider
from connector.crm.salesforce.transport import Transport
from connector.domain.refs import RecordRef
from connector.errors import RateLimited, RetryLater, Unreachable
from connector.ports import Clock, Throttle
from connector.sentences.salesforce import ODD_ANSWER

T = TypeVar("T")

ATTEMPTS = 3
LONGEST_WAIT = 5.0  #: seconds; what takes longer is the job engine's to wait for
MOST_PAGES = 1_000

_USED_UP = "REQUEST_LIMIT_EXCEEDED"

_QUIETLY = {
    "Sforce-Duplicate-Rule-Header": "allowSave=true",  # an alert is for people; rules that block still do
    "Sforce-Auto-Assign": "FALSE",  # a payment status must not move an account to another territory
}


class Connection:
    """Talks to one org through simple-salesforce. Safe among threads.

    Every method raises AccessLost, NotFound, Rejected, RateLimited, Unreachable or RetryLater, as the table in
    ``errors`` says; those that may pass are tried three times within seconds first.
    """

    def __init__(
        self,
        settings: SalesforceSettings,
        throttle: Throttle,
        clock: Clock,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._throttle = throttle
        self._sleep = sleep
        self._lock = threading.Lock()
        self._sdk: tuple[Token, Salesforce] | None = None
        self.transport = Transport(throttle)
        self.tokens = TokenProvider(settings, self.transport.session, throttle, clock)

    def query(self, soql: str, *, ref: RecordRef | None = None, deleted: bool = False) -> list[dict[str, Any]]:
        """All rows of a SOQL query; sub-selects arrive whole too. Numbers with a point are Decimal."""
        return list(self.rows(soql, ref=ref, deleted=deleted))

    def rows(self, soql: str, *, ref: RecordRef | None = None, deleted: bool = False) -> Iterator[dict[str, Any]]:
        """As ``query``, but a page is fetched only when its rows are wanted. ``deleted`` looks in the bin as well."""
        yield from self._pages(self._call(lambda sdk: sdk.query(soql, include_deleted=deleted), ref=ref), ref)

    def tooling_query(self, soql: str) -> list[dict[str, Any]]:
        """All rows of a query to the Tooling API, which knows the org's own make-up."""
        found = self._call(lambda sdk: sdk.restful("tooling/query", params={"q": soql}))
        if not found.get("done", True):
            raise RetryLater.because(ODD_ANSWER, provider="salesforce", what="a Tooling query in pages")
        return list(found["records"])

    def get(self, path: str) -> Any:
        """What a GET of a path below ``/services/data/vNN.0/`` answers."""
        return self._call(lambda sdk: sdk.restful(path))

    def patch(self, path: str, body: Any, *, ref: RecordRef | None = None) -> Any:
        """Send a change that may be sent twice without harm."""
        text = json.dumps(body)
        return self._call(lambda sdk: sdk.restful(path, method="PATCH", data=text, headers=_QUIETLY), ref=ref)

    def post(self, path: str, body: Any, *, ref: RecordRef | None = None) -> Any:
        """Make something. Tried once only: a lost answer may hide that it was made."""
        text = json.dumps(body)
        return self._call(lambda sdk: sdk.restful(path, method="POST", data=text), ref=ref, attempts=1)

    def rest_of(self, relation: dict[str, Any] | None, ref: RecordRef | None = None) -> list[dict[str, Any]]:
        """All rows of a sub-select as it came in its parent's record: None when it is empty, and long ones in pages."""
        return list(self._pages(relation, ref)) if relation else []

    def _pages(self, page: dict[str, Any], ref: RecordRef | None) -> Iterator[dict[str, Any]]:
        for _ in range(MOST_PAGES):
            yield from page["records"]
            if page.get("done", True):
                return
            # The address is relative to the org; its last part alone is what query_more joins to our own base.
            cursor = str(page["nextRecordsUrl"]).rsplit("/", 1)[-1]
            page = self._next_page(cursor, ref)
        raise RetryLater.because(ODD_ANSWER, provider="salesforce", ref=ref, what="one query with more and more pages")

    def _next_page(self, cursor: str, ref: RecordRef | None) -> dict[str, Any]:
        found: dict[str, Any] = self._call(lambda sdk: sdk.query_more(cursor), ref=ref)
        return found

    def _call(
        self, operation: Callable[[Salesforce], Any], *, ref: RecordRef | None = None, attempts: int = ATTEMPTS
    ) -> Any:
        tries = Retrying(
            retry=retry_if_exception(_passes_soon),
            stop=stop_after_attempt(attempts),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        return tries(self._with_token, operation, ref)

    def _with_token(self, operation: Callable[[Salesforce], Any], ref: RecordRef | None) -> Any:
        """Once with the token we have, and if Salesforce has dropped it, once with a new one."""
        token = self.tokens.get()
        answer, refusal = self._once(operation, token)
        if refusal is not None and refusal.status == 401:
            self.tokens.refused(token)
            answer, refusal = self._once(operation, self.tokens.get())
        if refusal is not None:
            raise from_answer(
                refusal.status, refusal.content, ref=ref, retry_after=self.transport.retry_after
            ) from refusal
        return answer

    def _once(self, operation: Callable[[Salesforce], Any], token: Token) -> tuple[Any, SalesforceError | None]:
        sdk = self._sdk_for(token)
        self._throttle.wait("salesforce")
        try:
            return operation(sdk), None
        except SalesforceError as refusal:
            return None, refusal
        except requests.RequestException as error:  # no answer, or one that is not JSON
            raise no_answer(error) from error

    def _sdk_for(self, token: Token) -> Salesforce:
        with self._lock:
            if self._sdk is None or self._sdk[0] is not token:
                self._sdk = (token, self._connect(token))
            return self._sdk[1]

    def _connect(self, token: Token) -> Salesforce:
        sdk = Salesforce(
            session_id=token.access_token,
            instance_url=token.instance_url,
            version=self._settings.api_version,
            session=self.transport.session,
            parse_float=Decimal,
            object_pairs_hook=dict,
        )
        # simple-salesforce writes https:// whatever the address says; only the sandbox on loopback is plain http.
        sdk.base_url = f"{token.instance_url}/services/data/v{self._settings.api_version}/"
        sdk.tooling_url = f"{sdk.base_url}tooling/"
        return sdk


def _passes_soon(error: BaseException) -> bool:
    """Whether a few seconds may help: not with a day's allowance used up, nor when asked to wait for longer."""
    if isinstance(error, RateLimited):
        asked_by_salesforce = error.status is not None and error.code != _USED_UP
        return asked_by_salesforce and (error.retry_after or 0) <= LONGEST_WAIT
    return isinstance(error, Unreachable) and (error.retry_after or 0) <= LONGEST_WAIT


_back_off = wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)


def _wait(state: RetryCallState) -> float:
    """Salesforce's own advice if it gave any, else half a second and doubling, with jitter."""
    error = state.outcome.exception() if state.outcome is not None else None
    advice = error.retry_after if isinstance(error, RetryLater) else None
    return advice if advice is not None else _back_off(state)
