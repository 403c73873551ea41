-- What each account is bound to pay until its contracts end, by calendar arithmetic: every invoice from the item's next
-- day on, one interval after the other, that is still to come and comes before the end. Parameter: today.
with item as (
    select s.currency, coalesce(c.crm_account, s.customer) as account,
           floor(coalesce(i.recurring_amount, i.unit_amount * i.quantity) + 0.5) as amount,
           i."interval"::interval as every, (i.current_period_end at time zone 'utc')::date as next_day,
           least((s.cancel_at at time zone 'utc')::date, s.contract_end + 1) as until
    from subscription s
    join customer c on c.ref = s.customer
    join subscription_item i on i.subscription = s.ref
    where s.status in ('active', 'past_due', 'trialing') and not i.metered and i."interval" is not null
)
select currency, account, sum(amount)
from item
cross join generate_series(0, 1500) as n
where (next_day + n * every)::date < until
  and ((next_day + n * every)::date > %(today)s or (next_day + (n + 1) * every)::date > %(today)s)
group by 1, 2
having sum(amount) > 0
