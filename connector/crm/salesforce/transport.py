"""The HTTP session under simple-salesforce: timeouts on every call, and an eye on the headers it throws away."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from connector.ports import Throttle

CONNECT_SECONDS = 5
READ_SECONDS = 30

_USAGE = re.compile(r"\bapi-usage=(\d{1,12})/(\d{1,12})")


class TimeoutAdapter(HTTPAdapter):
    """Gives a timeout to every request that names none: simple-salesforce has no way to set one."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        return super().send(
            request, stream, timeout or (CONNECT_SECONDS, READ_SECONDS), verify=verify, cert=cert, proxies=proxies
        )


class Transport:
    """One session for all threads. Remembers the daily allowance, and per thread the last ``Retry-After``."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._seen = threading.local()
        self.usage: tuple[int, int] | None = None  #: (used, allowed) API calls in 24 hours, as last told
        self.session = requests.Session()
        self.session.mount("https://", TimeoutAdapter(pool_maxsize=20))
        self.session.mount("http://", TimeoutAdapter(pool_maxsize=20))
        self.session.hooks["response"].append(self._look)

    @property
    def retry_after(self) -> float | None:
        """Seconds that the last answer to this thread asked us to wait; None when it did not."""
        found: float | None = getattr(self._seen, "retry_after", None)
        return found

    def _look(self, answer: requests.Response, *_args: Any, **_options: Any) -> requests.Response:
        self._seen.retry_after = retry_after(answer)
        usage = _USAGE.search(answer.headers.get("Sforce-Limit-Info", ""))
        if usage is not None:
            self.usage = (int(usage[1]), int(usage[2]))
            self._throttle.budget("salesforce", *self.usage)
        return answer


def retry_after(answer: requests.Response) -> float | None:
    """The ``Retry-After`` header in seconds; None when absent, or a date, which Salesforce does not send."""
    told = answer.headers.get("Retry-After", "")
    return float(told) if re.fullmatch(r"\d{1,6}(?:\.\d{1,3})?", told) else None
