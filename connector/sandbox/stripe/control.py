"""What people and the world do to this Stripe account, and what tests want to see of it."""

import random
import secrets
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from connector.sandbox.stripe import payments
from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.payment_calls import close_dispute, open_dispute, refund
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.world import Obj, World

if TYPE_CHECKING:
    from connector.sandbox.stripe.app import StripeVendor

_SHOWN = (
    *("customer", "product", "price", "subscription", "subscription_schedule", "invoice", "invoiceitem"),
    *("invoice_payment", "charge", "refund", "dispute", "credit_note", "webhook_endpoint"),
)
_DAY = 86_400


def control(vendor: "StripeVendor") -> Blueprint:
    """The control API of the Stripe account, mounted at /control/stripe."""
    blueprint = Blueprint("stripe", __name__)
    _mount_views(blueprint, vendor)
    _mount_money(blueprint, vendor)
    _mount_webhooks(blueprint, vendor)
    _mount_account(blueprint, vendor)

    @blueprint.errorhandler(StripeRefusal)
    def refuse(refusal: StripeRefusal) -> tuple[Response, int]:
        return jsonify(refusal.body()), refusal.status

    return blueprint


def _body() -> dict[str, Any]:
    given = request.get_json(silent=True)
    return given if isinstance(given, dict) else {}


def _done(vendor: "StripeVendor", obj: Obj) -> Response:
    vendor.finish()
    return jsonify(render(vendor.world, obj))


def _mount_views(blueprint: Blueprint, vendor: "StripeVendor") -> None:
    world = vendor.world

    @blueprint.get("/state")
    def show_state() -> Response:
        with vendor.lock:
            vendor.settle()
            shown = {f"{kind}s": [render(world, one) for one in world.all(kind)] for kind in _SHOWN}
            return jsonify(now=world.moment, **shown)

    @blueprint.get("/open_invoices")
    def show_open_invoices() -> Response:
        with vendor.lock:
            vendor.settle()
            found = [_summary(world, one) for one in world.all("invoice") if one["status"] == "open"]
            return jsonify(invoices=found)


def _summary(world: World, invoice: Obj) -> Obj:
    names = ("id", "number", "customer", "currency", "amount_due", "amount_remaining", "due_date", "created")
    customer = world.tables["customer"][invoice["customer"]]
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    return {
        **{name: invoice[name] for name in names},
        "customer_name": customer["name"],
        "customer_metadata": dict(customer["metadata"]),
        "subscription": details.get("subscription"),
        "metadata": dict(details.get("metadata") or invoice["metadata"]),
    }


def _mount_money(blueprint: Blueprint, vendor: "StripeVendor") -> None:
    world = vendor.world

    @blueprint.post("/invoices/<ident>/pay")
    def pay(ident: str) -> Response:
        """Body: `amount` in minor units (all of what remains), `method` "card" or "bank_transfer"."""
        with vendor.lock:
            invoice = _open_invoice(vendor, ident)
            payments.pay(world, invoice, _body().get("amount"), _body().get("method", "bank_transfer"))
            return _done(vendor, invoice)

    @blueprint.post("/invoices/<ident>/fail")
    def fail(ident: str) -> Response:
        """A payment attempt that the bank declines."""
        with vendor.lock:
            invoice = _open_invoice(vendor, ident)
            refusal = StripeRefusal(payments.DECLINED, status=402, kind="card_error", code="card_declined")
            payments.fail(world, invoice, refusal, automatic=_body().get("automatic", False))
            return _done(vendor, invoice)

    @blueprint.post("/invoices/<ident>/dispute")
    def dispute(ident: str) -> Response:
        """Body: `reason`, such as "product_not_received"; answers the dispute."""
        with vendor.lock:
            charge = _charge_of(vendor, ident)
            return _done(vendor, open_dispute(world, charge, _body().get("reason", "general")))

    @blueprint.post("/disputes/<ident>/close")
    def close(ident: str) -> Response:
        """Body: `won`, whether the merchant won."""
        with vendor.lock:
            vendor.begin()
            found = world.get("dispute", ident)
            close_dispute(world, found, won=bool(_body().get("won")))
            return _done(vendor, found)

    @blueprint.post("/invoices/<ident>/refund")
    def give_back(ident: str) -> Response:
        """Body: `amount` in minor units (all of it); answers the refund."""
        with vendor.lock:
            charge = _charge_of(vendor, ident)
            asked = {name: value for name, value in _body().items() if name in {"amount", "reason"}}
            return _done(vendor, refund(world, {"charge": charge["id"], **asked}))

    @blueprint.post("/customers/<ident>/decline")
    def decline(ident: str) -> Response:
        """Body: `times`, how many of the customer's next card payments will be declined."""
        with vendor.lock:
            vendor.begin()
            customer = world.get("customer", ident)
            customer["_declines"] = int(_body().get("times", 1))
            return _done(vendor, customer)


def _open_invoice(vendor: "StripeVendor", ident: str) -> Obj:
    vendor.begin()
    invoice = vendor.world.get("invoice", ident)
    if invoice["status"] not in {"open", "uncollectible"}:
        raise StripeRefusal(f"Nobody can pay an invoice that is {invoice['status']}.")
    return invoice


def _charge_of(vendor: "StripeVendor", ident: str) -> Obj:
    vendor.begin()
    vendor.world.get("invoice", ident)
    for charge in vendor.world.all("charge"):
        if charge["_invoice"] == ident and charge["status"] == "succeeded":
            return charge
    raise StripeRefusal("Nothing was charged for this invoice.")


def _mount_webhooks(blueprint: Blueprint, vendor: "StripeVendor") -> None:
    world = vendor.world

    @blueprint.get("/webhook_endpoints/<ident>/secret")
    def reveal(ident: str) -> Response:
        with vendor.lock:
            endpoint = world.get("webhook_endpoint", ident)
            return jsonify(secret=endpoint["_secrets"][-1][0])

    @blueprint.post("/webhook_endpoints/<ident>/roll")
    def roll(ident: str) -> Response:
        """Body: `keep_seconds`, how long the old secret signs beside the new one (a day)."""
        with vendor.lock:
            vendor.begin()
            endpoint = world.get("webhook_endpoint", ident)
            until = world.moment + int(_body().get("keep_seconds", _DAY))
            old = [(secret, end or until) for secret, end in endpoint["_secrets"]]
            secret = "whsec_" + secrets.token_urlsafe(24)
            endpoint["_secrets"] = [*old, (secret, None)]
            return jsonify(secret=secret)

    @blueprint.post("/webhook_endpoints/<ident>/thin")
    def make_thin(ident: str) -> Response:
        """Body: `thin`, whether the endpoint gets thin events instead of snapshots."""
        with vendor.lock:
            endpoint = world.get("webhook_endpoint", ident)
            endpoint["_thin"] = bool(_body().get("thin", True))
            return jsonify(thin=endpoint["_thin"])

    @blueprint.post("/events/deliver")
    def deliver() -> Response:
        """Send events again. Body: `ids` (all), `times` (1), `shuffle` (false), `livemode` (as they are)."""
        with vendor.lock:
            asked = _body()
            ids = asked.get("ids")
            chosen = [one for one in vendor.events.all() if ids is None or one["id"] in ids]
            chosen = chosen * int(asked.get("times", 1))
            if asked.get("shuffle"):
                random.Random(asked.get("seed", 1)).shuffle(chosen)
            for event in chosen:
                vendor.events.deliver_again(event, asked.get("livemode"))
            return jsonify(delivered=len(chosen))


def _mount_account(blueprint: Blueprint, vendor: "StripeVendor") -> None:
    @blueprint.post("/settings")
    def change_settings() -> Response:
        """Body: any of the account's settings, such as `overdue_automation`."""
        with vendor.lock:
            settings = vendor.world.settings
            known = {field.name for field in fields(settings)}
            for name, value in _body().items():
                if name not in known:
                    raise StripeRefusal(f"The account has no setting called {name}", param=name)
                setattr(settings, name, tuple(value) if isinstance(value, list) else value)
            return jsonify(asdict(settings))

    @blueprint.post("/keys/refuse")
    def refuse_key() -> Response:
        """Body: `key`, an API key that is revoked from now on."""
        with vendor.lock:
            vendor.refused_keys.add(str(_body()["key"]))
            return jsonify(refused=len(vendor.refused_keys))
