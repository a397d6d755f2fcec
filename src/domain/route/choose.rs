//! Which of several relays takes the next mail.
use chrono::{DateTime, Utc};

use super::{Route, RouteState};

/// Where the next mail goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Through the relay at this place of the list.
    Relay(usize),
    /// Nowhere before then.
    WaitUntil(DateTime<Utc>),
}

/// Chooses the relay for a mail to `domain`, or, for several mails of one group, for all of them.
///
/// Among the relays that may send now each has its turn as often as its weight says, and turns are
/// spread evenly (nginx's smooth weighted round robin). A relay that may not send now loses its turns
/// to the others and does not make up for them. `states` are those of `routes`, in the same order.
///
/// Without any relay there is nothing to wait for, which is said as the end of time.
pub fn choose(
    routes: &[Route<'_>],
    states: &mut [RouteState],
    domain: &str,
    now: DateTime<Utc>,
) -> Choice {
    let free: Vec<_> = routes
        .iter()
        .zip(states.iter())
        .map(|(route, state)| state.free_at(route, domain, now))
        .collect();
    let weight = |place: usize| i64::from(routes[place].relay.weight.max(1));
    let may: Vec<usize> = (0..free.len()).filter(|place| free[*place] <= now).collect();
    let total: i64 = may.iter().map(|place| weight(*place)).sum();
    for place in &may {
        states[*place].credit += weight(*place);
    }
    // Of equals the first.
    let best = may.iter().copied().rev().max_by_key(|place| states[*place].credit);
    if let Some(best) = best {
        states[best].credit -= total;
        Choice::Relay(best)
    } else {
        let next = routes.iter().zip(states.iter());
        let next = next.map(|(route, state)| state.ask_again_at(route, domain, now)).min();
        Choice::WaitUntil(next.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
}
