select
    c.id,
    c.email,
    c.name,
    c.given_name,
    c.family_name,
    c.honorific,
    c.title,
    c.locale,
    coalesce(c.country, a.country) as country,
    c.zone,
    c.may_track,
    a.name as account,
    r.email as rep_email,
    r.name as rep_name,
    r.title as rep_title,
    r.phone as rep_phone
from contacts c
left join accounts a on a.id = c.account_id
left join reps r on r.id = a.rep_id
where c.id in (select cast(value->>0 as bigint) from json_each($1))
