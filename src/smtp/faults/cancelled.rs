//! Sends that are dropped half-way.
use std::{env, pin::pin, task::Poll};

use super::{
    mixed::{Opinionated, check, envelope_of, message_of},
    *,
};
use crate::smtp::RelayPool;

/// Messages to send in each depth; the environment may ask for more in all.
fn sends() -> usize {
    let asked = env::var("PERENNIAL_TEST_SENDS").ok();
    let sends =
        asked.map_or(20_000, |sends| sends.parse().expect("PERENNIAL_TEST_SENDS: a number"));
    sends / DEPTHS.len()
}

/// Numbers without a pattern that a server could share (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// Polls `future` so many times at most, then drops it.
async fn dropped_after<T>(polls: u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn a_dropped_send_never_lends_its_reply_to_another_message() {
    let sends = sends();
    for depth in DEPTHS {
        let opinionated = Opinionated::default();
        let server = Server::forgetful(move |event| opinionated.answer(event)).await;
        let relay = Relay { pipelining: depth, messages_per_connection: 1000, ..server.relay() };
        let pool = RelayPool::new(relay);
        let mut session = pool.session().await;
        let (mut dice, mut dropped) = (Dice(depth as u64), 0);
        for number in 0..sends {
            let (envelope, message) = (envelope_of(number), message_of(number));
            let (next, next_message) = (envelope_of(number + 1), message_of(number + 1));
            let parcel = Parcel::new(&envelope, message.as_bytes());
            let upcoming = Some(Parcel::new(&next, next_message.as_bytes()));
            let send = session.send(parcel, marked(), upcoming);
            let polls = if dice.below(50) == 0 { dice.below(6) } else { u64::MAX };
            match dropped_after(polls, send).await {
                Some(outcome) => check(number, &outcome),
                None => dropped += 1,
            }
        }
        let seen = server.seen();
        assert!(dropped * 400 > sends && dropped * 50 < sends, "{dropped} of {sends} dropped");
        eprintln!("{depth:?}: {sends} sends, {dropped} dropped, {} connections", seen.connections);
    }
}
