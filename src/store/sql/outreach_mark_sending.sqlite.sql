-- Whoever was suppressed, and whatever is not welcome any more, does not leave. All in one go: each
-- statement of its own is a change of thread there and back, as long as the work itself.
with mark (outreach_id, token) as (values {2})

update outreach
set state = 'sending', lease_until = ?
from mark
where
    outreach.id = mark.outreach_id
    and state = 'claimed'
    and lease_token = mark.token
    and not_after > ?
    and not exists (select 1 from no_mail_to where no_mail_to.contact_id = outreach.contact_id);

with mark (outreach_id, token, message) as (values {3})

insert into bodies (outreach_id, written_at, message)
select outreach.id, ?, mark.message
from mark
cross join outreach on outreach.id = mark.outreach_id
where outreach.lease_token = mark.token and outreach.state = 'sending'
on conflict (outreach_id) do nothing;

with mark (outreach_id, token, urls) as (values {3})

insert into links (outreach_id, urls)
select outreach.id, mark.urls
from mark
cross join outreach on outreach.id = mark.outreach_id
where mark.urls is not null and outreach.lease_token = mark.token and outreach.state = 'sending'
on conflict (outreach_id) do nothing;

-- One value and no rows: the driver's thread hands each row over by itself.
with mark (outreach_id, token) as (values {2})

select json_group_array(outreach.id)
from mark
cross join outreach on outreach.id = mark.outreach_id
where outreach.lease_token = mark.token and outreach.state = 'sending' and outreach.lease_until = ?
