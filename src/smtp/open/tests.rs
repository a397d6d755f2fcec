use std::time::{Duration, Instant as Began};

use super::*;
use crate::{
    domain::Secret,
    smtp::{
        Parcel,
        testing::{Act, Event, Identity, MESSAGE, Server, good, marked, say, to},
    },
};

const PASSWORD: &str = "correct horse";
/// `\0ada\0correct horse` in base64.
const PLAIN: &str = "AGFkYQBjb3JyZWN0IGhvcnNl";

fn credentials() -> Credentials {
    let password = Secret::new(PASSWORD.to_owned());
    Credentials { user: "ada".to_owned(), password }
}

/// A relay that offers what `good` does, and these.
fn offering(more: &'static str) -> impl Fn(Event<'_>) -> Act + Send + Sync + 'static {
    move |event| match event.verb {
        "EHLO" => Act::Say(format!("250-relay.example.org\r\n250 {more}")),
        _ => good(event),
    }
}

async fn failure(server: &Server) -> Outcome {
    Connection::open(&server.relay()).await.unwrap_err()
}

fn phase_of(outcome: &Outcome) -> Phase {
    match outcome {
        Outcome::NotSent { phase, .. } | Outcome::Rejected { phase, .. } => *phase,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_relay_that_is_not_there_is_a_failure_to_connect() {
    let server = Server::start(good).await;
    let mut relay = server.relay();
    relay.port = 1;
    let outcome = Connection::open(&relay).await.unwrap_err();
    assert_eq!(phase_of(&outcome), Phase::Connect);
}

#[tokio::test]
async fn a_relay_whose_name_is_nobodys_is_a_failure_to_connect() {
    let server = Server::start(good).await;
    let host = "relay.invalid".to_owned();
    let relay = Relay { host, ..server.relay_with_patience(Duration::from_secs(3)) };
    assert_eq!(phase_of(&Connection::open(&relay).await.unwrap_err()), Phase::Connect);
}

#[tokio::test]
async fn a_banner_or_ehlo_that_refuses_is_a_rejection() {
    for verb in ["CONNECT", "EHLO"] {
        let script = move |event: Event<'_>| {
            if event.verb == verb { say("554 5.7.1 not you") } else { good(event) }
        };
        let outcome = failure(&Server::start(script).await).await;
        let Outcome::Rejected { phase: Phase::Greeting, reply } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!((reply.code, reply.text.as_str()), (554, "not you"));
    }
}

#[tokio::test]
async fn a_relay_that_has_no_time_or_makes_no_sense_at_the_door_is_left() {
    for (banner, code) in [("421 4.3.2 later", Some(421)), ("250 hello", None), ("hello", None)] {
        let script = move |event: Event<'_>| {
            if event.verb == "CONNECT" { say(banner) } else { good(event) }
        };
        match failure(&Server::start(script).await).await {
            Outcome::Rejected { phase: Phase::Greeting, reply } => {
                assert_eq!(Some(reply.code), code);
            }
            Outcome::NotSent { phase: Phase::Greeting, .. } => assert_eq!(code, None),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_silent_relay_is_given_up_in_time() {
    for act in [Act::Hang, Act::Raw("220 hello\n".to_owned())] {
        let server = Server::start(move |_| act.clone()).await;
        let began = Began::now();
        let relay = server.relay_with_patience(Duration::from_millis(300));
        let outcome = Connection::open(&relay).await.unwrap_err();
        assert_eq!(phase_of(&outcome), Phase::Greeting);
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_banner_may_have_many_lines_and_not_a_megabyte() {
    let script = |event: Event<'_>| match event.verb {
        "CONNECT" => say("220-one\r\n220-two\r\n220 three"),
        _ => good(event),
    };
    Connection::open(&Server::start(script).await.relay()).await.unwrap();
    let server = Server::start(|_| Act::Raw("2".repeat(1_000_000))).await;
    assert_eq!(phase_of(&failure(&server).await), Phase::Greeting);
}

#[tokio::test]
async fn nothing_is_said_in_the_clear_if_starttls_is_not_offered() {
    let server = Server::start(offering("AUTH PLAIN")).await;
    let relay =
        Relay { security: Security::StartTls, credentials: Some(credentials()), ..server.relay() };
    let outcome = Connection::open(&relay).await.unwrap_err();
    let cause = "the relay does not offer STARTTLS".to_owned();
    assert_eq!(outcome, Outcome::NotSent { phase: Phase::Tls, cause });
    let seen = server.seen();
    assert_eq!((seen.count("AUTH"), seen.count("MAIL"), seen.count("STARTTLS")), (0, 0, 0));
}

#[tokio::test]
async fn a_refused_starttls_and_words_before_the_handshake_are_failures_of_tls() {
    let identity = Identity::of("127.0.0.1");
    for answer in ["454 4.7.0 not now", "220 go\r\n250 AUTH PLAIN"] {
        let script = move |event: Event<'_>| match event.verb {
            "STARTTLS" => say(answer),
            _ => offering("STARTTLS")(event),
        };
        let server = Server::with_starttls(&identity, script).await;
        let relay = Relay {
            security: Security::StartTls,
            extra_authority_pem: Some(identity.pem.clone()),
            ..server.relay()
        };
        let outcome = Connection::open(&relay).await.unwrap_err();
        assert_eq!(phase_of(&outcome), Phase::Tls, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_certificate_must_be_vouched_for_and_carry_the_name() {
    let (right, wrong) = (Identity::of("127.0.0.1"), Identity::of("relay.example.org"));
    for (identity, trusted, opens) in
        [(&right, Some(&right), true), (&right, None, false), (&wrong, Some(&wrong), false)]
    {
        for security in [Security::StartTls, Security::ImplicitTls] {
            let server = match security {
                Security::StartTls => Server::with_starttls(identity, offering("STARTTLS")).await,
                _ => Server::with_tls(identity, good).await,
            };
            let extra_authority_pem = trusted.map(|identity| identity.pem.clone());
            let relay = Relay { security, extra_authority_pem, ..server.relay() };
            match Connection::open(&relay).await {
                Ok(_) => assert!(opens, "{security:?}"),
                Err(outcome) => {
                    assert_eq!((phase_of(&outcome), opens), (Phase::Tls, false), "{outcome:?}");
                    assert_eq!(server.seen().count("AUTH"), 0);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_whose_time_is_over_is_not_believed() {
    let identity = Identity::expired("127.0.0.1");
    let server = Server::with_tls(&identity, good).await;
    let relay = Relay {
        security: Security::ImplicitTls,
        extra_authority_pem: Some(identity.pem.clone()),
        credentials: Some(credentials()),
        ..server.relay()
    };
    let outcome = Connection::open(&relay).await.unwrap_err();
    assert_eq!(phase_of(&outcome), Phase::Tls, "{outcome:?}");
    assert_eq!(server.seen().count("AUTH"), 0);
}

#[tokio::test]
async fn a_relay_that_hangs_up_in_the_handshake_is_a_failure_of_tls() {
    let script = |event: Event<'_>| match event.verb {
        "STARTTLS" => Act::SayAndDrop("220 go ahead".to_owned()),
        _ => offering("STARTTLS")(event),
    };
    let server = Server::start(script).await;
    let relay = Relay { security: Security::StartTls, ..server.relay() };
    let outcome = Connection::open(&relay).await.unwrap_err();
    assert_eq!(phase_of(&outcome), Phase::Tls, "{outcome:?}");
}

#[tokio::test]
async fn an_extra_authority_that_is_no_certificate_is_refused() {
    let server = Server::with_tls(&Identity::of("127.0.0.1"), good).await;
    for pem in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let extra_authority_pem = Some(pem.to_owned());
        let security = Security::ImplicitTls;
        let relay = Relay { security, extra_authority_pem, ..server.relay() };
        assert_eq!(phase_of(&Connection::open(&relay).await.unwrap_err()), Phase::Tls, "{pem}");
    }
}

#[tokio::test]
async fn messages_and_credentials_go_through_tls() {
    let identity = Identity::of("127.0.0.1");
    for mechanism in ["PLAIN", "LOGIN"] {
        let script = move |event: Event<'_>| match event.verb {
            "EHLO" => Act::Say(format!("250-relay\r\n250-STARTTLS\r\n250 AUTH {mechanism}")),
            "AUTH" if mechanism == "LOGIN" => say("334 VXNlcm5hbWU6"),
            "YWRH" => say("334 UGFzc3dvcmQ6"),
            "Y29YCMVJDCBOB3JZZQ==" => say("235 2.7.0 welcome"),
            _ => good(event),
        };
        let server = Server::with_starttls(&identity, script).await;
        let relay = Relay {
            security: Security::StartTls,
            credentials: Some(credentials()),
            extra_authority_pem: Some(identity.pem.clone()),
            ..server.relay()
        };
        let connection = Connection::open(&relay).await.unwrap();
        let (outcome, back) =
            connection.send(Parcel::new(&to("ada"), MESSAGE), marked(), None).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        back.unwrap().quit().await;
        let seen = server.seen();
        let verbs = ["EHLO", "STARTTLS", "AUTH", "MAIL", "QUIT"].map(|verb| seen.count(verb));
        assert_eq!(verbs, [2, 1, 1, 1, 1], "{mechanism}");
    }
}

#[tokio::test]
async fn a_refusal_that_quotes_the_credentials_is_not_quoted() {
    let script = |event: Event<'_>| match event.verb {
        "AUTH" => Act::Say(format!("535 5.7.8 bad: {} {PASSWORD}", event.line)),
        _ => offering("AUTH LOGIN PLAIN")(event),
    };
    let server = Server::start(script).await;
    let relay = Relay { credentials: Some(credentials()), ..server.relay() };
    let outcome = Connection::open(&relay).await.unwrap_err();
    assert!(server.seen().lines.iter().any(|line| line.contains(PLAIN)));
    let Outcome::Rejected { phase: Phase::Auth, reply } = outcome else { panic!("{outcome:?}") };
    assert_eq!((reply.code, reply.text.as_str()), (535, "bad: AUTH PLAIN *** ***"));
}

#[tokio::test]
async fn a_refused_auth_and_a_relay_that_hangs_up_there_are_failures_of_auth() {
    for (act, code) in [
        (say("535 5.7.8 bad credentials"), Some(535)),
        (say("454 4.7.0 temporary failure"), Some(454)),
        (Act::Drop, None),
    ] {
        let script = move |event: Event<'_>| match event.verb {
            "AUTH" => act.clone(),
            _ => offering("AUTH PLAIN")(event),
        };
        let server = Server::start(script).await;
        let relay = Relay { credentials: Some(credentials()), ..server.relay() };
        match Connection::open(&relay).await.unwrap_err() {
            Outcome::Rejected { phase: Phase::Auth, reply } => assert_eq!(Some(reply.code), code),
            Outcome::NotSent { phase: Phase::Auth, .. } => assert_eq!(code, None),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn credentials_are_not_shown_in_the_clear_to_another_host() {
    let server = Server::in_memory(offering("AUTH PLAIN"));
    let relay = Relay { credentials: Some(credentials()), ..server.relay() };
    for (peer, opens) in [("192.0.2.1:25", false), ("127.0.0.1:25", true)] {
        let wire = Wire::new(server.dial(), peer.parse().unwrap());
        match Connection::begin(wire, &relay).await {
            Ok(_) => assert!(opens),
            Err(outcome) => assert_eq!((phase_of(&outcome), opens), (Phase::Auth, false)),
        }
    }
    assert_eq!(server.seen().count("AUTH"), 1);
}

#[tokio::test]
async fn a_relay_without_a_known_auth_is_not_sent_to() {
    let server = Server::start(offering("AUTH GSSAPI")).await;
    let relay = Relay { credentials: Some(credentials()), ..server.relay() };
    let outcome = Connection::open(&relay).await.unwrap_err();
    assert_eq!(phase_of(&outcome), Phase::Auth);
    assert_eq!(server.seen().count("AUTH"), 0);
}

#[test]
fn an_ehlo_name_cannot_smuggle_a_command() {
    for name in ["", "a b", "a\r\nMAIL FROM:<x>"] {
        assert!(client_id(name).is_err(), "{name:?}");
    }
    assert_eq!(client_id("::1").unwrap().to_string(), "[IPv6:::1]");
}
