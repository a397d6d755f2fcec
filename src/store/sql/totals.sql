select
    (select count(*) from contacts) as contacts,
    (select count(*) from accounts) as accounts,
    (select count(*) from reps) as reps,
    (select count(*) from orders) as orders,
    (select count(*) from contracts) as contracts,
    (select count(*) from touches) as touches,
    (select count(*) from suppressions) as suppressed,
    (select count(distinct outreach_id) from feedback where kind = 'open') as opened,
    (select count(distinct outreach_id) from feedback where kind = 'click') as clicked,
    (select count(distinct outreach_id) from feedback where kind = 'bounce') as bounced
