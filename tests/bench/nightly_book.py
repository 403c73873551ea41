"""A book of accounts for the nightly bench, made by the database itself: about ten invoices each, most of them paid.

Seven accounts in ten pay around the due date, two some days late, one in twelve weeks late; one in twenty-five has
stopped to pay. Ids and the order of the rows are scattered as years of business scatter them. Chance is a hash, so that
two runs fill the same book.
"""

from __future__ import annotations

from datetime import date

import psycopg

# chance(account, number, of): a whole number from 0 to of - 1, always the same for the same arguments.
_CHANCE = """
create function pg_temp.chance(account bigint, number bigint, below int) returns int language sql immutable as
$$ select ((hashint8(account * 1000003 + number) & 2147483647) % below)::int $$
"""

_ACCOUNTS = """
create temp table account as
select i,
       'stripe:customer:cus_' || substr(md5('customer' || i), 1, 14) as customer,
       crm || ':account:' || (1000000000 + i) as owner,
       crm || ':deal:' || (2000000000 + i) as deal,
       crm,
       'stripe:subscription:sub_' || substr(md5('subscription' || i), 1, 24) as subscription,
       (array['eur', 'eur', 'usd', 'gbp'])[1 + pg_temp.chance(i, 1, 4)] as currency,
       case when kind < 68 then 'prompt' when kind < 88 then 'late' when kind < 96 then 'slow'
            else 'stopped' end as pays,
       1 + pg_temp.chance(i, 3, 19) as invoices,
       pg_temp.chance(i, 4, 30) as billing_day,
       (1 + pg_temp.chance(i, 5, 400)) * 1000 as amount
  from (select i, case when i %% 2 = 0 then 'hubspot' else 'salesforce' end as crm, pg_temp.chance(i, 2, 100) as kind
          from generate_series(1, %(accounts)s::int) as i) as one
"""

_INVOICES = """
create temp table bill as
select *,
       case when status = 'open' then amount else 0 end as owed,
       case when status = 'paid' then (due + late)::timestamp + interval '10 hours' end as paid_at
  from (select *,
               case when pg_temp.chance(i, 900 + k, 100) = 0 then 'void'
                    when pg_temp.chance(i, 700 + k, 300) = 0 then 'uncollectible'
                    when due + late > %(today)s::date or (pays = 'stopped' and k > invoices - 3) then 'open'
                    else 'paid' end as status
          from (select account.*, k,
                       'stripe:invoice:in_' || substr(md5('invoice' || i || '-' || k), 1, 24) as ref,
                       made, made + 30 as due,
                       case pays when 'prompt' then pg_temp.chance(i, 100 + k, 9) - 6
                                 when 'late' then 2 + pg_temp.chance(i, 100 + k, 15)
                                 when 'slow' then 15 + pg_temp.chance(i, 100 + k, 40)
                                 else 5 + pg_temp.chance(i, 100 + k, 20) end as late
                  from account
                 cross join lateral generate_series(1, invoices) as k
                 cross join lateral (select %(today)s::date - billing_day - 30 * (invoices - k) as made) as days) as due
       ) as settled
"""

_FILL = (
    """
    insert into customer (ref, name, email, currency, deleted, payment_method, credit_balance, seen_at)
    select customer, 'Customer ' || i, 'ap@' || i || '.example', currency, false, 'card', 0, %(today)s::date
      from account order by customer
    """,
    """
    insert into subscription (ref, customer, status, currency, started_at, deal, contract_end)
    select subscription, customer, 'active', currency, %(today)s::date - 30 * invoices, deal,
           %(today)s::date + pg_temp.chance(i, 6, 360)
      from account order by i
    """,
    """
    insert into subscription_item
           (subscription, position, id, unit_amount, quantity, interval, current_period_end, metered, recurring_amount)
    select subscription, position, 'si_' || substr(md5(i || '-' || position), 1, 14), amount / 10, 5, '1 month',
           %(today)s::date + 30 - billing_day, false, amount / 2
      from account cross join generate_series(0, 1) as position order by i
    """,
    """
    insert into invoice
           (ref, customer, status, currency, total, amount_due, amount_paid, amount_remaining, created_at, number,
            subscription, deal, due_date, finalized_at, paid_at, voided_at, hosted_url, pdf_url, collection_method,
            attempt_count, uncollectible_reason, credited, disputed, processing)
    select ref, customer, status, currency, amount, amount, amount - owed, owed, made, 'A' || i || '-' || k,
           subscription, deal, due, made, paid_at, case when status = 'void' then made + 1 end,
           'https://invoice.example/i/' || md5(ref) || md5(ref), 'https://pay.example/invoice/' || md5(ref) || '/pdf',
           'send_invoice', 0, '', 0, pg_temp.chance(i, 500 + k, 1000) = 0, false
      from bill order by made, ref
    """,
    """
    insert into payment (ref, customer, invoice, amount, currency, status, paid_at, payment_intent, charge)
    select 'stripe:payment:inpay_' || substr(md5(ref), 1, 24), customer, ref, amount, currency, 'paid', paid_at,
           'pi_' || substr(md5('pi' || ref), 1, 24), ''
      from bill where status = 'paid' order by paid_at, ref
    """,
    """
    insert into link (owner, role, target)
    select owner, 'customer', customer from account
     union all select deal, 'subscription', subscription from account
    """,
    """
    insert into billed_deal (deal, customer, account, notes) select deal, customer, owner, '{}' from account
    """,
    """
    insert into crm_record (ref, crm, desired, written, written_at)
    select ref, crm, said, said || '{"synced_at": "2026-01-01T00:00:00+00:00"}', now()
      from (select owner as ref, crm from account union all select deal, crm from account) as record
     cross join (select '{"sync_status": "billed", "sync_message": ""}'::jsonb as said) as said
    """,
)


def fill_book(connection: psycopg.Connection[tuple[object, ...]], accounts: int, today: date) -> None:
    """Fill an empty database with so many accounts, none of them assessed yet."""
    told = {"accounts": accounts, "today": today}
    with connection.transaction():
        connection.execute("set local synchronous_commit = off")
        for statement in (_CHANCE, _ACCOUNTS, _INVOICES, *_FILL):
            connection.execute(statement.encode(), told if "%(" in statement else None)
        connection.execute("drop table account, bill")
