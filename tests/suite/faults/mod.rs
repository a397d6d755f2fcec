//! What a relay, a machine or a person may do while mails are being sent, one test a row of the fault
//! matrix; `docs/delivery-proof.md` has the matrix with the tests of every row.
mod auditing;
mod breaking;
mod clock;
mod connecting;
mod meanwhile;
mod refusing;
mod returning;
mod second_opinion;

use std::net::SocketAddr;

use chrono::TimeDelta;
use perennial::{
    clock::Clock,
    domain::audit::{AuditTerms, Findings},
    engine::{AuditSources, audit},
};

use crate::support::{
    chaos::ChaosRelay,
    database::Database,
    world::{Setup, World},
};

/// An engine that sends to this relay, with these lines in `[delivery.relay.main]`.
fn world(db: &Database, relay: SocketAddr, options: &str) -> World {
    let (host, port) = (relay.ip(), relay.port());
    let settings = format!(
        "[database]
         url = 'sqlite:not-used.db'
         [company]
         name = 'Example Company'
         postal_address = '1 Example Street'
         email = 'hello@example.com'
         [sender]
         address = 'hello@example.com'
         name = 'Example Company'
         [defaults]
         locale = 'en'
         zone = 'UTC'
         may_track = true
         [tracking]
         base_url = 'http://localhost:8025'
         key = 'env:KEY'
         [delivery]
         via = 'relay'
         preflight = 'off'
         [delivery.relay.main]
         host = '{host}'
         port = {port}
         security = 'none'
         {options}"
    );
    World::with(db, &Setup { rules: &[("perennial.toml", &settings)], ..Setup::default() })
}

/// What an audit of everything so far finds.
async fn audited(world: &World, relay: &ChaosRelay) -> Findings {
    let sources = AuditSources {
        ledger: relay.ledger(),
        messages: Some(relay.messages()),
        domains: vec!["example.com".to_owned()],
    };
    let terms = AuditTerms {
        now: world.clock.now(),
        since: None,
        lease: TimeDelta::minutes(15),
        connections: Some(4),
        window: 1,
        daemons: 1,
        kills: Some(0),
    };
    audit(world.store(), sources, terms).await.unwrap().findings
}

/// Fails if the relay's ledger and ours do not agree.
async fn assert_sound(world: &World, relay: &ChaosRelay) {
    let findings = audited(world, relay).await;
    assert!(findings.hold(), "{findings:#?}");
}

/// Lets everything that was put off have its turn, for as long as something is.
async fn settle(world: &World) {
    for _ in 0..10 {
        world.wait(TimeDelta::hours(1));
        world.round().await;
    }
}
