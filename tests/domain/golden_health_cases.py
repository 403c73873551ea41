"""Payment histories whose word, flag and sentences were worked out by hand from the rules.

Days run back from TODAY, 21 November 2026. The formula for the hand: an invoice of age a weighs 0.5 ^ (a / 180), an
unpaid one 1; days late 5 / 15 / 20 / 30 / 40 / 60 grade .44 / .67 / .74 / .84 / .90 / 1; one invoice of weight 1 and
grade .15 is added. Six monthly invoices, the first 20 days old, weigh 4.24; twelve 6.37. So six that were always five
days late make 100 - 100 * (4.24 * .436 + .15) / 5.24 = 61.9: worth a look.
"""

from __future__ import annotations

from datetime import date

from connector.domain.billing import Customer, InvoiceStatus, PaymentMethod
from connector.domain.payment_health import NextInvoice
from connector.domain.refs import RecordRef
from tests.domain.golden_health import (
    CUSTOMER,
    Case,
    auto,
    by_credit,
    card,
    dispute,
    monthly,
    owed,
    paid,
    promise,
    written_off,
)
from tests.factories import TODAY, a_payment

THIN_1 = "Only 1 invoice to judge by so far, so the score leans on other accounts."
THIN_2 = "Only 2 invoices to judge by so far, so the score leans on other accounts."
ON_TIME = "Usually pays on time."
PROMPT = monthly(6)
NEXT = NextInvoice(date(2026, 12, 1))
LATE_ONE = owed(30, total=40_000)
CONTESTED = paid(35, 0, total=50_000)
BY_HAND = monthly(6, late=30, first=40)

CASES = [
    # How an account pays.
    Case("prompt payer", PROMPT, "good", False, [ON_TIME]),
    Case("early payer", monthly(6, late=-5), "good", False, ["Usually pays 5 days before due."]),
    Case("always one day late", monthly(6, late=1), "good", False, ["Usually pays 1 day after due."]),
    Case("always 5 days late", monthly(6, late=5), "watch", False, ["Usually pays 5 days after due."]),
    Case("always 15 days late", monthly(6, late=15), "late", True, ["Usually pays 15 days after due."]),
    Case("always 16 days late", monthly(6, late=16), "late", True, ["Usually pays 16 days after due."]),
    Case("always 40 days late", monthly(6, late=40, first=70), "late", True, ["Usually pays 40 days after due."]),
    Case(
        "recovered: late until a year ago, on time since",
        [*monthly(8), *monthly(6, late=40, first=400)],
        "good",
        False,
        [ON_TIME, "Getting better: the last 3 invoices were on time, those before 22 days late, on average."],
    ),
    Case(
        "seasonal: 25 days late in summer, else on time",
        [*monthly(2), *monthly(3, late=25, first=80), *monthly(7, first=170)],
        "good",
        False,
        [ON_TIME],
    ),
    Case(
        "getting worse",
        [*monthly(6, first=110), paid(80, 10), paid(50, 20), paid(20, 18)],
        "watch",
        False,
        [
            "3 of 9 paid invoices were late, by up to 20 days.",
            "Getting slower: the last 3 invoices were 16 days late, those before on time, on average.",
        ],
    ),
    Case(
        "getting better",
        [*monthly(6, late=15, first=110), *monthly(3)],
        "watch",
        False,
        [
            "Usually pays 15 days after due.",
            "Getting better: the last 3 invoices were on time, those before 15 days late, on average.",
        ],
    ),
    # What is owed.
    Case(
        "one huge overdue among many paid",
        [*monthly(12), owed(41, total=5_000_000)],
        "watch",
        False,
        ["1 invoice, EUR 50,000.00, 41 days late; usually pays on time."],
    ),
    Case(
        "the sentence of the first page: two overdue, usually 6 days late",
        [*monthly(6, late=6, first=70), owed(41, total=1_000_000), owed(3, total=240_000)],
        "late",
        True,
        ["2 invoices, EUR 12,400.00, up to 41 days late; usually pays 6 days after due."],
    ),
    Case(
        "never paid",
        [owed(10), owed(40), owed(70), owed(100)],
        "severe",
        True,
        ["4 invoices, EUR 400.00, up to 100 days late; no invoice was ever paid."],
    ),
    Case(
        "never paid, not for long yet",
        [owed(5), owed(15), owed(35)],
        "late",
        True,
        ["3 invoices, EUR 300.00, up to 35 days late; no invoice was ever paid."],
    ),
    Case(
        "stopped paying",
        [*monthly(3, first=200), owed(48), owed(50), owed(52)],
        "late",
        True,
        ["3 invoices, EUR 300.00, up to 52 days late; 3 others were paid on time."],
    ),
    Case(
        "slow for years, and overdue again",
        [*monthly(8, late=60, first=80), owed(20)],
        "severe",
        True,
        ["1 invoice, EUR 100.00, 20 days late; usually pays 60 days after due."],
    ),
    Case(
        "60 days past due are not severe yet",
        [*PROMPT, owed(60)],
        "watch",
        False,
        ["1 invoice, EUR 100.00, 60 days late; usually pays on time."],
    ),
    Case(
        "61 days past due are severe",
        [*PROMPT, owed(61)],
        "severe",
        True,
        ["1 invoice, EUR 100.00, 61 days late; usually pays on time."],
    ),
    Case("due today is not late", [*PROMPT, owed(0)], "good", False, [ON_TIME]),
    Case(
        "due yesterday is",
        [*PROMPT, owed(1)],
        "watch",
        False,
        ["1 invoice, EUR 100.00, 1 day late; usually pays on time."],
    ),
    Case(
        "paid in part: the rest is owed",
        [*PROMPT, owed(10, total=100_000, amount_paid=40_000, amount_remaining=60_000)],
        "watch",
        False,
        ["1 invoice, EUR 600.00, 10 days late; usually pays on time."],
    ),
    Case(
        "credited in part: the rest is owed",
        [*PROMPT, owed(12, total=100_000, credited=25_000, amount_remaining=75_000)],
        "watch",
        False,
        ["1 invoice, EUR 750.00, 12 days late; usually pays on time."],
    ),
    Case(
        "two currencies are told apart",
        [*monthly(3), owed(3, total=30_000), owed(8, total=70_000, currency="usd")],
        "watch",
        False,
        ["2 invoices, EUR 300.00 and USD 700.00, up to 8 days late; usually pays on time."],
    ),
    Case(
        "yen have no decimals",
        [*monthly(3, currency="jpy"), owed(7, total=120_000, currency="jpy")],
        "watch",
        False,
        ["1 invoice, JPY 120,000, 7 days late; usually pays on time."],
    ),
    # Too little to judge by.
    Case("new account", [], "unknown", False, ["No invoice has come due yet."]),
    Case(
        "first invoice not due yet",
        [owed(-10)],
        "unknown",
        False,
        ["No invoice has come due yet; the first, EUR 100.00, is due on 1 December 2026."],
    ),
    Case("one invoice, on time", [paid(20, 0)], "good", False, ["So far paid on time.", THIN_1]),
    Case(
        "one invoice, five days past due",
        [owed(5)],
        "watch",
        False,
        ["1 invoice, EUR 100.00, 5 days late; no invoice was ever paid.", THIN_1],
    ),
    Case(
        "one invoice, twenty days past due",
        [owed(20)],
        "late",
        True,
        ["1 invoice, EUR 100.00, 20 days late; no invoice was ever paid.", THIN_1],
    ),
    Case(
        "two invoices, one of them overdue",
        [paid(50, 0), owed(10)],
        "watch",
        False,
        ["1 invoice, EUR 100.00, 10 days late; 1 other was paid on time.", THIN_2],
    ),
    Case(
        "two invoices, one of them late",
        [paid(20, 0), paid(50, 30)],
        "watch",
        False,
        ["So far paid up to 30 days after due.", THIN_2],
    ),
    # What is neither late nor on time.
    Case(
        "disputed",
        [*PROMPT, owed(50, total=90_000, disputed=True)],
        "good",
        False,
        [ON_TIME, "1 invoice, EUR 900.00, is disputed and not counted as late."],
    ),
    Case(
        "a payment that the bank may take back",
        [*PROMPT, CONTESTED],
        "good",
        False,
        [ON_TIME, "1 invoice, EUR 500.00, is disputed and not counted as late."],
        disputes=[dispute(CONTESTED, "needs_response")],
    ),
    Case(
        "a dispute that was won", [*PROMPT, CONTESTED], "good", False, [ON_TIME], disputes=[dispute(CONTESTED, "won")]
    ),
    Case(
        "a dispute that was lost",
        [*PROMPT, CONTESTED],
        "good",
        False,
        [ON_TIME, "1 invoice, EUR 300.00, was charged back by the customer's bank."],
        disputes=[dispute(CONTESTED, "lost", 30_000)],
    ),
    Case(
        "nothing but a dispute",
        [owed(50, total=90_000, disputed=True)],
        "unknown",
        False,
        ["No invoice tells yet how it pays.", "1 invoice, EUR 900.00, is disputed and not counted as late."],
    ),
    Case(
        "a dispute, and a first invoice to come",
        [owed(50, total=90_000, disputed=True), owed(-10)],
        "unknown",
        False,
        ["No invoice tells yet how it pays.", "1 invoice, EUR 900.00, is disputed and not counted as late."],
    ),
    Case(
        "bank debit in flight",
        [*PROMPT, owed(4, total=25_000, processing=True)],
        "good",
        False,
        [ON_TIME, "1 invoice, EUR 250.00, is being paid by bank debit."],
    ),
    Case("credited in full", [*PROMPT, by_credit(100, 70)], "good", False, [ON_TIME]),
    Case(
        "covered by a credit balance",
        [paid(20, -30, amount_due=0, amount_paid=0)],
        "unknown",
        False,
        ["No invoice tells yet how it pays."],
    ),
    Case(
        "replaced revision",
        [*PROMPT, owed(30, replaced_by=RecordRef("stripe", "invoice", "in_1020"))],
        "good",
        False,
        [ON_TIME],
    ),
    Case("zero invoices", [*PROMPT, owed(50, total=0)], "good", False, [ON_TIME]),
    Case(
        "drafts and voids",
        [*PROMPT, owed(50, status=InvoiceStatus.DRAFT), owed(51, status=InvoiceStatus.VOID)],
        "good",
        False,
        [ON_TIME],
    ),
    Case(
        "paid out of band: the payment knows the day, the click does not",
        BY_HAND,
        "good",
        False,
        [ON_TIME],
        payments=[a_payment(invoice, invoice.due_date or TODAY) for invoice in BY_HAND],
    ),
    # Given up.
    Case(
        "one written off among paid ones",
        [*PROMPT, written_off(200, 80_000)],
        "watch",
        False,
        [ON_TIME, "1 invoice, EUR 800.00, was written off."],
    ),
    Case(
        "two written off, the rest on time",
        [*monthly(3), written_off(200, 80_000), written_off(230, 80_000)],
        "watch",
        False,
        ["The 3 paid invoices were on time.", "2 invoices, EUR 1,600.00, were written off."],  # 60.8 points
    ),
    Case(
        "written off and never paid",
        [written_off(200, 80_000)],
        "late",
        True,
        ["No invoice was ever paid.", "1 invoice, EUR 800.00, was written off.", THIN_1],
    ),
    Case(
        "a thin history is told, whatever else there is to say",
        [written_off(200, 80_000), owed(50, total=90_000, disputed=True)],
        "late",
        True,
        ["No invoice was ever paid.", "1 invoice, EUR 800.00, was written off.", THIN_1],
    ),
    Case(
        "one written off years ago",
        [*PROMPT, written_off(800, 80_000)],
        "good",
        False,
        [ON_TIME, "1 invoice, EUR 800.00, was written off."],
    ),
    # Reasons to look.
    Case(
        "broken promise",
        [*PROMPT, LATE_ONE],
        "watch",
        False,
        [
            "1 invoice, EUR 400.00, 30 days late; usually pays on time.",
            "A promise to pay by 10 November 2026 was not kept.",
        ],
        beside={"promises": [promise(date(2026, 11, 10), LATE_ONE)]},
    ),
    Case(
        "a promise whose day has not come",
        [*PROMPT, LATE_ONE],
        "watch",
        False,
        ["1 invoice, EUR 400.00, 30 days late; usually pays on time."],
        beside={"promises": [promise(date(2026, 11, 28), LATE_ONE)]},
    ),
    Case(
        "charges fail",
        [*map(auto, PROMPT), auto(owed(6, total=12_000, attempt_count=3))],
        "watch",
        False,
        [
            "1 invoice, EUR 120.00, 6 days late; usually pays on time.",
            "3 attempts to charge EUR 120.00 failed.",
        ],
    ),
    Case(
        "card expired",
        [*map(auto, PROMPT)],
        "good",
        False,
        [ON_TIME, "The card for automatic charges expired on 31 October 2026."],
        beside={"customer": card(date(2026, 10, 31)), "next_invoice": NEXT},
    ),
    Case(
        "card expires before the next charge",
        [*map(auto, PROMPT)],
        "good",
        False,
        [ON_TIME, "The card expires on 30 November 2026, before the next charge on 1 December 2026."],
        beside={"customer": card(date(2026, 11, 30)), "next_invoice": NEXT},
    ),
    Case(
        "a card that lasts",
        [*map(auto, PROMPT)],
        "good",
        False,
        [ON_TIME],
        beside={"customer": card(date(2026, 12, 31)), "next_invoice": NEXT},
    ),
    Case(
        "nothing to charge",
        [*map(auto, PROMPT)],
        "good",
        False,
        [ON_TIME, "There is no payment method for automatic charges."],
        beside={"customer": Customer(CUSTOMER, payment_method=PaymentMethod.NONE)},
    ),
    Case(
        "invoices that are sent need no card",
        PROMPT,
        "good",
        False,
        [ON_TIME],
        beside={"customer": Customer(CUSTOMER, payment_method=PaymentMethod.NONE)},
    ),
    Case(
        "a fourth reason is left out, the gravest stay",
        [*PROMPT, written_off(200, 80_000), LATE_ONE, owed(45, total=9_000, disputed=True), owed(2, processing=True)],
        "watch",
        False,
        [
            "1 invoice, EUR 400.00, 30 days late; 6 others were paid on time.",  # 72.6 points
            "1 invoice, EUR 800.00, was written off.",
            "1 invoice, EUR 90.00, is disputed and not counted as late.",
        ],
    ),
]
