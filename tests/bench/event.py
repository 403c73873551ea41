"""Signed Stripe events as a busy month end sends them: about 4.2 KB each, every one with an id of its own."""

from __future__ import annotations

import hmac
import json
import time
from hashlib import sha256
from itertools import count

SECRET = "whsec_bench"
SIZE = 4_200
_ID, _CUSTOMER, _PADDING = "evt_0000000000000000", "cus_00000000", "~padding~"


def _invoice_event() -> bytes:
    """An ``invoice.paid`` event with the fields that matter, filled up to the usual size."""
    lines = [
        {
            "id": f"il_{number}",
            "object": "line_item",
            "amount": 12_000,
            "currency": "eur",
            "description": "5 seats, monthly",
            "period": {"start": 1_790_000_000, "end": 1_792_600_000},
            "pricing": {"type": "price_details", "price_details": {"price": "price_seat", "product": "prod_seat"}},
            "quantity": 5,
        }
        for number in range(5)
    ]
    invoice = {
        "id": "in_bench",
        "object": "invoice",
        "customer": _CUSTOMER,
        "status": "paid",
        "currency": "eur",
        "total": 60_000,
        "amount_paid": 60_000,
        "amount_remaining": 0,
        "lines": {"object": "list", "data": lines, "has_more": False},
        "footer": _PADDING,
    }
    event = {
        "id": _ID,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_790_000_000,
        "data": {"object": invoice},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "invoice.paid",
    }
    text = json.dumps(event, indent=2)
    return text.replace(_PADDING, "x" * (SIZE - len(text) + len(_PADDING))).encode()


_TEMPLATE = _invoice_event()


class Requests:
    """HTTP requests for one connection, ready to send, about ``accounts`` customers in turn."""

    def __init__(self, path: str, connection: str, accounts: int) -> None:
        self._head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n".encode()
        self._connection = connection
        self._accounts = accounts
        self._numbers = count()

    def __next__(self) -> bytes:
        number = next(self._numbers)
        body = _TEMPLATE.replace(_ID.encode(), f"evt_{self._connection}{number:09}".encode())
        body = body.replace(_CUSTOMER.encode(), self._customer(number))
        moment = str(int(time.time())).encode()
        signature = hmac.new(SECRET.encode(), moment + b"." + body, sha256).hexdigest().encode()
        signed = b"Stripe-Signature: t=%b,v1=%b\r\nContent-Length: %d\r\n\r\n" % (moment, signature, len(body))
        return self._head + signed + body

    def _customer(self, number: int) -> bytes:
        """One of a fixed number of customers, or a new one each time when ``accounts`` is 0."""
        account = f"{number % self._accounts:08}" if self._accounts else f"{self._connection}{number}"
        return f"cus_{account}".encode()
