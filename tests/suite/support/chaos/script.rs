//! What a relay is told to do, and a mix of faults that a seed decides.
use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::sleep};

/// Where a session is when the script is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Connect,
    Ehlo,
    Auth,
    Mail,
    Rcpt,
    Data,
    Dot,
}

/// What a script is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) step: Step,
    /// 1 for the first connection.
    pub(crate) connection: u64,
    /// 1 for the first MAIL on any connection; 0 before it.
    pub(crate) message: u64,
    /// How many messages this connection has begun, this one included.
    pub(crate) on_connection: u64,
    /// The recipient, from RCPT on.
    pub(crate) recipient: &'a str,
}

/// What happens at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// What a good relay does; at the dot, it takes the message.
    Good,
    /// This is said instead, and nothing is taken.
    Say(String),
    /// The same without CRLF at its end.
    Raw(String),
    /// This is said instead, and the connection ends.
    SayAndClose(String),
    /// The connection ends without a word, and nothing is taken.
    Close,
    /// Nothing is ever said; the connection stays until the client ends it.
    Silence,
    /// At DATA: 354, and the connection ends within the content, where it waits for its time and gate.
    CloseWithin,
    /// At the dot: the message is taken, and the connection ends without a word.
    TakeAndClose,
    /// At the dot: the message is taken, and nothing is ever said.
    TakeAndSilence,
    /// At the dot: the message is taken, 250 is said, and the connection is reset.
    TakeAndReset,
    /// At the dot: the message is taken, and 250 is said twice.
    TakeAndRepeat,
}

/// What happens at a step, and when.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) act: Act,
    pub(crate) delay: Duration,
    pub(crate) gate: Option<Gate>,
}

impl Answer {
    /// What a good relay does.
    pub(crate) fn good() -> Self {
        Act::Good.into()
    }

    /// This text.
    pub(crate) fn say(text: &str) -> Self {
        Act::Say(text.to_owned()).into()
    }

    /// The same, this much later.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Returns when it is time.
    pub(super) async fn wait(&self) {
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
        if !self.delay.is_zero() {
            sleep(self.delay).await;
        }
    }

    /// The same, once the gate is open.
    pub(crate) fn behind(self, gate: &Gate) -> Self {
        Self { gate: Some(gate.clone()), ..self }
    }
}

impl From<Act> for Answer {
    fn from(act: Act) -> Self {
        Self { act, delay: Duration::ZERO, gate: None }
    }
}

/// What a relay does at each step.
pub(crate) type Script = dyn Fn(&Moment<'_>) -> Answer + Send + Sync;

/// Holds a session at a step until a test says so.
#[derive(Clone)]
pub(crate) struct Gate(Arc<(Semaphore, Semaphore)>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new((Semaphore::new(0), Semaphore::new(0))))
    }

    /// Returns once a session waits here.
    pub(crate) async fn reached(&self) {
        self.0.0.acquire().await.unwrap().forget();
    }

    /// Lets everybody through from now on.
    pub(crate) fn open(&self) {
        self.0.1.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    /// For the session: tells that it is here, and waits.
    pub(super) async fn pass(&self) {
        self.0.0.add_permits(1);
        let _through = self.0.1.acquire().await.unwrap();
    }
}

/// A share of faults that a seed decides: the same seed and message, the same fault.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mix {
    pub(crate) seed: u64,
    /// Of a thousand messages, how many meet a fault.
    pub(crate) faults: u64,
    /// How long a good relay waits before it answers the dot, in milliseconds.
    pub(crate) delay_ms: (u64, u64),
}

/// The faults of a mix. None of them concerns the relay as a whole, since a daemon would then wait
/// for minutes.
const FAULTS: &[(Step, &str)] = &[
    (Step::Mail, "close"),
    (Step::Mail, "421 4.3.2 too busy"),
    (Step::Rcpt, "450 4.2.0 greylisted"),
    (Step::Rcpt, "550 5.1.1 no such user"),
    (Step::Rcpt, "close"),
    (Step::Data, "451 4.3.0 later"),
    (Step::Data, "close"),
    (Step::Data, "close within"),
    (Step::Dot, "451 4.3.0 later"),
    (Step::Dot, "554 5.6.0 refused"),
    (Step::Dot, "421 4.3.2 shutting down"),
    (Step::Dot, "close"),
    (Step::Dot, "take and close"),
    (Step::Dot, "take and close"),
    (Step::Dot, "take and reset"),
    (Step::Dot, "take and repeat"),
];

impl Mix {
    /// What happens at `moment`.
    pub(crate) fn answer(self, moment: &Moment<'_>) -> Answer {
        let mut dice = Dice::new(self.seed ^ moment.message.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let is_hit = dice.below(1000) < self.faults;
        let (step, what) = FAULTS[usize::try_from(dice.below(FAULTS.len() as u64)).unwrap()];
        let (least, most) = self.delay_ms;
        let delay = Duration::from_millis(least + dice.below(most - least + 1));
        let act = match what {
            _ if !is_hit || step != moment.step => Act::Good,
            "close" => Act::Close,
            "close within" => Act::CloseWithin,
            "take and close" => Act::TakeAndClose,
            "take and reset" => Act::TakeAndReset,
            "take and repeat" => Act::TakeAndRepeat,
            text if text.starts_with("421") => Act::SayAndClose(text.to_owned()),
            text => Act::Say(text.to_owned()),
        };
        let delay = if moment.step == Step::Dot { delay } else { Duration::ZERO };
        Answer::from(act).after(delay)
    }
}

/// Numbers that look random and follow from a seed: `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number under `end`, which is at least 1.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }
}
