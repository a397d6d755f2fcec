//! The same for what is no name.
use chrono::{DateTime, Utc};

use super::*;
use crate::domain::Pipelining;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn certificates_and_clocks_are_judged_by_their_distance() {
    let now = at("2026-11-22T12:00:00Z");
    let soon = at("2026-12-06T11:59:59Z");
    assert_eq!(judge_certificate(soon, now), CertificateFound::EndsSoon(soon));
    let later = at("2026-12-06T12:00:00Z");
    assert_eq!(judge_certificate(later, now), CertificateFound::Fine(later));
    for (theirs, expected) in [
        ("2026-11-22T11:59:30Z", Soundness::Fine),
        ("2026-11-22T12:00:31Z", Soundness::Warning),
        ("2026-11-22T11:55:00Z", Soundness::Warning),
        ("2026-11-22T12:05:01Z", Soundness::Broken),
    ] {
        let found = judge_clock("x".to_owned(), now, at(theirs));
        assert_eq!(found.soundness(), expected, "{theirs}");
    }
}

#[test]
fn a_database_that_may_forget_is_found() {
    let file = |disk, journal_mode: &str, synchronous| {
        let journal_mode = journal_mode.to_owned();
        judge_database(&Durability::File { disk, journal_mode, synchronous })
    };
    let server = |commit: &str, fsync: &str, pages: &str, is_standby| {
        let [synchronous_commit, fsync, full_page_writes] =
            [commit, fsync, pages].map(str::to_owned);
        judge_database(&Durability::Server {
            synchronous_commit,
            fsync,
            full_page_writes,
            is_standby,
        })
    };
    let loose = |setting, value: &str, wanted| DatabaseFound::Loose {
        setting,
        value: value.to_owned(),
        wanted,
    };
    for (found, expected) in [
        (file(Disk::Local, "wal", 2), DatabaseFound::FineFile { is_disk_known: true }),
        (file(Disk::Unknown, "wal", 3), DatabaseFound::FineFile { is_disk_known: false }),
        (file(Disk::Remote("NFS"), "wal", 2), DatabaseFound::RemoteDisk("NFS")),
        (file(Disk::Memory, "memory", 2), DatabaseFound::InMemory),
        (file(Disk::Local, "wal", 1), loose("synchronous", "1", "2")),
        (file(Disk::Local, "delete", 2), loose("journal_mode", "delete", "wal")),
        (server("on", "on", "on", false), DatabaseFound::FineServer),
        (server("remote_apply", "on", "on", false), DatabaseFound::FineServer),
        (server("off", "on", "on", false), loose("synchronous_commit", "off", "on")),
        (server("on", "off", "on", false), loose("fsync", "off", "on")),
        (server("on", "on", "off", false), loose("full_page_writes", "off", "on")),
        (server("on", "on", "on", true), DatabaseFound::Standby),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn pipelining_that_is_not_offered_is_warned_of_and_one_that_is_could_be_used() {
    let offers = |pipelining| RelayOffers { pipelining, ..RelayOffers::default() };
    for (offered, configured, expected) in [
        (true, Pipelining::Off, Advice::CouldPipeline),
        (true, Pipelining::Deep, Advice::None),
        (false, Pipelining::Rfc2920, Advice::CannotPipeline),
        (false, Pipelining::Off, Advice::None),
    ] {
        assert_eq!(judge_offers(offers(offered), configured).advice, expected);
    }
}

#[test]
fn only_our_own_pages_are_fine() {
    let answer = |status, text: &str, location: Option<&str>| PublicAnswer {
        status,
        location: location.map(str::to_owned),
        date: None,
        text: text.to_owned(),
        last_instant: None,
    };
    assert_eq!(judge_health(&answer(200, "ok", None)), TrackingFound::Fine);
    assert_eq!(judge_health(&answer(200, "<html>", None)), TrackingFound::NotOurs(200));
    assert_eq!(judge_health(&answer(502, "ok", None)), TrackingFound::NotOurs(502));
    assert_eq!(judge_one_click(&answer(410, "", None)), OneClickFound::Fine);
    assert_eq!(judge_one_click(&answer(405, "", None)), OneClickFound::NotOurs(405));
    let redirect = judge_one_click(&answer(301, "", Some("/login")));
    assert_eq!(redirect, OneClickFound::Redirects("/login".to_owned()));
}
