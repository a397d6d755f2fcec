//! What the DNS has answered so far, and what else has to be asked.
use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use super::Why;

/// The kind of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Texts: SPF, DKIM and DMARC are kept in these.
    Txt,
    /// Who receives mail.
    Mx,
    /// Addresses of version 4.
    A,
    /// Addresses of version 6.
    Aaaa,
}

/// A question to the DNS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// The name, without a dot at its end.
    pub name: String,
    /// What is asked of it.
    pub kind: Kind,
}

/// An answer of the DNS. No more than 100 records, and 8,000 characters of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Texts, the strings of each joined.
    Texts(Vec<String>),
    /// Hosts that receive mail, without a dot at their end; an empty name is the root.
    Hosts(Vec<String>),
    /// Addresses.
    Addresses(Vec<IpAddr>),
    /// There is no such record.
    Nothing,
    /// Nobody knows.
    Unknown(Why),
}

/// What is known of the DNS, and what was asked and is not known yet.
///
/// A verdict is worked out again with more answers until nothing is wanted any more; so that rules
/// need no network, and all that is wanted at one time is asked side by side.
#[derive(Debug, Default)]
pub struct Known {
    answers: BTreeMap<Question, Answer>,
    wanted: BTreeSet<Question>,
}

impl Known {
    /// Notes an answer.
    pub fn learn(&mut self, question: Question, answer: Answer) {
        self.answers.insert(question, answer);
    }

    /// What was wanted since this was asked last.
    pub fn take_wanted(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.wanted).into_iter().collect()
    }

    /// The answer, or nothing if it has to be asked for first.
    pub(super) fn ask(&mut self, name: &str, kind: Kind) -> Option<Answer> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let question = Question { name, kind };
        if let Some(answer) = self.answers.get(&question) {
            return Some(answer.clone());
        }
        self.wanted.insert(question);
        None
    }

    /// The texts of a name.
    ///
    /// # Errors
    ///
    /// Why they are not known.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, Why> {
        match self.ask(name, Kind::Txt) {
            Some(Answer::Texts(texts)) => Ok(texts),
            Some(Answer::Unknown(why)) => Err(why),
            _ => Ok(Vec::new()),
        }
    }

    /// The addresses of a name, of both kinds.
    ///
    /// # Errors
    ///
    /// Why they are not known.
    pub(super) fn addresses(&mut self, name: &str) -> Result<Vec<IpAddr>, Why> {
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        let both = [self.ask(name, Kind::A), self.ask(name, Kind::Aaaa)];
        let mut found = Vec::new();
        for answer in both.into_iter().flatten() {
            match answer {
                Answer::Addresses(addresses) => found.extend(addresses),
                Answer::Unknown(why) => return Err(why),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Whether every answer that was asked for is there.
    pub(super) fn is_complete(&self) -> bool {
        self.wanted.is_empty()
    }
}
