//! Rows 10 to 12: connections that break, and answers that come late.
use std::time::Duration;

use perennial::domain::OutreachState as State;

use super::{assert_sound, audited, settle, world};
use crate::support::{
    chaos::{Act, Answer, ChaosRelay, Step},
    database::Database,
    on_both_databases,
    rows::ledger,
    world::{World, birthdays},
};

on_both_databases!(
    a_421_in_the_middle_of_a_session_loses_and_doubles_nothing,
    a_connection_that_ends_before_the_content_is_tried_again,
    a_connection_that_ends_after_the_dot_is_in_doubt_whatever_the_relay_did,
    a_connection_that_ends_within_the_content_doubles_nothing,
    a_250_behind_which_the_connection_is_reset_doubles_nothing,
    an_answer_to_the_dot_that_is_late_is_waited_for_and_one_that_is_too_late_is_a_doubt,
    a_250_that_is_said_twice_is_one_answer,
);

/// A relay that meets the first message with `act` at `step`, and an engine with five mails for it.
async fn with_first(db: &Database, step: Step, act: Act) -> (ChaosRelay, World) {
    let relay = ChaosRelay::start(move |moment| {
        let is_it = moment.step == step && moment.message == 1;
        if is_it { act.clone().into() } else { Answer::good() }
    });
    let world = world(db, relay.address, "connections = 1");
    world.contacts(birthdays(5)).await;
    (relay, world)
}

/// Everything goes out once in the end.
async fn assert_all_sent(world: &World, relay: &ChaosRelay) {
    settle(world).await;
    assert_eq!(ledger(world.store()).await, [(State::Sent, 5)]);
    assert_eq!(relay.accepted(), 5);
    assert_sound(world, relay).await;
}

async fn a_421_in_the_middle_of_a_session_loses_and_doubles_nothing(db: &Database) {
    let bye = || Act::SayAndClose("421 4.3.2 bye".to_owned());
    let relay = ChaosRelay::start(move |moment| match (moment.step, moment.message) {
        // Every connection ends at its third message, and two messages meet it later than at MAIL.
        (Step::Mail, _) if moment.on_connection == 3 => bye().into(),
        (Step::Rcpt, 2) | (Step::Data, 5) => bye().into(),
        (Step::Connect, _) if moment.connection == 3 => bye().into(),
        _ => Answer::good(),
    });
    let world = world(db, relay.address, "connections = 1");
    world.contacts(birthdays(5)).await;
    world.round().await;
    assert_all_sent(&world, &relay).await;
    assert!(relay.connections() >= 3, "{}", relay.connections());
}

async fn a_connection_that_ends_before_the_content_is_tried_again(db: &Database) {
    let steps = |moment: &crate::support::chaos::Moment<'_>| {
        let closes = matches!(
            (moment.step, moment.message),
            (Step::Mail, 1) | (Step::Rcpt, 3) | (Step::Data, 5)
        );
        if closes { Act::Close.into() } else { Answer::good() }
    };
    let relay = ChaosRelay::start(steps);
    let world = world(db, relay.address, "connections = 1");
    world.contacts(birthdays(5)).await;
    let done = world.round().await.dispatched;
    assert_eq!((done.in_doubt, done.failed), (0, 0));
    assert_all_sent(&world, &relay).await;
}

async fn a_connection_that_ends_after_the_dot_is_in_doubt_whatever_the_relay_did(db: &Database) {
    let relay = ChaosRelay::start(|moment| match (moment.step, moment.message) {
        (Step::Dot, 1) => Act::Close.into(),
        (Step::Dot, 2) => Act::TakeAndClose.into(),
        _ => Answer::good(),
    });
    let world = world(db, relay.address, "connections = 1");
    world.contacts(birthdays(5)).await;
    world.round().await;
    settle(&world).await;
    assert_eq!(ledger(world.store()).await, [(State::Sent, 3), (State::InDoubt, 2)]);
    assert_eq!(relay.accepted(), 4, "nothing is sent again by itself");
    let found = audited(&world, &relay).await;
    assert!(found.hold(), "{found:#?}");
    assert_eq!((found.doubts, found.missing, found.left_by_crashes), (2, 1, 0));
}

async fn a_connection_that_ends_within_the_content_doubles_nothing(db: &Database) {
    let (relay, world) = with_first(db, Step::Data, Act::CloseWithin).await;
    world.round().await;
    settle(&world).await;
    // A letter fits into the buffers on the way, so its dot may have left.
    let left = ledger(world.store()).await;
    let (sent, doubted) = ([(State::Sent, 5)], [(State::Sent, 4), (State::InDoubt, 1)]);
    assert!(left == sent || left == doubted, "{left:?}");
    assert_sound(&world, &relay).await;
}

async fn a_250_behind_which_the_connection_is_reset_doubles_nothing(db: &Database) {
    let (relay, world) = with_first(db, Step::Dot, Act::TakeAndReset).await;
    world.round().await;
    settle(&world).await;
    // Whether we read the answer before the reset is up to the machine.
    let left = ledger(world.store()).await;
    let (sent, doubted) = ([(State::Sent, 5)], [(State::Sent, 4), (State::InDoubt, 1)]);
    assert!(left == sent || left == doubted, "{left:?}");
    assert_eq!(relay.accepted(), 5);
    assert_sound(&world, &relay).await;
}

async fn an_answer_to_the_dot_that_is_late_is_waited_for_and_one_that_is_too_late_is_a_doubt(
    db: &Database,
) {
    let relay = ChaosRelay::start(|moment| {
        let late = match (moment.step, moment.recipient) {
            (Step::Dot, "p0@example.org") => 100,
            (Step::Dot, "p1@example.org") => 4000,
            _ => 0,
        };
        Answer::good().after(Duration::from_millis(late))
    });
    let world = world(db, relay.address, "content_timeout = '2 seconds'");
    world.contacts(birthdays(5)).await;
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.in_doubt), (4, 1));
    assert!(relay.wait_for(5, Duration::from_secs(10)));
    settle(&world).await;
    assert_eq!(relay.accepted(), 5, "it came too late to be heard and was taken all the same");
    assert_sound(&world, &relay).await;
}

async fn a_250_that_is_said_twice_is_one_answer(db: &Database) {
    let (relay, world) = with_first(db, Step::Dot, Act::TakeAndRepeat).await;
    assert_eq!(world.round().await.dispatched.sent, 5);
    assert_all_sent(&world, &relay).await;
}
