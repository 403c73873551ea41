"""The sandbox's control API, as the demo uses it: what people do at the vendors' own pages, and the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import requests

from connector.errors import Unreachable


class Control:
    """A hand on the world around the connector."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/control"
        self._session = requests.Session()

    def get(self, path: str, **query: str) -> Any:
        """Look at something."""
        return self._ask("GET", path, params=query)

    def post(self, path: str, body: Any = None) -> Any:
        """Do something."""
        return self._ask("POST", path, json={} if body is None else body)

    def put(self, path: str, body: Any) -> Any:
        """Set something."""
        return self._ask("PUT", path, json=body)

    def patch(self, path: str, body: Any) -> Any:
        """Change something."""
        return self._ask("PATCH", path, json=body)

    def delete(self, path: str) -> Any:
        """Remove something."""
        return self._ask("DELETE", path)

    def now(self) -> datetime:
        """The world's time."""
        return datetime.fromisoformat(self.get("/clock")["now"])

    def advance(self, by: timedelta) -> None:
        """Let time pass; returns when everything that fell due has happened."""
        self.post("/clock", {"advance_seconds": by.total_seconds()})

    def _ask(self, method: str, path: str, **request: Any) -> Any:
        answer = self._session.request(method, self._url + path, timeout=60, **request)
        if not answer.ok:
            raise Unreachable(f"The sandbox refused {method} {path}: {answer.text[:500]}")
        return answer.json()
