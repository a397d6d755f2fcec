-- SQLite has one writer, so the update alone is the lock.
update outreach
set state = 'claimed', lease_token = $2, lease_until = $3, attempt = attempt + 1
where id in (
    select id from outreach
    where state = 'ready' and next_at <= $1 and strikes = $5
        -- What the mark would refuse is left to the gate: claiming it again and again is of no use.
        and not_after > $1
        and not exists (select 1 from no_mail_to where no_mail_to.contact_id = outreach.contact_id)
    order by next_at, id
    limit $4
);

-- One value and no rows: the driver's thread hands each row over by itself. The two states are those of the
-- index.
select json_group_array(json_array(
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
    match_key,
    (select count(*) from bodies where outreach_id = outreach.id)
))
from outreach
join contacts on contacts.id = contact_id
where state in ('claimed', 'sending') and lease_until = $3 and lease_token = $2
