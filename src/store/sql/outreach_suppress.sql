-- Decided while its contact was being suppressed, or put off by the relay while that happened: the
-- gate looks once more.
update outreach
set state = 'suppressed', settled_at = $1
where
    exists (
        select 1
        from contacts
        where contacts.id = outreach.contact_id
            and (
                contacts.may_send = 0
                or exists (
                    select 1
                    from suppressions
                    where suppressions.match_key = contacts.match_key
                )
            )
    )
    and
