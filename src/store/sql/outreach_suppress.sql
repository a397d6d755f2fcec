-- Decided while its contact was being suppressed, or put off by the relay while that happened: the
-- gate looks once more.
update outreach
set state = 'suppressed', settled_at = $1
where
    exists (select 1 from no_mail_to where no_mail_to.contact_id = outreach.contact_id)
    and
