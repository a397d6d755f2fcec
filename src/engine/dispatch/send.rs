//! Hands messages to the way out, one after the other on each connection.
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;
use tracing::warn;

use super::{
    Round,
    board::Board,
    compose::{Composed, Left, Ready},
    marker::{MayLeave, NotMarked},
};
use crate::{
    domain::{Outcome, OutreachState, Phase, Pipelining, RouteEvent},
    smtp::{Lane, Parcel, RelayPool, Session},
    store::{Claimed, Prepared},
};

/// Between two looks whether a connection may be made, where no attempt ends in between.
const GLANCE: Duration = Duration::from_secs(1);

/// Messages of one group that a sender hands over in a row while other groups wait.
const TURN: usize = 50;

/// What is known of an attempt besides its outcome.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    pub(super) began_at: DateTime<Utc>,
    /// When the mark was durable.
    pub(super) sending_at: Option<DateTime<Utc>>,
    /// Place of the relay; none for a folder.
    pub(super) relay: Option<usize>,
    pub(super) connection: Option<u64>,
}

impl Course {
    /// The state that the row is in now.
    pub(super) const fn state(&self) -> OutreachState {
        match self.sending_at {
            Some(_) => OutreachState::Sending,
            None => OutreachState::Claimed,
        }
    }
}

/// A message that a sender has in hand.
struct InHand {
    claimed: Claimed,
    message: Composed,
    mark: Mark,
}

/// How far the durable mark of a message has come.
enum Mark {
    /// It is asked for when the relay has given leave to send the content.
    Later(Prepared),
    /// It was asked for ahead, at this uptime.
    Asked(Duration, MayLeave),
    /// It was used.
    Taken,
}

/// One sender's way to its relay.
struct Way<'a> {
    place: usize,
    board: &'a Board,
    /// None for a folder.
    pool: Option<&'a RelayPool>,
    /// Messages in hand of which the mark is asked for ahead, 1 for none.
    window: usize,
    /// Messages that are in hand at a time.
    hands: usize,
}

impl Round {
    /// Sends one message after the other until no more come.
    pub(super) async fn send_all(self: Arc<Self>, boards: Arc<Vec<Board>>, place: usize) {
        let pool = self.routes.relays().get(place);
        let relay = pool.map(|pool| pool.relay());
        let window = relay.map_or(1, |relay| relay.window.max(1));
        let is_deep = relay.is_some_and(|relay| relay.pipelining == Pipelining::Deep);
        let way = Way {
            place,
            board: &boards[place],
            pool: pool.map(|pool| &**pool),
            window,
            hands: window.max(1 + usize::from(is_deep)),
        };
        // The mark of a message's end travels while the next message is offered; one commit may carry
        // both, and never the later without the earlier.
        let mut ending: Option<JoinHandle<()>> = None;
        while let Some((group, first)) = way.board.take(|group| self.most(&way, group)).await {
            let mut session = match way.pool {
                Some(pool) => Some(pool.session().await),
                None => None,
            };
            let mut in_hand = VecDeque::from([self.take_up(&way, first, true).await]);
            let mut turn = 0;
            while let Some(next) = in_hand.pop_front() {
                turn += 1;
                if turn < TURN || !way.board.others_wait(&group) {
                    self.fill(&way, &group, &mut in_hand).await;
                }
                let ended = self.send_one(&way, next, in_hand.front(), session.as_mut()).await;
                if let Some(before) = ending.take() {
                    let _ = before.await;
                }
                ending = ended;
            }
            drop(session);
            way.board.leave(&group);
        }
        if let Some(last) = ending {
            let _ = last.await;
        }
    }

    /// The most senders for a group at the relay of `way`.
    fn most(&self, way: &Way<'_>, group: &str) -> usize {
        if way.pool.is_none() {
            return 1;
        }
        let domain = self.routes.domain_of(group);
        self.routes.connections(way.place, domain, self.engine.clock.now())
    }

    /// Takes up as many messages as this sender has in hand at a time.
    async fn fill(&self, way: &Way<'_>, group: &str, in_hand: &mut VecDeque<InHand>) {
        while in_hand.len() + 1 < way.hands {
            let Some(ready) = way.board.next_of(group) else { break };
            let is_marked = in_hand.len() + 1 < way.window;
            let taken = self.take_up(way, ready, is_marked).await;
            in_hand.push_back(taken);
        }
    }

    /// Takes a message up. Its mark is asked for ahead if the relay's window has room for that.
    async fn take_up(&self, way: &Way<'_>, ready: Ready, is_in_window: bool) -> InHand {
        let Ready { claimed, mut message } = ready;
        let prepared = Prepared {
            id: claimed.id,
            lease_token: claimed.lease_token,
            body: std::mem::take(&mut message.body),
            links: std::mem::take(&mut message.links),
        };
        let mark = if way.window > 1 && is_in_window {
            Mark::Asked(self.engine.clock.uptime(), self.marker.sending(prepared).await)
        } else {
            Mark::Later(prepared)
        };
        InHand { claimed, message, mark }
    }

    /// Sends one message, or gives it back if it may not leave any more. Returns what ends when its
    /// last mark is written.
    async fn send_one(
        self: &Arc<Self>,
        way: &Way<'_>,
        mut next: InHand,
        upcoming: Option<&InHand>,
        mut session: Option<&mut Session<'_>>,
    ) -> Option<JoinHandle<()>> {
        let now = self.engine.clock.now();
        let mut course =
            Course { began_at: now, relay: way.pool.map(|_| way.place), ..Course::default() };
        let mut left = None;
        let (later, asked_at) = match std::mem::replace(&mut next.mark, Mark::Taken) {
            Mark::Later(prepared) => (Some(prepared), None),
            Mark::Asked(asked_at, mark) => {
                match mark.granted().await {
                    Ok(()) => course.sending_at = Some(self.engine.clock.now()),
                    Err(_) => left = Some(Left::NotTried),
                }
                (None, Some(asked_at))
            }
            Mark::Taken => (None, None),
        };
        if left.is_none() {
            left = self.may_not_connect(way, (&next, asked_at), session.as_deref_mut()).await;
        }
        if let Some(left) = left {
            // Marked ahead, it has not left for all that.
            self.routes.give_back(way.place, &next.claimed.domain, now);
            self.give_back(&next.claimed, course.state(), left).await;
            return None;
        }
        let outcome = self.hand_over(way, (&next, upcoming), (later, session), &mut course).await;
        let InHand { claimed, message, .. } = next;
        let Some(outcome) = outcome else {
            // The relay gave leave to send, and nothing was tried.
            if way.pool.is_some() {
                self.routes.note(way.place, &claimed.domain, RouteEvent::Answered, now);
            }
            self.routes.give_back(way.place, &claimed.domain, now);
            self.give_back(&claimed, OutreachState::Claimed, Left::NotTried).await;
            return None;
        };
        Some(self.settle(claimed, course, outcome, message.envelope.recipient).await)
    }

    /// Gives one message to the way out, marks it on the way unless that was done ahead, and notes its
    /// course. Nothing comes back if the mark was refused, so that nothing left.
    async fn hand_over(
        &self,
        way: &Way<'_>,
        (next, upcoming): (&InHand, Option<&InHand>),
        (later, session): (Option<Prepared>, Option<&mut Session<'_>>),
        course: &mut Course,
    ) -> Option<Outcome> {
        let refused = AtomicBool::new(false);
        let marked = Mutex::new(course.sending_at);
        let before_content = async {
            let Some(prepared) = later else { return Ok(()) };
            let asked_at = self.engine.clock.uptime();
            let granted = self.marker.sending(prepared).await.granted().await;
            let granted = granted.and_then(|()| self.is_fresh(asked_at));
            refused.store(granted.is_err(), Ordering::Relaxed);
            if granted.is_ok() {
                *marked.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(self.engine.clock.now());
            }
            granted
        };
        let outcome = if let Some(session) = session {
            let parcel = self.parcel(way, next);
            let upcoming = upcoming.map(|next| self.parcel(way, next));
            let sending = session.send(parcel, before_content, upcoming);
            let outcome = self.stop.now.run_until_cancelled(sending).await;
            course.connection = session.connection_number();
            outcome
        } else {
            let stem = format!("{:08}-{}", next.claimed.id.0, next.claimed.campaign);
            let Composed { envelope, bytes, .. } = &next.message;
            let sending = self.engine.transport.send(envelope, bytes, &stem, before_content);
            self.stop.now.run_until_cancelled(sending).await
        };
        course.sending_at = *marked.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.load(Ordering::Relaxed) {
            return None;
        }
        Some(outcome.unwrap_or_else(|| {
            let id = next.claimed.id.0;
            warn!(outreach.id = id, "Outreach {id} is not waited for");
            abandoned(course)
        }))
    }

    /// Whether a mark that was asked for at this uptime may be used: what is left of its lease has to
    /// last for the whole content, and a daemon that was frozen in between has none left.
    fn is_fresh(&self, asked_at: Duration) -> Result<(), NotMarked> {
        let waited = self.engine.clock.uptime().saturating_sub(asked_at);
        if waited > self.engine.config.patience.slack() { Err(NotMarked::Late) } else { Ok(()) }
    }

    /// Waits until a connection may be made for a message that needs one, since no more are tried at the
    /// same time than the breaker of its relay allows. Returns why it must not leave now, if there is
    /// a reason: a mark that was `asked_at` an earlier uptime does not last for ever.
    async fn may_not_connect(
        &self,
        way: &Way<'_>,
        (next, asked_at): (&InHand, Option<Duration>),
        session: Option<&mut Session<'_>>,
    ) -> Option<Left> {
        let domain = &next.claimed.domain;
        loop {
            let mut attempts = self.routes.attempts();
            let now = self.engine.clock.now();
            if let Some(left) = self.may_not_leave(way, &next.claimed, now) {
                return Some(left);
            }
            // Before leave to connect is taken, which is given back by an attempt only.
            if asked_at.is_some_and(|asked_at| self.is_fresh(asked_at).is_err()) {
                return Some(Left::NotTried);
            }
            let connects =
                session.as_ref().is_some_and(|one| one.has_to_connect(&self.parcel(way, next)));
            if !connects || self.routes.may_connect(way.place, domain, now) {
                return None;
            }
            tokio::select! {
                _ = attempts.changed() => {}
                () = tokio::time::sleep(GLANCE) => {}
                () = self.stop.soon.cancelled() => {}
            }
        }
    }

    /// Why a message must not leave now, if there is a reason.
    fn may_not_leave(&self, way: &Way<'_>, claimed: &Claimed, now: DateTime<Utc>) -> Option<Left> {
        // Past its time the gate has it expire.
        if self.is_over() || claimed.not_after <= now {
            return Some(Left::NotTried);
        }
        let free_at = match way.pool {
            Some(_) => self.routes.free_at(way.place, &claimed.domain, now),
            None => now,
        };
        // Perhaps another relay takes it at once.
        (free_at > now).then(|| Left::Until(self.routes.any_free_at(&claimed.domain, now)))
    }

    fn parcel<'a>(&self, way: &Way<'_>, in_hand: &'a InHand) -> Parcel<'a> {
        let Composed { envelope, bytes, .. } = &in_hand.message;
        let route = self.routes.route(way.place);
        let group = route.group_of(&in_hand.claimed.domain);
        let lane = Lane {
            key: self.routes.number_of(group),
            messages_per_connection: Some(route.messages_per_connection(&in_hand.claimed.domain)),
        };
        Parcel { envelope, message: bytes, lane }
    }
}

/// The outcome of a message that nobody waited for.
fn abandoned(course: &Course) -> Outcome {
    let cause = "the daemon was stopped before the relay answered".to_owned();
    match course.sending_at {
        Some(_) => Outcome::InDoubt { cause },
        None => Outcome::NotSent { phase: Phase::Data, cause },
    }
}
