-- What is known of contacts themselves and of their accounts; the caller adds which contacts.
select
    c.id,
    c.account_id,
    c.level,
    coalesce(c.country, a.country) as country,
    c.locale,
    a.industry,
    r.email as rep,
    a.potential_cents,
    a.cooperation_since,
    c.engagement,
    c.attributes,
    a.attributes as account_attributes,
    (select max(d.asked_at) from classify_due d where d.contact_id = c.id) as asked_at
from contacts c
left join accounts a on a.id = c.account_id
left join reps r on r.id = a.rep_id
