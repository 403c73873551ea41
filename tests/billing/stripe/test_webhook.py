"""Deliveries: genuine ones pass, everything else is NotGenuine or Unreadable, and never anything worse."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import stripe
from hypothesis import example, given
from hypothesis import strategies as st

from connector.billing.stripe.settings import StripeSettings
from connector.billing.stripe.webhook import StripeWebhook
from connector.domain.inbox import EventKind, InboundRequest
from connector.domain.refs import RecordRef
from connector.errors import NotGenuine, Unreadable
from tests.billing.stripe.conftest import FIXTURES, NOW, SECRET, event_fixture
from tests.doors import is_accepted

BODY = (FIXTURES / "invoice.paid__derived.json").read_bytes()


def signature(body: bytes, secret: str = SECRET, moment: datetime = NOW) -> str:
    """What Stripe's own SDK would send."""
    header: str = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(moment.timestamp()))
    return header


def a_delivery(body: bytes = BODY, header: str | None = None) -> InboundRequest:
    sent = signature(body) if header is None else header
    return InboundRequest("POST", "https://billing.example/webhooks/stripe", {"stripe-signature": sent}, body)


@pytest.fixture
def webhook(settings: StripeSettings) -> StripeWebhook:
    return StripeWebhook(settings)


def test_a_delivery_as_stripe_signs_it_is_accepted_and_read(webhook: StripeWebhook) -> None:
    """The body is kept as it came, for replay, and the answer is a plain 200."""
    delivery = a_delivery()

    webhook.verify(delivery, NOW)
    (event,) = webhook.parse(delivery)
    answer = webhook.acknowledge(delivery)

    assert event.kind is EventKind.BILLING_CHANGED
    assert event.subject == RecordRef("stripe", "customer", "cus_QXg1o8vcGmoR32")
    assert event.body == BODY.decode()
    assert (answer.status, answer.body) == (200, b"")


def test_a_byte_changed_on_the_way_is_noticed(webhook: StripeWebhook) -> None:
    """Even one that changes no meaning."""
    with pytest.raises(NotGenuine, match="does not fit"):
        webhook.verify(a_delivery(BODY + b" ", signature(BODY)), NOW)


@pytest.mark.parametrize("signing", ["whsec_new", "whsec_old"])
def test_during_rotation_both_secrets_count(signing: str) -> None:
    """Whichever Stripe still, or already, signs with."""
    webhook = StripeWebhook(StripeSettings(api_key="sk_test_abc", webhook_secrets="whsec_new,whsec_old"))

    webhook.verify(a_delivery(header=signature(BODY, signing)), NOW)

    with pytest.raises(NotGenuine):
        webhook.verify(a_delivery(header=signature(BODY, "whsec_older")), NOW)


def test_one_good_signature_among_several_is_enough(webhook: StripeWebhook) -> None:
    """During Stripe's own roll of a secret the header carries one signature for each."""
    time, good = signature(BODY).split(",")
    _, other = signature(BODY, "whsec_other").split(",")

    assert is_accepted(webhook, a_delivery(header=f"{time},{other},v0=abc,{good}"), NOW)


@pytest.mark.parametrize(
    ("skew", "accepted"),
    [(0, True), (300, True), (-300, True), (301, False), (-301, False), (86_400 * 365, False)],
)
def test_time_may_differ_by_five_minutes_either_way(webhook: StripeWebhook, skew: int, accepted: bool) -> None:
    """The SDK alone would take any time in the future."""
    delivery = a_delivery(header=signature(BODY, moment=NOW + timedelta(seconds=skew)))

    if accepted:
        webhook.verify(delivery, NOW)
    else:
        with pytest.raises(NotGenuine, match="too far"):
            webhook.verify(delivery, NOW)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=",
        "t=1,v1=",
        "v1=abc",
        "t=1790000000",
        "t=now,v1=abc",
        "t=-5,v1=abc",
        "t=1e9,v1=abc",
        "t=٣,v1=abc",
        "t=1790000000,v1=ä",
        "t=" + "9" * 400 + ",v1=abc",
        "t=999999999999999,v1=abc",
        "t=1," + "v1=a," * 5000,
        "=,=,=",
        ",",
        "t",
    ],
)
def test_a_bad_header_is_refused_and_nothing_else_happens(webhook: StripeWebhook, header: str) -> None:
    """Missing, malformed, huge, not ASCII."""
    with pytest.raises(NotGenuine):
        webhook.verify(a_delivery(header=header), NOW)


def test_a_huge_header_is_refused_unread(webhook: StripeWebhook) -> None:
    """Whatever good it may hold somewhere: Stripe's never come near that length."""
    with pytest.raises(NotGenuine, match="not one of Stripe's"):
        webhook.verify(a_delivery(header=f"{signature(BODY)},v0={'a' * 5000}"), NOW)


def test_a_signed_time_beyond_all_calendars_is_refused(webhook: StripeWebhook) -> None:
    """Even with a fitting signature."""
    later = 10**14
    header = stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, later)

    with pytest.raises(NotGenuine, match="no sense"):
        webhook.verify(a_delivery(header=header), NOW)


def test_no_header_at_all_is_refused(webhook: StripeWebhook) -> None:
    """The request may come from anybody."""
    with pytest.raises(NotGenuine, match="no Stripe-Signature"):
        webhook.verify(InboundRequest("POST", "https://x", {}, BODY), NOW)


def test_without_a_secret_nothing_is_trusted() -> None:
    """And the hint says how to get one."""
    webhook = StripeWebhook(StripeSettings(api_key="sk_test_abc"))

    with pytest.raises(NotGenuine, match="No Stripe webhook secret") as caught:
        webhook.verify(a_delivery(), NOW)

    assert "setup stripe" in caught.value.hint


@pytest.mark.parametrize(("key", "live"), [("sk_test_abc", True), ("sk_live_abc", False)])
def test_the_other_modes_events_are_refused_at_the_door(key: str, live: bool) -> None:
    """A live event beside a test key, or the other way round, is a mix-up, however well signed."""
    webhook = StripeWebhook(StripeSettings(api_key=key, webhook_secrets=SECRET))
    body = json.dumps(event_fixture("invoice.paid__derived") | {"livemode": live}).encode()

    with pytest.raises(NotGenuine, match="key is a"):
        webhook.verify(a_delivery(body), NOW)


def test_live_events_pass_beside_a_live_key() -> None:
    """The mode is the key's, not a habit."""
    webhook = StripeWebhook(StripeSettings(api_key="rk_live_abc", webhook_secrets=SECRET))
    body = json.dumps(event_fixture("invoice.paid__derived") | {"livemode": True}).encode()

    assert is_accepted(webhook, a_delivery(body), NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b"\xff\xfe", b"[" * 100_000, b'{"id": ' + b"9" * 5000 + b"}"])
def test_a_signed_body_that_makes_no_sense_is_unreadable(webhook: StripeWebhook, body: bytes) -> None:
    """It is Stripe's, so it passes the door; what is wrong is said afterwards, so that it can be kept."""
    time = int(NOW.timestamp())
    mac = hmac.new(SECRET.encode(), b"%d." % time + body, sha256).hexdigest()
    delivery = a_delivery(body, f"t={time},v1={mac}")

    webhook.verify(delivery, NOW)

    with pytest.raises(Unreadable):
        webhook.parse(delivery)


def test_parsing_twice_gives_the_same(webhook: StripeWebhook) -> None:
    """Reading a body leaves nothing behind that a second reading would see."""
    assert webhook.parse(a_delivery()) == webhook.parse(a_delivery())


@given(st.text(max_size=300), st.binary(max_size=200))
@example("t=1790000000,v1=\udce9", b"{}")
def test_no_request_crashes_the_door(header: str, body: bytes) -> None:
    """Whatever a stranger sends, the answer is NotGenuine."""
    webhook = StripeWebhook(StripeSettings(api_key="sk_test_abc", webhook_secrets=SECRET))
    request = InboundRequest("POST", "https://x", {"stripe-signature": header}, body)

    with pytest.raises(NotGenuine):
        webhook.verify(request, NOW)


def _headers() -> st.SearchStrategy[str]:
    item = st.tuples(st.sampled_from(["t", "v1", "v0", ""]), st.text(max_size=70)).map("=".join)
    return st.lists(item, max_size=12).map(",".join)


@given(_headers())
def test_no_header_of_the_right_shape_crashes_the_door(header: str) -> None:
    """Nor does one that is nearly right."""
    webhook = StripeWebhook(StripeSettings(api_key="sk_test_abc", webhook_secrets=SECRET))

    with pytest.raises(NotGenuine):
        webhook.verify(a_delivery(header=header), NOW)


def test_our_verdict_is_the_sdks(webhook: StripeWebhook) -> None:
    """Where the SDK can judge, both judge alike: our own reading of the scheme has no gap."""
    now = datetime.now(UTC)
    cases: dict[str, tuple[bytes, str]] = {
        "good": (BODY, signature(BODY, moment=now)),
        "other secret": (BODY, signature(BODY, "whsec_other", now)),
        "other body": (BODY + b" ", signature(BODY, moment=now)),
        "old": (BODY, signature(BODY, moment=now - timedelta(seconds=400))),
    }

    verdicts: dict[str, Any] = {}
    for name, (body, header) in cases.items():
        verdicts[name] = (_passes_sdk(body, header), _passes_ours(webhook, body, header, now))

    assert verdicts == {
        "good": (True, True),
        "other secret": (False, False),
        "other body": (False, False),
        "old": (False, False),
    }


def _passes_sdk(body: bytes, header: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(body, header, SECRET, tolerance=300))
    except stripe.SignatureVerificationError:
        return False


def _passes_ours(webhook: StripeWebhook, body: bytes, header: str, now: datetime) -> bool:
    try:
        webhook.verify(a_delivery(body, header), now)
    except NotGenuine:
        return False
    return True
