//! Who may send for a domain (SPF, RFC 7208).
use core::net::IpAddr;

use super::{
    Soundness, Why,
    known::{Answer, Kind, Known},
};
use crate::domain::one_line;

/// RFC 7208 section 4.6.4: terms that make a receiver ask the DNS.
const MOST_LOOKUPS: usize = 10;
/// RFC 7208 section 4.6.4: such terms that lead nowhere.
const MOST_VOID: usize = 2;
/// RFC 7208 section 4.6.4: hosts of one `mx` term.
const MOST_HOSTS: usize = 10;
/// Terms of one record that are read; 8,000 characters hold no more sensible ones.
const MOST_TERMS: usize = 500;
/// Characters of a term that are shown.
const MAX_SHOWN: usize = 80;

/// What was found out about SPF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpfFound {
    /// There is no record.
    Missing,
    /// There are several, of which receivers take none.
    Several(usize),
    /// A term cannot be understood, so that receivers take the whole record for an error.
    Malformed(String),
    /// More look-ups than receivers make.
    TooManyLookups,
    /// More look-ups that lead nowhere than receivers put up with.
    TooManyVoid(usize),
    /// An `include` or `redirect` leads to a domain that has no record, or two.
    IncludeMissing(String),
    /// `+all`: everybody may send.
    AllowsAll,
    /// No `all`, or `?all`: nothing is said about others.
    OpenEnd,
    /// No term allows the address at which we reach this relay; the domains that the record includes.
    RelayNotSeen {
        /// The relay's host.
        relay: String,
        /// What the record includes.
        includes: Vec<String>,
    },
    /// All is well.
    Fine {
        /// Look-ups that a receiver makes at most.
        lookups: usize,
    },
}

impl SpfFound {
    pub(super) const fn soundness(&self) -> Soundness {
        match self {
            Self::Fine { .. } => Soundness::Fine,
            Self::OpenEnd | Self::RelayNotSeen { .. } => Soundness::Warning,
            Self::Missing
            | Self::Several(_)
            | Self::Malformed(_)
            | Self::TooManyLookups
            | Self::TooManyVoid(_)
            | Self::IncludeMissing(_)
            | Self::AllowsAll => Soundness::Broken,
        }
    }
}

/// What stands before a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Qualifier {
    Pass,
    Fail,
    SoftFail,
    Neutral,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    All(Qualifier),
    Network(Qualifier, IpAddr, u8),
    /// `a`, with its name if it is not the domain's, and the lengths of both kinds of networks.
    Host(Qualifier, String, (u8, u8)),
    /// `mx`, the same.
    Exchange(Qualifier, String, (u8, u8)),
    Include(String),
    Redirect(String),
    /// `ptr` and `exists`, which are counted.
    Other,
    /// A modifier without meaning for us.
    Ignored,
}

/// The verdict on SPF of `domain`; each of `relays` is a host that mail leaves through.
pub(super) fn judge(domain: &str, relays: &[String], known: &mut Known) -> Result<SpfFound, Why> {
    let record = match record(domain, known)? {
        Ok(record) => record,
        Err(0) => return Ok(SpfFound::Missing),
        Err(count) => return Ok(SpfFound::Several(count)),
    };
    let mut walk = Walk::default();
    walk.domain(domain, &record, known)?;
    if let Some(fault) = walk.fault {
        return Ok(fault);
    }
    if walk.void > MOST_VOID {
        return Ok(SpfFound::TooManyVoid(walk.void));
    }
    match walk.end {
        Some(Qualifier::Fail | Qualifier::SoftFail) => {}
        Some(Qualifier::Pass) => return Ok(SpfFound::AllowsAll),
        Some(Qualifier::Neutral) | None => return Ok(SpfFound::OpenEnd),
    }
    for relay in relays {
        let addresses = known.addresses(relay)?;
        if !addresses.iter().any(|address| walk.allows(*address)) {
            return Ok(SpfFound::RelayNotSeen { relay: relay.clone(), includes: walk.includes });
        }
    }
    Ok(SpfFound::Fine { lookups: walk.lookups })
}

/// The one record of a domain, or how many there are.
fn record(domain: &str, known: &mut Known) -> Result<Result<String, usize>, Why> {
    let is_spf = |text: &String| {
        let head = text.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("v=spf1"));
        head && text[6..].chars().next().is_none_or(|c| c == ' ')
    };
    let mut records: Vec<_> = known.texts(domain)?.into_iter().filter(is_spf).collect();
    Ok(if records.len() == 1 { Ok(records.swap_remove(0)) } else { Err(records.len()) })
}

/// All that a record leads to.
#[derive(Default)]
struct Walk {
    lookups: usize,
    void: usize,
    /// What the record says at its end.
    end: Option<Qualifier>,
    allowed: Vec<(IpAddr, u8)>,
    includes: Vec<String>,
    fault: Option<SpfFound>,
}

impl Walk {
    /// Reads `record` of `domain` and everything that it includes. Whoever includes himself is stopped
    /// by the number of look-ups, as with receivers.
    fn domain(&mut self, domain: &str, record: &str, known: &mut Known) -> Result<(), Why> {
        let terms = match terms(domain, record) {
            Ok(terms) => terms,
            Err(bad) => {
                self.fault.get_or_insert(SpfFound::Malformed(one_line(&bad, MAX_SHOWN)));
                return Ok(());
            }
        };
        let mut end = None;
        for term in &terms {
            if !self.may_look_up(term) {
                return Ok(());
            }
            match term {
                Term::All(qualifier) => end = Some(*qualifier),
                Term::Network(Qualifier::Pass, address, length) => {
                    self.allowed.push((*address, *length));
                }
                Term::Host(qualifier, name, lengths) => {
                    self.hosts(*qualifier, std::slice::from_ref(name), *lengths, known)?;
                }
                Term::Exchange(qualifier, name, lengths) => {
                    self.exchanges(*qualifier, name, *lengths, known)?;
                }
                Term::Include(name) => {
                    self.includes.push(one_line(name, MAX_SHOWN));
                    self.follow(name, known)?;
                }
                Term::Redirect(name) => end = self.follow(name, known)?,
                Term::Network(..) | Term::Other | Term::Ignored => {}
            }
        }
        self.end = end;
        Ok(())
    }

    /// Counts a term, and says whether a receiver would go on.
    fn may_look_up(&mut self, term: &Term) -> bool {
        let asks = !matches!(term, Term::All(_) | Term::Network(..) | Term::Ignored);
        self.lookups += usize::from(asks);
        if self.lookups > MOST_LOOKUPS {
            self.fault.get_or_insert(SpfFound::TooManyLookups);
        }
        self.fault.is_none()
    }

    /// Reads the record of another domain. Returns what it says at its end.
    fn follow(&mut self, name: &str, known: &mut Known) -> Result<Option<Qualifier>, Why> {
        // A name with a macro depends on the mail (RFC 7208 section 7).
        if name.contains('%') {
            return Ok(Some(Qualifier::Neutral));
        }
        let found = record(name, known)?;
        if !known.is_complete() {
            return Ok(None);
        }
        if let Ok(record) = found {
            self.domain(name, &record, known)?;
        } else {
            let name = one_line(name, MAX_SHOWN);
            self.fault.get_or_insert(SpfFound::IncludeMissing(name));
        }
        Ok(self.end)
    }

    fn exchanges(
        &mut self,
        qualifier: Qualifier,
        name: &str,
        lengths: (u8, u8),
        known: &mut Known,
    ) -> Result<(), Why> {
        match known.ask(name, Kind::Mx) {
            Some(Answer::Hosts(hosts)) if hosts.len() > MOST_HOSTS => {
                self.fault.get_or_insert(SpfFound::TooManyLookups);
                Ok(())
            }
            Some(Answer::Hosts(hosts)) => self.hosts(qualifier, &hosts, lengths, known),
            Some(Answer::Unknown(why)) => Err(why),
            Some(_) => {
                self.void += 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn hosts(
        &mut self,
        qualifier: Qualifier,
        names: &[String],
        (v4, v6): (u8, u8),
        known: &mut Known,
    ) -> Result<(), Why> {
        for name in names.iter().filter(|name| !name.contains('%')) {
            let addresses = known.addresses(name)?;
            self.void += usize::from(addresses.is_empty() && known.is_complete());
            if qualifier == Qualifier::Pass {
                let length = |address: &IpAddr| if address.is_ipv4() { v4 } else { v6 };
                self.allowed.extend(addresses.iter().map(|address| (*address, length(address))));
            }
        }
        Ok(())
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|(network, length)| is_in(address, *network, *length))
    }
}

/// The terms of a record that count, a `redirect` at the end; or the one that cannot be understood.
fn terms(domain: &str, record: &str) -> Result<Vec<Term>, String> {
    let words = record.get(6..).unwrap_or_default().split(' ').filter(|word| !word.is_empty());
    let terms =
        words.take(MOST_TERMS).map(|word| term(domain, word).ok_or_else(|| word.to_owned()));
    let mut terms = terms.collect::<Result<Vec<_>, _>>()?;
    let is_redirect = |term: &Term| matches!(term, Term::Redirect(_));
    // RFC 7208 section 5.1: `all` ends the record, and no `redirect` is followed then.
    if let Some(end) = terms.iter().position(|term| matches!(term, Term::All(_))) {
        terms.truncate(end + 1);
        terms.retain(|term| !is_redirect(term));
    }
    terms.sort_by_key(is_redirect);
    Ok(terms)
}

fn term(domain: &str, word: &str) -> Option<Term> {
    let (qualifier, rest) = match word.as_bytes().first()? {
        b'+' => (Qualifier::Pass, &word[1..]),
        b'-' => (Qualifier::Fail, &word[1..]),
        b'~' => (Qualifier::SoftFail, &word[1..]),
        b'?' => (Qualifier::Neutral, &word[1..]),
        _ => (Qualifier::Pass, word),
    };
    let end = rest.find([':', '/', '=']).unwrap_or(rest.len());
    let (name, value) = (rest[..end].to_ascii_lowercase(), &rest[end..]);
    let needed = |value: &str| {
        let value = value.strip_prefix(':')?;
        (!value.is_empty()).then(|| value.to_owned())
    };
    Some(match name.as_str() {
        _ if value.starts_with('=') => match (name.as_str(), value.len() > 1) {
            ("redirect", true) => Term::Redirect(value[1..].to_owned()),
            ("redirect", false) => return None,
            _ => Term::Ignored,
        },
        "all" if value.is_empty() => Term::All(qualifier),
        "ip4" | "ip6" => {
            let (address, length) = network(&needed(value)?)?;
            if address.is_ipv4() != (name == "ip4") {
                return None;
            }
            Term::Network(qualifier, address, length)
        }
        "a" | "mx" => {
            let (host, lengths) = host(domain, value)?;
            if name == "a" {
                Term::Host(qualifier, host, lengths)
            } else {
                Term::Exchange(qualifier, host, lengths)
            }
        }
        "include" => Term::Include(needed(value)?),
        "exists" => needed(value).map(|_| Term::Other)?,
        "ptr" => Term::Other,
        _ => return None,
    })
}

/// `192.0.2.0/24`, or an address alone.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(most), |length| length.parse().ok())?;
    (length <= most).then_some((address, length))
}

/// `:name/24//64`, each part of which may be missing.
fn host(domain: &str, value: &str) -> Option<(String, (u8, u8))> {
    let (name, lengths) = value.split_at(value.find('/').unwrap_or(value.len()));
    let name = match name.strip_prefix(':') {
        Some("") => return None,
        Some(name) => name,
        None => domain,
    };
    let (v4, v6) = lengths.split_once("//").map_or((lengths, ""), |(v4, v6)| (v4, v6));
    let length = |text: &str, most: u8| match text.trim_start_matches('/') {
        "" => Some(most),
        digits => digits.parse().ok().filter(|length| *length <= most),
    };
    Some((name.to_owned(), (length(v4, 32)?, length(v6, 128)?)))
}

fn is_in(address: IpAddr, network: IpAddr, length: u8) -> bool {
    let bits = |address| match address {
        IpAddr::V4(address) => u128::from(core::net::Ipv4Addr::to_bits(address)) << 96,
        IpAddr::V6(address) => core::net::Ipv6Addr::to_bits(address),
    };
    let differ = bits(address) ^ bits(network);
    address.is_ipv4() == network.is_ipv4()
        && (length == 0 || differ >> (128 - u32::from(length)) == 0)
}
