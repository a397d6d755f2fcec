-- $1 holds [contact, instant of a mail]; an older mail than the known one changes nothing. Gives the
-- contacts that were changed.
update contacts
set last_mail_at = mailed.at
from (
    select cast(value->>0 as bigint) as id, max(cast(value->>1 as bigint)) as at
    from json_each($1)
    group by 1
) as mailed
where contacts.id = mailed.id and (last_mail_at is null or last_mail_at < mailed.at)
returning contacts.id
