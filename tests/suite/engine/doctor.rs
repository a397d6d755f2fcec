//! What `doctor` finds, by a world that has learned its answers by heart.
use std::path::Path;

use chrono::TimeDelta;
use perennial::{
    clock::{Clock, ManualClock},
    config::{Config, Files, new_secret_key},
    domain::doctor::{
        Answer, CertificateFound, Check, ClockFound, Finding, OneClickFound, PublicAnswer,
        Question, Soundness, State, TrackingFound, Why,
    },
    engine::{Patient, examine},
    lookup::{Lookup, PageError, PageRequest},
};

use crate::support::{at, database::Database, on_both_databases};

on_both_databases!(
    the_pages_and_their_clock_are_judged_by_what_they_answer,
    a_world_that_does_not_answer_is_not_judged,
);

const NOW: &str = "2026-11-22T12:00:00Z";

/// Answers nothing about names, and this about pages.
#[derive(Clone)]
struct Learned(Result<PublicAnswer, PageError>);

impl Lookup for Learned {
    async fn ask(&self, question: &Question) -> Answer {
        let (name, cause) = (question.name.clone(), "silence".to_owned());
        Answer::Unknown(Why::Unanswered { name, cause })
    }

    async fn page(&self, request: &PageRequest) -> Result<PublicAnswer, PageError> {
        let gone = request.form.map(|form| {
            assert_eq!(form, "List-Unsubscribe=One-Click");
            410
        });
        let answer = self.0.clone()?;
        Ok(PublicAnswer { status: gone.unwrap_or(answer.status), ..answer })
    }
}

fn config() -> Config {
    let settings = Files::embedded();
    let (_, text) = settings.iter().find(|(path, _)| *path == "perennial.toml").unwrap();
    let text = text
        .replace("http://localhost:8025", "https://mail.example.com")
        .replace("file:secret.key", "env:KEY");
    let files = Files::embedded().with("perennial.toml", &text);
    let key = |name: &str| (name == "KEY").then(|| new_secret_key([7; 32]));
    Config::parse(&files, Path::new("."), &key).unwrap_or_else(|error| panic!("{error}"))
}

async fn found(db: &Database, world: &Learned, is_real_time: bool) -> Vec<Finding> {
    let (config, clock) = (config(), ManualClock::starting_at(at(NOW)));
    let clock: &dyn Clock = &clock;
    let store = Ok(db.store.clone());
    let patient = Patient { config: &config, store, clock, is_real_time };
    examine(&patient, Some(world), &|| ()).await
}

fn of(findings: &[Finding], check: Check) -> &Finding {
    findings.iter().find(|finding| finding.check == check).unwrap()
}

async fn the_pages_and_their_clock_are_judged_by_what_they_answer(db: &Database) {
    let last = at("2026-12-01T00:00:00Z");
    let world = Learned(Ok(PublicAnswer {
        status: 200,
        location: None,
        date: Some(at("2026-11-22T12:01:00Z")),
        text: "ok".to_owned(),
        last_instant: Some(last),
    }));
    let findings = found(db, &world, true).await;
    let against = "https://mail.example.com".to_owned();
    let behind = State::Clock(ClockFound { against, ahead: TimeDelta::minutes(-1) });
    for (check, expected) in [
        (Check::Tracking, State::Tracking(TrackingFound::Fine)),
        (Check::TrackingCertificate, State::Certificate(CertificateFound::EndsSoon(last))),
        (Check::OneClick, State::OneClick(OneClickFound::Fine)),
        (Check::Clock, behind),
    ] {
        assert_eq!(of(&findings, check).state, expected);
    }
    let made_up = found(db, &world, false).await;
    assert_eq!(of(&made_up, Check::Clock).state, State::NotChecked(Why::FixedTime));
}

async fn a_world_that_does_not_answer_is_not_judged(db: &Database) {
    let silence = PageError::Unreachable("silence".to_owned());
    let findings = found(db, &Learned(Err(silence)), false).await;
    for check in [Check::Spf, Check::Dmarc, Check::Mx, Check::Tracking, Check::OneClick] {
        assert_eq!(of(&findings, check).soundness(), Soundness::NotChecked, "{check:?}");
    }
    // The tests' own server keeps nothing, so that they are fast.
    assert_ne!(of(&findings, Check::Database).soundness(), Soundness::NotChecked);
}
