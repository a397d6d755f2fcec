//! Which findings keep mail from leaving.
use super::*;

fn broken(check: Check) -> Finding {
    let state = match check {
        Check::Spf => State::Spf(SpfFound::Missing),
        Check::Dkim => State::Dkim(DkimFound::OtherKey),
        Check::Dmarc => State::Dmarc(DmarcFound::Missing),
        Check::Alignment => State::Alignment(AlignmentFound::Neither),
        Check::Mx => State::Mx(MxFound::Missing),
        Check::Relay => {
            let phase = crate::domain::Phase::Greeting;
            State::Relay(RelayFound::Refused { phase, said: "554 not you".to_owned() })
        }
        Check::Tracking => State::Tracking(TrackingFound::NotOurs(502)),
        Check::OneClick => State::OneClick(OneClickFound::NotOurs(404)),
        Check::Clock => {
            let (ahead, against) = (chrono::TimeDelta::hours(1), "PostgreSQL".to_owned());
            State::Clock(ClockFound { against, ahead })
        }
        Check::Database => State::Database(DatabaseFound::Standby),
        Check::Hello
        | Check::RelayCertificate
        | Check::RelayOffers
        | Check::TrackingCertificate => {
            unreachable!("never broken")
        }
    };
    Finding::new(check, "x", state)
}

fn unchecked(check: Check) -> Finding {
    Finding::unchecked(check, "x", Why::Unreachable("silence".to_owned()))
}

const MUSTS: [Check; 8] = [
    Check::Spf,
    Check::Dkim,
    Check::Dmarc,
    Check::Alignment,
    Check::Mx,
    Check::Tracking,
    Check::OneClick,
    Check::Database,
];

#[test]
fn mail_waits_for_what_it_would_be_refused_or_could_not_be_unsubscribed_for() {
    let findings = MUSTS.map(broken);
    let checks: Vec<_> = broken_musts(&findings, &[]).iter().map(|must| must.check).collect();
    assert_eq!(checks, MUSTS);
}

#[test]
fn mail_does_not_wait_for_a_relay_which_others_replace_or_for_the_clock() {
    let findings = [Check::Relay, Check::Clock].map(broken);
    assert!(findings.iter().all(|finding| finding.soundness() == Soundness::Broken));
    assert_eq!(broken_musts(&findings, &[]), []);
}

#[test]
fn mail_does_not_wait_for_what_could_not_be_looked_at_or_is_only_to_be_warned_of() {
    assert_eq!(broken_musts(&MUSTS.map(unchecked), &[]), []);
    let warning = Finding::new(Check::Spf, "x", State::Spf(SpfFound::OpenEnd));
    assert_eq!(broken_musts(&[warning], &[]), []);
}

#[test]
fn what_was_broken_stays_so_until_somebody_sees_it_sound_or_it_is_asked_for_no_more() {
    let before = broken_musts(&[broken(Check::Spf)], &[]);
    assert_eq!(broken_musts(&[unchecked(Check::Spf), unchecked(Check::Dkim)], &before), before);
    let sound = Finding::new(Check::Spf, "x", State::Spf(SpfFound::OpenEnd));
    assert_eq!(broken_musts(&[sound], &before), []);
    let of_another_domain = Finding::unchecked(Check::Spf, "y", Why::Offline);
    assert_eq!(broken_musts(&[of_another_domain], &before), []);
}

#[test]
fn a_check_has_the_same_name_wherever_it_is_written() {
    for check in MUSTS.into_iter().chain([Check::RelayCertificate, Check::TrackingCertificate]) {
        assert_eq!(serde_json::to_value(check).unwrap(), check.as_str());
    }
}
