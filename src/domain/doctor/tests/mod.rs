//! A matrix of what may be published, each state with its verdict.
mod must;
mod places;

use core::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;

/// A DNS that has learned these answers by heart, and knows nothing else.
#[derive(Clone, Default)]
struct Zone(Vec<(Question, Answer)>);

impl Zone {
    fn with(mut self, name: &str, kind: Kind, answer: Answer) -> Self {
        self.0.retain(|(known, _)| known.name != name || known.kind != kind);
        self.0.push((Question { name: name.to_owned(), kind }, answer));
        self
    }

    fn texts(self, name: &str, texts: &[&str]) -> Self {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.with(name, Kind::Txt, Answer::Texts(texts))
    }

    fn mx(self, name: &str, hosts: &[&str]) -> Self {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        self.with(name, Kind::Mx, Answer::Hosts(hosts))
    }

    fn address(self, name: &str, address: &str) -> Self {
        let address: IpAddr = address.parse().unwrap();
        let kind = if address.is_ipv4() { Kind::A } else { Kind::Aaaa };
        self.with(name, kind, Answer::Addresses(vec![address]))
    }

    fn answer(&self, question: &Question) -> Answer {
        let found = self.0.iter().find(|(known, _)| known == question);
        found.map_or(Answer::Nothing, |(_, answer)| answer.clone())
    }

    /// The findings, and in how many rounds and with how many questions they were found.
    fn judged(&self, identity: &Identity) -> (Vec<Finding>, usize, usize) {
        let (mut known, mut questions) = (Known::default(), 0);
        for round in 1..=14 {
            let findings = judge_names(identity, &mut known);
            let wanted = known.take_wanted();
            questions += wanted.len();
            if wanted.is_empty() {
                return (findings, round, questions);
            }
            for question in wanted {
                let answer = self.answer(&question);
                known.learn(question, answer);
            }
        }
        panic!("there is no end to the questions");
    }

    fn state(&self, identity: &Identity, check: Check) -> (State, Soundness) {
        let (findings, ..) = self.judged(identity);
        let finding = findings.into_iter().find(|finding| finding.check == check).unwrap();
        let soundness = finding.soundness();
        (finding.state, soundness)
    }
}

const KEY: [u8; 32] = [7; 32];

fn published() -> String {
    format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(KEY))
}

fn identity() -> Identity {
    let key = SignerKey { selector: "s1".to_owned(), kind: "ed25519", public: KEY.to_vec() };
    Identity {
        from: "example.com".to_owned(),
        return_path: "bounce.example.com".to_owned(),
        receiving: ["bounce.example.com".to_owned(), "example.com".to_owned()].into(),
        signer: Some(Signer { domain: "example.com".to_owned(), keys: vec![key] }),
        relays: vec!["smtp.relay.example".to_owned()],
    }
}

/// Everything is in place.
fn sound() -> Zone {
    Zone::default()
        .texts("bounce.example.com", &["hello", "v=spf1 include:spf.relay.example ~all"])
        .texts("spf.relay.example", &["v=spf1 ip4:192.0.2.0/24 -all"])
        .texts("s1._domainkey.example.com", &[&published()])
        .texts("_dmarc.example.com", &["v=DMARC1; p=quarantine; rua=mailto:dmarc@example.com"])
        .mx("example.com", &["mx.example.com"])
        .mx("bounce.example.com", &["mx.example.com"])
        .address("smtp.relay.example", "192.0.2.7")
}

#[test]
fn where_everything_is_in_place_nothing_is_to_be_done() {
    let (findings, rounds, questions) = sound().judged(&identity());
    let states: Vec<_> = findings.iter().map(|finding| finding.state.clone()).collect();
    let mx = || State::Mx(MxFound::Fine(vec!["mx.example.com".to_owned()]));
    let expected = [
        State::Spf(SpfFound::Fine { lookups: 1 }),
        State::Dkim(DkimFound::Fine),
        State::Dmarc(DmarcFound::Fine("quarantine".to_owned())),
        State::Alignment(AlignmentFound::Both),
        mx(),
        mx(),
        State::NotChecked(Why::RelayDelivers),
    ];
    assert_eq!(states, expected);
    assert_eq!((rounds, questions), (3, 8));
}

#[test]
fn every_state_of_spf_has_its_verdict() {
    use Soundness::{Broken, Fine, Warning};
    use SpfFound as S;
    let malformed = |term: &str| S::Malformed(term.to_owned());
    let unseen = |includes: &[&str]| S::RelayNotSeen {
        relay: "smtp.relay.example".to_owned(),
        includes: includes.iter().map(|name| (*name).to_owned()).collect(),
    };
    let eleven = "v=spf1 ".to_owned() + &"exists:x.example ".repeat(11) + "-all";
    for (record, expected, soundness) in [
        ("v=spf1 ip4:192.0.2.7 -all", S::Fine { lookups: 0 }, Fine),
        ("V=SPF1 IP4:192.0.2.7 -ALL", S::Fine { lookups: 0 }, Fine),
        ("v=spf1 redirect=spf.relay.example", S::Fine { lookups: 1 }, Fine),
        ("v=spf1 a:smtp.relay.example/28 ~all", S::Fine { lookups: 1 }, Fine),
        ("v=spf1 mx:relay.example ~all", S::Fine { lookups: 1 }, Fine),
        ("v=spf1 ip4:192.0.2.7 -all redirect=nowhere.example", S::Fine { lookups: 0 }, Fine),
        ("v=spf1 -ip4:192.0.2.7 ~all", unseen(&[]), Warning),
        ("v=spf1 include:other.example -all", unseen(&["other.example"]), Warning),
        ("v=spf1 ip4:192.0.2.7", S::OpenEnd, Warning),
        ("v=spf1 ip4:192.0.2.7 ?all", S::OpenEnd, Warning),
        ("v=spf1 all", S::AllowsAll, Broken),
        ("v=spf10 -all", S::Missing, Broken),
        ("v=spf1 ip4:192.0.2 -all", malformed("ip4:192.0.2"), Broken),
        ("v=spf1 ip4:192.0.2.0/33 -all", malformed("ip4:192.0.2.0/33"), Broken),
        ("v=spf1 ipv4:192.0.2.7 -all", malformed("ipv4:192.0.2.7"), Broken),
        ("v=spf1 include: -all", malformed("include:"), Broken),
        ("v=spf1 \u{202e}a -all", malformed("a"), Broken),
        (
            "v=spf1 include:nowhere.example -all",
            S::IncludeMissing("nowhere.example".into()),
            Broken,
        ),
        ("v=spf1 include:loop.example -all", S::TooManyLookups, Broken),
        ("v=spf1 a:x.example a:y.example mx:z.example -all", S::TooManyVoid(3), Broken),
        (&eleven, S::TooManyLookups, Broken),
    ] {
        let zone = sound()
            .texts("bounce.example.com", &[record])
            .texts("other.example", &["v=spf1 ip4:198.51.100.0/24 -all"])
            .texts("loop.example", &["v=spf1 include:loop.example -all"])
            .mx("relay.example", &["smtp.relay.example"]);
        let found = zone.state(&identity(), Check::Spf);
        assert_eq!(found, (State::Spf(expected), soundness), "{record}");
    }
    let none = Zone::default().state(&identity(), Check::Spf).0;
    assert_eq!(none, State::Spf(S::Missing));
    let two = sound().texts("bounce.example.com", &["v=spf1 -all", "v=spf1 ~all"]);
    assert_eq!(two.state(&identity(), Check::Spf).0, State::Spf(S::Several(2)));
}

#[test]
fn every_state_of_a_published_key_has_its_verdict() {
    use DkimFound as D;
    use Soundness::{Broken, Fine, Warning};
    let key = STANDARD.encode(KEY);
    let malformed = |part: &str| D::Malformed(part.to_owned());
    for (record, expected, soundness) in [
        (published(), D::Fine, Fine),
        (format!("k=ed25519;p= {} {} ;", &key[..9], &key[9..]), D::Fine, Fine),
        (format!("v=DKIM1; k=ed25519; h=sha1:sha256; s=email; t=s; p={key}"), D::Fine, Fine),
        (format!("v=DKIM1; k=ed25519; t=s:y; p={key}"), D::Testing, Warning),
        (format!("v=DKIM1; p={key}"), D::OtherKind("rsa".to_owned()), Broken),
        ("v=DKIM1; k=ed25519; p=".to_owned(), D::Revoked, Broken),
        ("v=DKIM1; k=ed25519; p=AAAA".to_owned(), D::OtherKey, Broken),
        ("v=DKIM1; k=ed25519; p=!".to_owned(), malformed("p"), Broken),
        ("v=DKIM1; k=ed25519".to_owned(), malformed("p"), Broken),
        (format!("v=DKIM2; k=ed25519; p={key}"), malformed("v"), Broken),
        ("nothing\u{202e} of use".to_owned(), malformed("nothing of use"), Broken),
        (format!("v=DKIM1; k=ed25519; h=sha1; p={key}"), D::Forbids("h".to_owned()), Broken),
        (format!("v=DKIM1; k=ed25519; s=tlsrpt; p={key}"), D::Forbids("s".to_owned()), Broken),
    ] {
        let zone = sound().texts("s1._domainkey.example.com", &[&record]);
        let found = zone.state(&identity(), Check::Dkim);
        assert_eq!(found, (State::Dkim(expected), soundness), "{record}");
    }
    let two = sound().texts("s1._domainkey.example.com", &["p=", "p="]);
    assert_eq!(two.state(&identity(), Check::Dkim).0, State::Dkim(D::Several(2)));
    let none = Zone::default().state(&identity(), Check::Dkim).0;
    assert_eq!(none, State::Dkim(D::Missing));
}

#[test]
fn an_rsa_key_is_known_with_its_kind_before_it_and_without() {
    let pem = include_str!("../../../../tests/data/dkim/rsa.pem");
    let rsa = crate::domain::DkimKey {
        selector: "s1".to_owned(),
        pair: crate::domain::rsa_key(pem).unwrap(),
    };
    let dkim = crate::domain::Dkim { domain: "example.com".to_owned(), rsa, ed25519: None };
    let identity = Identity { signer: Some(Signer::from(&dkim)), ..identity() };
    let bare = identity.signer.as_ref().unwrap().keys[0].public.clone();
    // RFC 8017 appendix A.1 in the wrapping of RFC 5280 section 4.1, for 2048 bits.
    let head = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A";
    let wrapped = [STANDARD.decode(head).unwrap(), bare.clone()].concat();
    for (key, expected) in [(bare, DkimFound::Fine), (wrapped, DkimFound::Fine)] {
        let record = format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(key));
        let zone = sound().texts("s1._domainkey.example.com", &[&record]);
        assert_eq!(zone.state(&identity, Check::Dkim).0, State::Dkim(expected));
    }
}

#[test]
fn every_state_of_the_policy_has_its_verdict() {
    use DmarcFound as D;
    use Soundness::{Broken, Fine, Warning};
    let of = |name: &str, records: &[&str]| {
        let from = "news.example.com".to_owned();
        let zone = sound().with("_dmarc.example.com", Kind::Txt, Answer::Nothing);
        zone.texts(name, records).state(&Identity { from, ..identity() }, Check::Dmarc)
    };
    let rua = "rua=mailto:a@example.com";
    for (record, expected, soundness) in [
        (format!("v=DMARC1; p=reject; {rua}"), D::Fine("reject".to_owned()), Fine),
        (format!("v=DMARC1;p=Quarantine;{rua}"), D::Fine("quarantine".to_owned()), Fine),
        (format!("v=DMARC1; p=none; {rua}"), D::OnlyLooks, Warning),
        ("v=DMARC1; p=reject".to_owned(), D::NoReports, Warning),
        ("v=DMARC1; p=maybe".to_owned(), D::Malformed("p".to_owned()), Broken),
        ("v=DMARC1; nonsense".to_owned(), D::Malformed("v=DMARC1; nonsense".to_owned()), Broken),
        ("v=spf1 -all".to_owned(), D::Missing, Broken),
    ] {
        let found = of("_dmarc.news.example.com", &[&record]);
        assert_eq!(found, (State::Dmarc(expected), soundness), "{record}");
    }
    let two = of("_dmarc.news.example.com", &["v=DMARC1; p=none", "v=DMARC1; p=reject"]);
    assert_eq!(two.0, State::Dmarc(D::Several(2)));
    let above = format!("v=DMARC1; p=reject; sp=none; {rua}");
    assert_eq!(of("_dmarc.example.com", &[&above]).0, State::Dmarc(D::OnlyLooks));
}

#[test]
fn proofs_count_as_far_as_the_policy_takes_them_for_the_senders() {
    use AlignmentFound as A;
    let policy = |text: &str| sound().texts("_dmarc.example.com", &[text]);
    let elsewhere = Identity { return_path: "relay.example".to_owned(), ..identity() };
    let strict = policy("v=DMARC1; p=none; aspf=s");
    assert_eq!(strict.state(&identity(), Check::Alignment).0, State::Alignment(A::DkimOnly));
    assert_eq!(sound().state(&elsewhere, Check::Alignment).0, State::Alignment(A::DkimOnly));
    let unsigned = |identity| Identity { signer: None, ..identity };
    let by_relay = State::Alignment(A::SpfAndRelay("example.com".to_owned()));
    assert_eq!(sound().state(&unsigned(identity()), Check::Alignment).0, by_relay);
    let alone = State::Alignment(A::RelayOnly("example.com".to_owned()));
    assert_eq!(sound().state(&unsigned(elsewhere.clone()), Check::Alignment).0, alone);
    let below = |identity| Identity { from: "news.example.com".to_owned(), ..identity };
    let strict = policy("v=DMARC1; p=none; adkim=s");
    let spf_only = (State::Alignment(A::SpfOnly), Soundness::Warning);
    assert_eq!(strict.state(&below(identity()), Check::Alignment), spf_only);
    let neither = (State::Alignment(A::Neither), Soundness::Broken);
    assert_eq!(strict.state(&below(elsewhere), Check::Alignment), neither);
}

#[test]
fn a_domain_that_cannot_receive_is_told_from_one_that_can() {
    let of = |zone: Zone| zone.state(&identity(), Check::Mx);
    let bounce = "bounce.example.com";
    let none = sound().with(bounce, Kind::Mx, Answer::Nothing);
    assert_eq!(of(none.clone()), (State::Mx(MxFound::Missing), Soundness::Broken));
    assert_eq!(of(sound().mx(bounce, &[""])), (State::Mx(MxFound::Refuses), Soundness::Broken));
    let address = none.address(bounce, "2001:db8::1");
    assert_eq!(of(address), (State::Mx(MxFound::AddressOnly), Soundness::Warning));
}

#[test]
fn what_the_dns_does_not_answer_is_not_judged() {
    let why = Why::Unanswered { name: "x".to_owned(), cause: "no answer".to_owned() };
    for (name, kind, check) in [
        ("bounce.example.com", Kind::Txt, Check::Spf),
        ("spf.relay.example", Kind::Txt, Check::Spf),
        ("smtp.relay.example", Kind::Aaaa, Check::Spf),
        ("s1._domainkey.example.com", Kind::Txt, Check::Dkim),
        ("_dmarc.example.com", Kind::Txt, Check::Dmarc),
        ("bounce.example.com", Kind::Mx, Check::Mx),
    ] {
        let zone = sound().with(name, kind, Answer::Unknown(why.clone()));
        let found = zone.state(&identity(), check);
        assert_eq!(found, (State::NotChecked(why.clone()), Soundness::NotChecked), "{name}");
    }
}

#[test]
fn records_that_want_to_keep_us_busy_do_not() {
    let wide = |name: &str| {
        let names = (0..1000).map(|i| format!("include:{i}.{name} "));
        format!("v=spf1 {}-all", names.collect::<String>())
    };
    let mut zone = sound().texts("bounce.example.com", &[&wide("a.example")]);
    for i in 0..10 {
        zone = zone.texts(&format!("{i}.a.example"), &[&wide("b.example")]);
    }
    let hosts: Vec<_> = (0..100).map(|i| format!("{i}.example")).collect();
    let hosts: Vec<_> = hosts.iter().map(String::as_str).collect();
    let many_hosts =
        sound().texts("bounce.example.com", &["v=spf1 mx -all"]).mx("bounce.example.com", &hosts);
    let long = "v=spf1 ".to_owned() + &"\u{202e}x".repeat(4_000);
    for zone in [zone, many_hosts, sound().texts("bounce.example.com", &[&long])] {
        let (findings, _, questions) = zone.judged(&identity());
        assert_eq!(findings[0].soundness(), Soundness::Broken);
        assert!(questions < 40, "{questions}");
        if let State::Spf(SpfFound::Malformed(term)) = &findings[0].state {
            assert!(term.chars().all(|c| c == 'x') && term.len() <= 80, "{term}");
        }
    }
}
