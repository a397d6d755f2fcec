-- Those whose lease is still the mark's own. Whoever knows of no mark has sent nothing, even if the mark was
-- made and the answer got lost. Said first, while it can be seen; in one go, as the marks before content.
with mark (outreach_id, token, known_state) as (values {3})

select json_group_array(outreach.id)
from mark
cross join outreach on outreach.id = mark.outreach_id
where
    lease_token = mark.token
    and (state = mark.known_state or (mark.known_state = 'claimed' and state = 'sending'));

with mark (
    outreach_id, token, known_state, no, began, sending, ended, relay, connection, verdict, phase, code,
    enhanced, reply
) as (values {14})

insert into attempts (
    outreach_id, no, lease_token, began_at, sending_at, ended_at, relay, connection, verdict, phase, code,
    enhanced, reply
)
select
    outreach.id,
    mark.no,
    outreach.lease_token,
    mark.began,
    mark.sending,
    mark.ended,
    mark.relay,
    mark.connection,
    mark.verdict,
    mark.phase,
    mark.code,
    mark.enhanced,
    mark.reply
from mark
cross join outreach on outreach.id = mark.outreach_id
where
    mark.no is not null
    and lease_token = mark.token
    and (state = mark.known_state or (mark.known_state = 'claimed' and state = 'sending'))
on conflict (outreach_id, no) do nothing;

with mark (outreach_id, token, known_state, next_state, try_at, settled, untried) as (values {7})

update outreach
set
    state = mark.next_state,
    next_at = coalesce(mark.try_at, next_at),
    settled_at = mark.settled,
    attempt = attempt - mark.untried,
    lease_token = null,
    lease_until = null
from mark
where
    outreach.id = mark.outreach_id
    and lease_token = mark.token
    and (state = mark.known_state or (mark.known_state = 'claimed' and state = 'sending'))
