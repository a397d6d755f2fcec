select
    o.id,
    c.email,
    o.campaign,
    o.occasion_on,
    d.attempt_no,
    a.reply,
    a.relay,
    d.since,
    o.not_after,
    (
        select count(*)
        from doubts earlier
        where earlier.outreach_id = o.id and earlier.resolution = 'resent'
    ) as resent
from doubts d
join outreach o on o.id = d.outreach_id
join contacts c on c.id = o.contact_id
join attempts a on a.outreach_id = d.outreach_id and a.no = d.attempt_no
where d.resolved_at is null and (d.since, o.id) > ($2, $3)
order by d.since, o.id
limit $1
