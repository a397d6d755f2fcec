//! Rows 1, 2, 3 and 5: a relay that cannot be reached, says nothing, or does not want us.
use std::net::{SocketAddr, TcpListener};

use chrono::TimeDelta;
use perennial::domain::OutreachState as State;

use super::{assert_sound, settle, world};
use crate::support::{
    chaos::{Act, Answer, ChaosRelay, Step},
    database::Database,
    on_both_databases,
    rows::ledger,
    world::{World, birthdays},
};

on_both_databases!(
    a_relay_that_refuses_connections_costs_time_and_nothing_else,
    a_relay_that_says_nothing_is_left_when_its_time_is_over,
    a_banner_that_is_no_welcome_costs_time_and_nothing_else,
    a_banner_of_several_lines_is_a_welcome,
    a_relay_that_refuses_the_password_costs_no_contact_anything,
);

/// A round in which nobody could send: all mails wait and no contact was touched.
async fn assert_all_wait(world: &World, case: &str) {
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.failed, done.in_doubt), (0, 0, 0), "{case}");
    assert!(done.trouble.is_some(), "{case}");
    assert_eq!(ledger(world.store()).await, [(State::Ready, 3)], "{case}");
    assert_eq!(world.store().totals().await.unwrap().suppressed, 0, "{case}");
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

async fn a_relay_that_refuses_connections_costs_time_and_nothing_else(db: &Database) {
    let world = world(db, nobody(), "");
    world.contacts(birthdays(3)).await;
    assert_all_wait(&world, "refused").await;
}

async fn a_relay_that_says_nothing_is_left_when_its_time_is_over(db: &Database) {
    let relay = ChaosRelay::start(|moment| match moment.step {
        Step::Connect => Act::Silence.into(),
        _ => Answer::good(),
    });
    let world = world(db, relay.address, "greeting_timeout = '1 second'");
    world.contacts(birthdays(3)).await;
    assert_all_wait(&world, "silent").await;
}

async fn a_banner_that_is_no_welcome_costs_time_and_nothing_else(db: &Database) {
    let megabyte = format!("220 {}\r\n", "x".repeat(1_000_000));
    let banners = [
        Act::Say("554 5.7.1 go away".to_owned()),
        Act::Say("554-go\r\n554 away".to_owned()),
        Act::SayAndClose("421 4.3.2 later".to_owned()),
        Act::Raw("220 relay.example.org\n".to_owned()),
        Act::Raw(megabyte),
        Act::Say("hello".to_owned()),
        Act::Close,
    ];
    for (place, banner) in banners.into_iter().enumerate() {
        let case = format!("banner {place}");
        let relay = ChaosRelay::start(move |moment| match moment.step {
            Step::Connect => banner.clone().into(),
            _ => Answer::good(),
        });
        let world = world(db, relay.address, "greeting_timeout = '1 second'");
        world.wait(TimeDelta::hours(2) * i32::try_from(place).unwrap());
        world.contacts(birthdays(3)).await;
        assert_all_wait(&world, &case).await;
        assert_eq!(relay.accepted(), 0, "{case}");
    }
}

async fn a_banner_of_several_lines_is_a_welcome(db: &Database) {
    let relay = ChaosRelay::start(|moment| match moment.step {
        Step::Connect => Answer::say("220-relay.example.org\r\n220-no spam\r\n220 ESMTP"),
        _ => Answer::good(),
    });
    let world = world(db, relay.address, "");
    world.contacts(birthdays(3)).await;
    assert_eq!(world.round().await.dispatched.sent, 3);
    assert_sound(&world, &relay).await;
}

async fn a_relay_that_refuses_the_password_costs_no_contact_anything(db: &Database) {
    let answers = [
        Act::Say("535 5.7.8 no".to_owned()),
        Act::Say("454 4.7.0 later".to_owned()),
        Act::Close,
        Act::Good,
    ];
    for (place, act) in answers.into_iter().enumerate() {
        let is_good = act == Act::Good;
        let relay = ChaosRelay::with_extensions(&["AUTH PLAIN"], move |moment| match moment.step {
            Step::Auth => act.clone().into(),
            _ => Answer::good(),
        });
        let world = world(db, relay.address, "user = 'ada'\npassword = 'env:KEY'");
        world.wait(TimeDelta::hours(2) * i32::try_from(place).unwrap());
        world.contacts(birthdays(3)).await;
        if is_good {
            settle(&world).await;
            assert_eq!(ledger(world.store()).await, [(State::Sent, 3)]);
        } else {
            assert_all_wait(&world, &format!("AUTH {place}")).await;
        }
    }
}
