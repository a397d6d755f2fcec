//! mail-auth, which knows nothing of how we sign.
use std::{borrow::Borrow, collections::HashMap, hash::Hash, time::Instant};

use mail_auth::{
    AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt,
    common::{parse::TxtRecordParser as _, verify::DomainKey},
};

pub(crate) struct Oracle {
    authenticator: MessageAuthenticator,
    records: Records,
}

/// The DNS as far as tests need it; what it does not have, the test does not find.
struct Records(HashMap<Box<str>, Txt>);

impl ResolverCache<Box<str>, Txt> for Records {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Some(self.0.get(name).expect("only names of ours are asked for").clone())
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}

impl Oracle {
    /// Knows these names and TXT records.
    pub(crate) fn new(records: &[(&str, &str)]) -> Self {
        let parsed = records.iter().map(|(name, record)| {
            let key = DomainKey::parse(record.trim().as_bytes()).unwrap();
            ((*name).into(), Txt::from(key))
        });
        let records = Records(parsed.collect());
        Self { authenticator: MessageAuthenticator::new_cloudflare().unwrap(), records }
    }

    /// Whether each signature of the message holds, from above.
    pub(crate) async fn passes(&self, message: &[u8]) -> Vec<bool> {
        let message = AuthenticatedMessage::parse(message).unwrap();
        let parameters = Parameters::new(&message).with_txt_cache(&self.records);
        let results = self.authenticator.verify_dkim(parameters).await;
        results.iter().map(|result| *result.result() == DkimResult::Pass).collect()
    }
}
