-- `skip locked` lets several daemons claim at once without waiting for one another.
with waiting as materialized (
    select id from outreach
    where state = 'ready' and next_at <= $1 and strikes = $5
        -- What the mark would refuse is left to the gate: claiming it again and again is of no use.
        and not_after > $1
        and not exists (select 1 from no_mail_to where no_mail_to.contact_id = outreach.contact_id)
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
    (select count(*) from bodies where outreach_id = outreach.id) as kept
