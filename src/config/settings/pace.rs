//! How much goes through a relay, and how its commands are sent.
use crate::{
    config::{
        form::{Fraction, ListOf, OneOf, RATE, Whole, YesNo},
        table::{Complained, Table},
    },
    domain::{Pipelining, Rate, WarmUp},
};

/// What a relay's section says of its share and its pace.
pub(super) struct Pace {
    pub(super) weight: u32,
    pub(super) rates: Vec<Rate>,
    pub(super) by_provider: bool,
    pub(super) pipelining: Pipelining,
    pub(super) window: usize,
}

const PIPELINING: OneOf<Pipelining> = OneOf(&[
    ("off", Pipelining::Off),
    ("rfc2920", Pipelining::Rfc2920),
    ("deep", Pipelining::Deep),
]);

/// Reads the keys of a relay that are about its pace.
pub(super) fn read(table: &mut Table<'_>) -> Option<Pace> {
    let meaning = "Its share of the mail besides the other relays: one of weight 2 gets twice as much \
                   as one of weight 1. What a relay cannot take goes through the others.";
    let weight = table.or("weight", &Whole(1..=1000_u32), "1", meaning);
    let meaning = "The most mails in a second, a minute, an hour or a day; all of them hold. A day is \
                   one of the calendar, by the zone of the schedule.";
    let rates = table.or("rates", &ListOf(RATE), "[]", meaning);
    let meaning = "Whether the limits of `providers.toml` hold at this relay. They are of use if the \
                   relay is a mail server of your own; others keep such limits themselves.";
    let by_provider = table.or("by_provider", &YesNo, "false", meaning);
    let meaning = "Whether commands wait for the answers to earlier ones: `off` waits for each, \
                   `rfc2920` sends those of one mail together, `deep` those of further mails as well. \
                   Only a relay that offers it is talked to like that.";
    let pipelining = table.or("pipelining", &PIPELINING, "\"off\"", meaning);
    let meaning = "How many mails of a connection are marked as leaving at a time. More than one spares \
                   waiting for a slow disk, and as many on each connection are in doubt after a crash.";
    let window = table.or("window", &Whole(1..=64_usize), "1", meaning);
    Some(Pace {
        weight: weight?,
        rates: rates?,
        by_provider: by_provider?,
        pipelining: pipelining?,
        window: window?,
    })
}

/// The warm-up, if there is one. It is a section and so is read after all keys of the relay.
pub(super) fn warm_up(table: &mut Table<'_>) -> Result<Option<WarmUp>, Complained> {
    let is_there = table.has("warm_up");
    let warm_up = table.section_if(is_there, "warm_up", |table| {
        let meaning = "The most mails on the first day on which the relay is used.";
        let first_day = table.needed("first_day", &Whole(1..=1_000_000_u32), meaning);
        let meaning = "How many times as many each day has as the one before.";
        let factor_percent =
            table.or("factor", &Fraction { hundredths: 101..=1000 }, "1.5", meaning);
        Some(WarmUp { first_day: first_day?, factor_percent: factor_percent? })
    });
    if is_there && warm_up.is_none() { Err(Complained) } else { Ok(warm_up) }
}
