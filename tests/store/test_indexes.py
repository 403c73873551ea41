"""Every lookup has its index, so that the rate stays flat as tables grow."""

from __future__ import annotations

import psycopg

LOOKUPS = {
    "an event already stored": "select 1 from inbox where source = 's' and event_id = 'e'",
    "problems": "select 1 from inbox where problem <> '' order by id desc limit 50",
    "the newest events": "select 1 from inbox order by id desc limit 50",
    "a target": "select 1 from target where kind = 'k' and ref = 'r'",
    "what is due": "select 1 from target where seq > done_seq and parked_at is null order by not_before limit 500",
    "what is parked": "select 1 from target where parked_at is not null order by parked_at limit 100",
    "a link": "select 1 from link where owner = 'o' and role = 'r'",
    "owners": "select 1 from link where target = 't'",
    "deals of a customer": "select 1 from billed_deal where customer = 'c'",
    "deals of an account": "select 1 from billed_deal where account = 'a'",
    "customers to assess": "select 1 from customer order by assessed_at nulls first limit 5",
    "the next customers of the night": "select 1 from customer where ref > 'c' order by ref limit 1000",
    "the next ones downwards": "select 1 from customer where ref < 'c' order by ref desc limit 1000",
    "customers of an account": "select 1 from customer where crm_account = 'a'",
    "subscriptions of a customer": "select 1 from subscription where customer = 'c'",
    "subscriptions of a deal": "select 1 from subscription where deal = 'd'",
    "items of a subscription": "select 1 from subscription_item where subscription = 's'",
    "invoices of a customer": "select 1 from invoice where customer = 'c'",
    "invoices of a subscription": "select 1 from invoice where subscription = 's'",
    "invoices of a deal": "select 1 from invoice where deal = 'd'",
    "lines of an invoice": "select 1 from invoice_line where invoice = 'i'",
    "payments of a customer": "select 1 from payment where customer = 'c'",
    "payments of an invoice": "select 1 from payment where invoice = 'i'",
    "a payment by its intent": "select 1 from payment where payment_intent = 'pi'",
    "a payment by its charge": "select 1 from payment where charge = 'ch'",
    "credit notes of a customer": "select 1 from credit_note where customer = 'c'",
    "credit notes of an invoice": "select 1 from credit_note where invoice = 'i'",
    "disputes of a customer": "select 1 from dispute where customer = 'c'",
    "a dispute by its charge": "select 1 from dispute where charge = 'ch'",
    "a dispute by its intent": "select 1 from dispute where payment_intent = 'pi'",
    "disputes of an invoice": "select 1 from dispute where invoice = 'i'",
    "records that wait": "select 1 from crm_record where crm = 'c' and differs and not parked order by waiting_since",
    "records that are parked": "select 1 from crm_record where parked order by waiting_since",
    "the audit of a subject": "select 1 from audit where subject = 's'",
    "lines to seal": "select 1 from audit where seal is null order by id",
}


def test_no_lookup_reads_a_whole_table(database_url: str) -> None:
    """With sequential scans made unattractive, the planner finds an index for each."""
    with psycopg.connect(database_url) as connection:
        plans = {name: _reads_all(connection, query) for name, query in LOOKUPS.items()}
    assert {name: plan for name, plan in plans.items() if plan} == {}


def test_every_foreign_key_has_an_index(database_url: str) -> None:
    """Deleting a parent would otherwise read all of the child table."""
    query = """
        select conrelid::regclass::text, conname from pg_constraint con
         where contype = 'f' and conrelid::regclass::text not like 'procrastinate%'
           and not exists (select 1 from pg_index where indrelid = conrelid and indkey[0] = conkey[1])
    """
    with psycopg.connect(database_url) as connection:
        assert connection.execute(query).fetchall() == []


def test_the_check_above_can_fail(database_url: str) -> None:
    """A lookup without an index is seen as one."""
    with psycopg.connect(database_url) as connection:
        assert _reads_all(connection, "select 1 from invoice where number = 'n'")
        assert _reads_all(connection, "select 1 from inbox order by received_at")


def _reads_all(connection: psycopg.Connection[tuple[object, ...]], query: str) -> str:
    """The plan, if it reads a whole table or sorts one; else nothing."""
    connection.execute("set enable_seqscan = off")
    connection.execute("set enable_bitmapscan = off")
    plan = "\n".join(str(row[0]) for row in connection.execute(b"explain " + query.encode()))
    return plan if "Seq Scan" in plan or "Sort" in plan else ""
