"""The yardstick: a bare Flask endpoint that verifies a Stripe event with Stripe's own code and inserts one row."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import psycopg
import stripe
from flask import Flask, Response, request

from tests.bench.event import SECRET

TABLE = "create table if not exists bare_event (id text primary key, body jsonb not null)"
_INSERT = "insert into bare_event (id, body) values (%s, %s) on conflict do nothing"

app = Flask(__name__)
_mine = threading.local()


@app.post("/stripe")
def receive() -> Response:
    body = request.get_data()
    stripe.WebhookSignature.verify_header(body.decode(), request.headers["Stripe-Signature"], SECRET, 300)
    _connection().execute(_INSERT, (json.loads(body)["id"], body.decode()))
    return Response(status=200)


@app.get("/healthz")
def alive() -> Response:
    return Response(status=200)


def _connection() -> psycopg.Connection[Any]:
    """Each thread its own, for good."""
    if not hasattr(_mine, "connection"):
        _mine.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    connection: psycopg.Connection[Any] = _mine.connection
    return connection
