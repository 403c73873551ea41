-- Every receivables figure as of a day, in plain SQL from the definitions in docs/receivables.md; one row per currency
-- and segment. Parameters: as_of (a day), days (of the period that ends with it), by (size, or '' for no segment).
with asked as (
    select %(as_of)s::date as d, %(as_of)s::date - %(days)s::int as s, %(days)s::numeric as days
), note as (
    select invoice, (created_at at time zone 'utc')::date as day, before_payment as amount
    from credit_note where status = 'issued'
), told as (
    select invoice, (paid_at at time zone 'utc')::date as day, amount
    from payment where status = 'paid' and paid_at is not null
), came as (  -- what is paid, and no payment tells of it, came when the invoice was paid
    select invoice, day, amount from told
    union all
    select i.ref, coalesce((i.paid_at at time zone 'utc')::date, (i.finalized_at at time zone 'utc')::date),
           i.amount_paid - coalesce(t.amount, 0)
    from invoice i left join (select invoice, sum(amount) as amount from told group by 1) t on t.invoice = i.ref
    where i.amount_paid > coalesce(t.amount, 0) and i.finalized_at is not null
), went as (
    select invoice, (created_at at time zone 'utc')::date as day, amount
    from refund where status not in ('failed', 'canceled')
    union all
    select invoice, (created_at at time zone 'utc')::date, amount from dispute where status = 'lost'
), inv as (
    select i.ref, i.currency, case when %(by)s = 'size' then coalesce(a.size, '') else '' end as segment,
           (i.finalized_at at time zone 'utc')::date as issued, i.due_date as due,
           i.amount_due + coalesce(n.amount, 0) as amount,
           least(
               case when i.status = 'void'
                    then (coalesce(i.voided_at, i.finalized_at) at time zone 'utc')::date end,
               case when i.replaced_by is not null
                    then (coalesce(r.finalized_at, i.finalized_at) at time zone 'utc')::date end
           ) as gone,
           coalesce((i.uncollectible_at at time zone 'utc')::date,
                    case when i.status = 'uncollectible'
                         then coalesce(i.due_date, (i.finalized_at at time zone 'utc')::date) end) as lost
    from invoice i
    join customer c on c.ref = i.customer
    left join crm_account a on a.ref = c.crm_account
    left join invoice r on r.ref = i.replaced_by
    left join (select invoice, sum(amount) as amount from note group by 1) n on n.invoice = i.ref
    where i.finalized_at is not null and i.status <> 'draft'
), moves as (
    select invoice, day, amount as credited, 0 as paid, 0 as went from note
    union all select invoice, day, 0, amount, 0 from came
    union all select invoice, day, 0, 0, amount from went
), by_then as (
    select invoice,
           sum(credited) filter (where day <= d) as credited_d, sum(credited) filter (where day <= s) as credited_s,
           sum(paid) filter (where day <= d) as paid_d, sum(paid) filter (where day <= s) as paid_s,
           sum(went) filter (where day <= d) as went_d, sum(went) filter (where day <= s) as went_s
    from moves cross join asked group by 1
), sums as (
    select v.*, d, s, days, coalesce(credited_d, 0) as credited_d, coalesce(credited_s, 0) as credited_s,
           coalesce(paid_d, 0) as paid_d, coalesce(paid_s, 0) as paid_s, coalesce(went_d, 0) as went_d,
           coalesce(went_s, 0) as went_s
    from inv v cross join asked left join by_then m on m.invoice = v.ref
    where v.amount > 0 and v.issued <= d
), stand as (
    select *, gone is not null and gone <= d as is_gone, lost is not null and lost <= d as is_lost,
           greatest(amount - paid_d - credited_d, 0) as left_d,
           case when issued > s or (gone is not null and gone <= s) or (lost is not null and lost <= s) then 0
                else greatest(amount - paid_s - credited_s, 0) end as open_s,
           greatest(coalesce(d - due, 0), 0) as past, date_trunc('month', issued) as month
    from sums
), owed as (
    select *, case when is_gone or is_lost then 0 else left_d end as open_d from stand
), sold as (
    select currency, segment, month, sum(amount) filter (where not is_gone) as sold, sum(open_d * (d - issued)) as aged
    from owed group by 1, 2, 3
), true_dso as (
    select currency, segment, sum(aged / sold) filter (where aged > 0) as true_dso,
           sum(case when aged > 0 then 1 else 0 end) as months
    from sold group by 1, 2
), cash as (
    select o.currency, o.segment, sum(p.amount) as collected, sum(p.amount * (p.day - o.issued)) as to_pay,
           sum(p.amount * (p.day - o.due)) as late, sum(p.amount) filter (where o.due is not null) as late_amount
    from owed o join came p on p.invoice = o.ref where p.day > o.s and p.day <= o.d group by 1, 2
), back as (
    select o.currency, o.segment, sum(w.amount) as returned
    from owed o join went w on w.invoice = o.ref where w.day > o.s and w.day <= o.d group by 1, 2
), flat as (
    select currency, segment, max(days) as days,
        sum(open_d) as open,
        sum(open_d) filter (where past = 0) as b0, sum(open_d) filter (where past between 1 and 30) as b1,
        sum(open_d) filter (where past between 31 and 60) as b2, sum(open_d) filter (where past between 61 and 90) as b3,
        sum(open_d) filter (where past > 90) as b4,
        count(*) filter (where open_d > 0) as invoices,
        sum(open_d) filter (where past > 0) as overdue,
        sum(open_d * past) as overdue_days,
        sum(open_s) as opening,
        sum(amount) filter (where issued > s and not is_gone) as sales,
        sum(left_d) filter (where is_lost and not is_gone and lost > s) as written_off,
        sum(greatest(amount - credited_d, 0)) filter (where due > s and due <= d and not is_gone) as fell_due,
        sum(least(paid_d, greatest(amount - credited_d, 0)) - went_d)
            filter (where due > s and due <= d and not is_gone) as fell_due_paid,
        sum(open_s) filter (where due < s) as was_overdue,
        sum(least(paid_d - paid_s, open_s) - (went_d - went_s)) filter (where due < s and open_s > 0) as recovered
    from owed group by 1, 2
)
select f.currency, f.segment, coalesce(b0, 0) as "current", coalesce(b1, 0) as "1-30", coalesce(b2, 0) as "31-60",
       coalesce(b3, 0) as "61-90", coalesce(b4, 0) as "90+", open, coalesce(overdue, 0) as overdue, invoices, opening,
       coalesce(sales, 0) as sales, coalesce(c.collected, 0) as collected, coalesce(w.returned, 0) as returned,
       coalesce(written_off, 0) as written_off,
       open * days / nullif(sales, 0) as dso,
       coalesce(b0, 0) * days / nullif(sales, 0) as best_possible_dso,
       open * days / nullif(sales, 0) - coalesce(b0, 0) * days / nullif(sales, 0) as average_days_delinquent,
       t.true_dso,
       (opening + coalesce(sales, 0) - open) * 100
           / nullif(greatest(opening + coalesce(sales, 0) - coalesce(b0, 0), 0), 0) as cei,
       (coalesce(c.late, 0) + overdue_days) / nullif(coalesce(c.late_amount, 0) + coalesce(overdue, 0), 0)
           as average_days_late,
       coalesce(overdue, 0) * 100 / nullif(coalesce(c.late_amount, 0) + coalesce(overdue, 0), 0) as provisional_share,
       c.to_pay / nullif(c.collected, 0) as average_days_to_pay,
       coalesce(fell_due_paid, 0) * 100 / nullif(fell_due, 0) as collection_rate,
       coalesce(recovered, 0) * 100 / nullif(was_overdue, 0) as recovery_rate
from flat f
left join cash c using (currency, segment)
left join back w using (currency, segment)
left join true_dso t using (currency, segment)
order by 1, 2
