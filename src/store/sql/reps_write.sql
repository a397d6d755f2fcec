-- $2, the time, is not kept for a rep.
insert into reps (email, name, title, phone, locale, zone)
select value->>'email', value->>'name', value->>'title', value->>'phone', value->>'locale', value->>'zone'
from json_each($1)
where cast($2 as bigint) is not null
on conflict (email) do update set
    name = excluded.name,
    title = excluded.title,
    phone = excluded.phone,
    locale = excluded.locale,
    zone = excluded.zone
