//! Looks whether mail would arrive: the DNS, the relays, the public pages, the clock, the database.
use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;
use url::Url;

use super::chain;
use crate::{
    clock::Clock,
    config::{Config, Delivery, ReturnPath},
    domain::{
        Outcome, Relay, Security,
        doctor::{
            Answer, CertificateFound, Check, DatabaseFound, Finding, Identity, Known, PublicAnswer,
            RelayFound, Signer, State, TrackingFound, Why, is_this_machine, judge_certificate,
            judge_clock, judge_database, judge_health, judge_names, judge_offers, judge_one_click,
            last_instant,
        },
        one_line,
    },
    lookup::{Lookup, PageError, PageRequest},
    smtp::{self, ProbeError, Probed},
    store::Store,
};

/// How long each step of a talk with a relay may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often more may turn out to be wanted of the DNS: ten records that include one another, the
/// hosts that the last one names, and their addresses.
const MOST_ROUNDS: usize = 14;
/// Characters of an answer from outside that are shown.
const MAX_SHOWN: usize = 200;
/// What mail programs post (RFC 8058 section 3.1).
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// What is looked at.
pub struct Patient<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The database, or why it could not be opened.
    pub store: Result<Store, String>,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Whether that is the time of day, and not one that somebody made up.
    pub is_real_time: bool,
}

/// Looks at everything, side by side. Without `lookup` at what needs no network; the rest is found as
/// not checked.
///
/// `done` is called at the end of each part: the names, the relays, the pages, the database.
pub async fn examine<L: Lookup>(
    patient: &Patient<'_>,
    lookup: Option<&L>,
    done: &(dyn Fn() + Sync),
) -> Vec<Finding> {
    let told = |findings: Vec<Finding>| {
        done();
        findings
    };
    let (names, relays, (mut pages, page_clock), (database, server_clock)) = tokio::join!(
        async { told(names(patient.config, lookup).await) },
        async { told(relays(patient, lookup.is_some()).await) },
        async {
            let (findings, clock) = pages(patient, lookup).await;
            (told(findings), clock)
        },
        async {
            let (finding, clock) = database(patient).await;
            (told(vec![finding]), clock)
        },
    );
    let mut findings = names;
    findings.extend(relays);
    findings.append(&mut pages);
    let mut clocks: Vec<_> = [page_clock, server_clock].into_iter().flatten().collect();
    if clocks.is_empty() {
        let why = if !patient.is_real_time {
            Why::FixedTime
        } else if lookup.is_none() {
            Why::Offline
        } else {
            Why::NoOtherClock
        };
        clocks.push(Finding::unchecked(Check::Clock, "", why));
    }
    findings.extend(clocks);
    findings.extend(database);
    findings
}

fn identity(config: &Config) -> Identity {
    let from = config.sender.address.domain().to_owned();
    let return_path = match &config.sender.return_path {
        ReturnPath::Fixed(address) => address.domain().to_owned(),
        ReturnPath::PerMail(domain) => domain.clone(),
    };
    let reply_to = config.sender.reply_to.as_ref().map(|address| address.domain().to_owned());
    let receiving: BTreeSet<_> =
        [from.clone(), return_path.clone()].into_iter().chain(reply_to).collect();
    let relays = relays_of(config).iter().map(|relay| relay.host.clone()).collect();
    Identity {
        from,
        return_path,
        receiving,
        signer: config.dkim.as_ref().map(Signer::from),
        relays,
    }
}

fn relays_of(config: &Config) -> &[Relay] {
    match &config.delivery {
        Delivery::Relays(relays) => relays,
        Delivery::Folder(_) => &[],
    }
}

/// Asks until nothing is wanted any more; what is wanted at one time is asked side by side.
async fn names<L: Lookup>(config: &Config, lookup: Option<&L>) -> Vec<Finding> {
    let identity = identity(config);
    let mut known = Known::default();
    let mut findings = judge_names(&identity, &mut known);
    for _ in 0..MOST_ROUNDS {
        let wanted = known.take_wanted();
        if wanted.is_empty() {
            break;
        }
        let mut asking = JoinSet::new();
        for question in wanted {
            let lookup = lookup.cloned();
            asking.spawn(async move {
                let answer = match lookup {
                    Some(lookup) => lookup.ask(&question).await,
                    None => Answer::Unknown(Why::Offline),
                };
                (question, answer)
            });
        }
        while let Some(answered) = asking.join_next().await {
            if let Ok((question, answer)) = answered {
                known.learn(question, answer);
            }
        }
        findings = judge_names(&identity, &mut known);
    }
    findings
}

/// All relays, side by side and in the order of the configuration.
async fn relays(patient: &Patient<'_>, is_online: bool) -> Vec<Finding> {
    const CHECKS: [Check; 3] = [Check::Relay, Check::RelayCertificate, Check::RelayOffers];
    let relays = relays_of(patient.config);
    if relays.is_empty() {
        return vec![Finding::unchecked(Check::Relay, "", Why::NoRelay)];
    }
    let unchecked = |relay: &Relay| {
        CHECKS.map(|check| Finding::unchecked(check, relay.name.clone(), Why::Offline)).to_vec()
    };
    if !is_online {
        return relays.iter().flat_map(unchecked).collect();
    }
    let mut looking = JoinSet::new();
    for (place, relay) in relays.iter().cloned().enumerate() {
        looking.spawn(async move {
            let probed = smtp::probe(&relay, PATIENCE).await;
            (place, relay, probed)
        });
    }
    let mut seen = looking.join_all().await;
    seen.sort_by_key(|(place, ..)| *place);
    let now = patient.clock.now();
    seen.into_iter().flat_map(|(_, relay, probed)| findings_of(&relay, probed, now)).collect()
}

fn findings_of(
    relay: &Relay,
    probed: Result<Probed, ProbeError>,
    now: DateTime<Utc>,
) -> [Finding; 3] {
    let is_logged_in = relay.credentials.is_some();
    let (reached, rest) = match probed {
        Ok(probed) => {
            let banner = probed.banner.clone();
            (State::Relay(RelayFound::Ready { banner, is_logged_in }), Some(probed))
        }
        Err(ProbeError::Unreachable(cause)) => (State::NotChecked(Why::Unreachable(cause)), None),
        Err(ProbeError::Failed(outcome)) => (State::Relay(failure(outcome)), None),
    };
    let depends = || State::NotChecked(Why::Depends);
    let [certificate, offers] = match rest {
        None => [depends(), depends()],
        Some(probed) => {
            let last = probed.certificate.as_deref().and_then(last_instant);
            let certificate = match (relay.security, last) {
                (Security::Plain, _) if is_this_machine(&relay.host) => {
                    State::Certificate(CertificateFound::NoneHere)
                }
                (Security::Plain, _) => State::Certificate(CertificateFound::NoneElsewhere),
                (_, Some(last)) => State::Certificate(judge_certificate(last, now)),
                (_, None) => depends(),
            };
            [certificate, State::Offers(judge_offers(probed.offers, relay.pipelining))]
        }
    };
    let finding = |check, state| Finding::new(check, relay.name.clone(), state);
    [
        finding(Check::Relay, reached),
        finding(Check::RelayCertificate, certificate),
        finding(Check::RelayOffers, offers),
    ]
}

fn failure(outcome: Outcome) -> RelayFound {
    match outcome {
        Outcome::Rejected { phase, reply } => {
            RelayFound::Refused { phase, said: one_line(&reply.to_string(), MAX_SHOWN) }
        }
        Outcome::NotSent { phase, cause } => RelayFound::Failed { phase, cause },
        Outcome::Accepted { text: cause } | Outcome::InDoubt { cause } => {
            RelayFound::Failed { phase: crate::domain::Phase::Greeting, cause }
        }
    }
}

/// The public pages, and the clock of whoever serves them.
async fn pages<L: Lookup>(
    patient: &Patient<'_>,
    lookup: Option<&L>,
) -> (Vec<Finding>, Option<Finding>) {
    let base = &patient.config.tracking.base_url;
    let all = |tracking: State, why: Why| {
        let unchecked = |check| Finding::unchecked(check, base.clone(), why.clone());
        vec![
            Finding::new(Check::Tracking, base.clone(), tracking),
            unchecked(Check::TrackingCertificate),
            unchecked(Check::OneClick),
        ]
    };
    let host = Url::parse(base).ok().and_then(|url| url.host_str().map(ToOwned::to_owned));
    if host.is_some_and(|host| is_this_machine(&host)) {
        return (all(State::Tracking(TrackingFound::LocalOnly), Why::Depends), None);
    }
    let Some(lookup) = lookup else {
        return (all(State::NotChecked(Why::Offline), Why::Offline), None);
    };
    let health = PageRequest { url: format!("{base}/health"), form: None };
    let one_click = PageRequest { url: format!("{base}/u/doctor"), form: Some(ONE_CLICK) };
    let (health, one_click) = tokio::join!(
        async {
            let answer = lookup.page(&health).await;
            (answer, patient.clock.now())
        },
        lookup.page(&one_click)
    );
    match health {
        (Err(PageError::Unreachable(cause)), _) => {
            (all(State::NotChecked(Why::Unreachable(cause)), Why::Depends), None)
        }
        (Err(PageError::Failed(cause)), _) => {
            (all(State::Tracking(TrackingFound::Failed(cause)), Why::Depends), None)
        }
        (Ok(health), now) => {
            (answered(base, &health, one_click, now), clock(patient, &health, now))
        }
    }
}

fn answered(
    base: &str,
    health: &PublicAnswer,
    one_click: Result<PublicAnswer, PageError>,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let certificate = match health.last_instant {
        Some(last) => State::Certificate(judge_certificate(last, now)),
        None => State::NotChecked(Why::Depends),
    };
    let one_click = match one_click {
        Ok(answer) => State::OneClick(judge_one_click(&answer)),
        Err(error) => State::NotChecked(Why::Unreachable(error.to_string())),
    };
    vec![
        Finding::new(Check::Tracking, base, State::Tracking(judge_health(health))),
        Finding::new(Check::TrackingCertificate, base, certificate),
        Finding::new(Check::OneClick, base, one_click),
    ]
}

/// Our clock against that of the public pages, if it is real.
fn clock(patient: &Patient<'_>, health: &PublicAnswer, now: DateTime<Utc>) -> Option<Finding> {
    let theirs = health.date.filter(|_| patient.is_real_time)?;
    let base = &patient.config.tracking.base_url;
    let found = judge_clock(base.clone(), now, theirs);
    Some(Finding::new(Check::Clock, base, State::Clock(found)))
}

/// The database, and our clock against its server's.
async fn database(patient: &Patient<'_>) -> (Finding, Option<Finding>) {
    let store = match &patient.store {
        Ok(store) => store,
        Err(cause) => {
            let found = DatabaseFound::Unopened(one_line(cause, MAX_SHOWN));
            return (Finding::new(Check::Database, "", State::Database(found)), None);
        }
    };
    let found = match store.durability().await {
        Ok(durability) => State::Database(judge_database(&durability)),
        // It was opened, so that it is there.
        Err(error) => State::NotChecked(Why::Unreachable(one_line(&chain(&error), MAX_SHOWN))),
    };
    let theirs = store.server_time().await.ok().flatten().filter(|_| patient.is_real_time);
    let clock = theirs.map(|theirs| {
        let found = judge_clock(store.kind().to_owned(), patient.clock.now(), theirs);
        Finding::new(Check::Clock, store.kind(), State::Clock(found))
    });
    (Finding::new(Check::Database, store.kind(), found), clock)
}
