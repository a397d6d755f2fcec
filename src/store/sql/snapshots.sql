select
    c.id,
    c.locale,
    c.zone,
    coalesce(c.country, a.country) as country,
    c.birthday,
    a.cooperation_since,
    c.known_since,
    c.may_send,
    s.reason as suppressed,
    c.engagement,
    c.wish,
    c.account_id,
    c.last_mail_at
from contacts c
left join accounts a on a.id = c.account_id
left join suppressions s on s.match_key = c.match_key
