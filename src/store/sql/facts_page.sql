select
    c.id,
    c.account_id,
    c.level,
    coalesce(c.country, a.country) as country,
    c.locale,
    a.industry,
    a.potential_cents,
    a.cooperation_since,
    c.attributes,
    a.attributes as account_attributes
from contacts c
left join accounts a on a.id = c.account_id
where c.id > $1 and c.reclassify >= $2
order by c.id
limit $3
