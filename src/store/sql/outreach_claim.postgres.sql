-- `skip locked` lets several daemons claim at once without waiting for one another.
with waiting as materialized (
    select id from outreach
    where state = 'ready' and next_at <= $1 and strikes = $5
        -- Put off while its contact was being suppressed; the gate stops it.
        and not exists (
            select 1
            from contacts
            join suppressions on suppressions.match_key = contacts.match_key
            where contacts.id = outreach.contact_id
        )
    order by next_at, id
    limit $4
    for update skip locked
)
update outreach
set state = 'claimed', lease_token = $2, lease_until = $3, attempt = attempt + 1
from waiting
where outreach.id = waiting.id
returning
    outreach.id,
    contact_id,
    campaign,
    kind,
    occasion_on,
    years,
    attempt,
    due_at,
    not_after,
    nonce,
    (select match_key from contacts where contacts.id = outreach.contact_id) as match_key,
    (
        select began_at from attempts where attempts.outreach_id = outreach.id and attempts.no = 1
    ) as first_tried_at,
    (
        select relay
        from attempts
        where attempts.outreach_id = outreach.id and attempts.no = outreach.attempt - 1
            and attempts.verdict = 'rejected'
    ) as put_off_by
