insert into contacts (
    match_key, email, name, given_name, family_name, honorific, title, phone, account_id, locale,
    zone, country, birthday, level, may_send, may_track, wish, attributes, known_since, engagement
)
select
    value->>'match_key',
    value->>'email',
    value->>'name',
    value->>'given_name',
    value->>'family_name',
    value->>'honorific',
    value->>'title',
    value->>'phone',
    cast(value->>'account_id' as bigint),
    value->>'locale',
    value->>'zone',
    value->>'country',
    value->>'birthday',
    cast(value->>'level' as bigint),
    cast(value->>'may_send' as bigint),
    cast(value->>'may_track' as bigint),
    value->>'wish',
    value->>'attributes',
    cast($2 as bigint),
    '{}'
from json_each($1)
where true
on conflict (match_key) do update set
    email = excluded.email,
    name = excluded.name,
    given_name = excluded.given_name,
    family_name = excluded.family_name,
    honorific = excluded.honorific,
    title = excluded.title,
    phone = excluded.phone,
    account_id = excluded.account_id,
    locale = excluded.locale,
    zone = excluded.zone,
    country = excluded.country,
    birthday = excluded.birthday,
    level = excluded.level,
    may_send = excluded.may_send,
    may_track = excluded.may_track,
    wish = excluded.wish,
    attributes = excluded.attributes
