//! A rule whose types are known, and what it comes to.
//!
//! Every step gives `None` where there is no answer, such as for a division by zero.
use std::borrow::Cow;

use chrono::{Datelike, NaiveDate};

use crate::domain::{FactInfo, FactValue, Facts};

/// An expression that comes to yes or no.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum YesNo {
    Const(bool),
    Fact(&'static FactInfo),
    HasAttribute(String),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Numbers(Order, Number, Number),
    Texts(Order, Text, Text),
    Same(Box<[Self; 2]>),
    NumberIn(Number, Vec<Number>),
    TextIn(Text, Vec<Text>),
    Part(Part, Text, Text),
    If(Box<[Self; 3]>),
}

/// An expression that comes to a number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Number {
    Const(f64),
    Fact(&'static FactInfo),
    Attribute(String),
    DaysSince(NaiveDate),
    Month,
    Size(Text),
    Negative(Box<Self>),
    Truncated(Box<Self>),
    Calculated(Operator, Box<[Self; 2]>),
    If(Box<YesNo>, Box<[Self; 2]>),
}

/// An expression that comes to a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Text {
    Const(String),
    Fact(&'static FactInfo),
    Attribute(String),
    Lower(Box<Self>),
    Joined(Box<[Self; 2]>),
    If(Box<YesNo>, Box<[Self; 2]>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Same,
    Other,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// How two numbers are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Plus,
    Minus,
    Times,
    Divided,
    /// Of whole numbers, towards zero.
    WholeDivided,
    Remainder,
}

/// Where a text may have another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Start,
    End,
    Anywhere,
}

/// What an expression is worked out from.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) facts: &'a Facts,
    pub(super) today: NaiveDate,
    /// By how much of its right side a comparison of numbers may be missed, such as 0.1; negative
    /// where it must be passed by as much.
    pub(super) slack: f64,
}

/// What nobody has.
static NOTHING: std::sync::LazyLock<Facts> = std::sync::LazyLock::new(Facts::default);

impl Seen<'_> {
    /// Nobody's facts, for expressions that ask for none.
    pub(super) fn of_nobody() -> Self {
        Self { facts: &NOTHING, today: NaiveDate::default(), slack: 0.0 }
    }

    const fn with_slack(self, slack: f64) -> Self {
        Self { slack, ..self }
    }
}

impl YesNo {
    pub(super) fn holds(&self, seen: Seen<'_>) -> Option<bool> {
        match self {
            Self::Const(yes) => Some(*yes),
            Self::Fact(fact) => match fact.read(seen.facts, seen.today) {
                FactValue::YesNo(yes) => Some(yes),
                _ => None,
            },
            Self::HasAttribute(name) => Some(seen.facts.attributes.contains_key(name)),
            Self::Not(inner) => inner.holds(seen.with_slack(-seen.slack)).map(|yes| !yes),
            Self::All(parts) => decided(parts, seen, false),
            Self::Any(parts) => decided(parts, seen, true),
            Self::Numbers(order, a, b) => {
                let (a, b) = (a.value(seen)?, b.value(seen)?);
                Some(order.holds(&a, &(b - order.direction() * seen.slack * b.abs())))
            }
            Self::Texts(order, a, b) => Some(order.holds(&a.value(seen)?, &b.value(seen)?)),
            Self::Same(parts) => {
                let seen = seen.with_slack(0.0);
                Some(parts[0].holds(seen)? == parts[1].holds(seen)?)
            }
            Self::NumberIn(number, list) => {
                let number = number.value(seen)?;
                Some(list.iter().any(|item| item.value(seen) == Some(number)))
            }
            Self::TextIn(text, list) => {
                let text = text.value(seen)?;
                Some(list.iter().any(|item| item.value(seen).is_some_and(|item| item == text)))
            }
            Self::Part(part, text, wanted) => {
                let (text, wanted) = (text.value(seen)?, wanted.value(seen)?);
                Some(match part {
                    Part::Start => text.starts_with(&*wanted),
                    Part::End => text.ends_with(&*wanted),
                    Part::Anywhere => text.contains(&*wanted),
                })
            }
            Self::If(parts) => {
                let [condition, yes, no] = &**parts;
                if condition.holds(seen.with_slack(0.0))? {
                    yes.holds(seen)
                } else {
                    no.holds(seen)
                }
            }
        }
    }
}

/// Whether any of `parts` comes to `wanted`, which decides the whole whatever the others come to.
fn decided(parts: &[YesNo], seen: Seen<'_>, wanted: bool) -> Option<bool> {
    let mut answer = Some(!wanted);
    for part in parts {
        match part.holds(seen) {
            Some(found) if found == wanted => return Some(wanted),
            Some(_) => {}
            None => answer = None,
        }
    }
    answer
}

impl Number {
    pub(super) fn value(&self, seen: Seen<'_>) -> Option<f64> {
        let value = match self {
            Self::Const(number) => *number,
            Self::Fact(fact) => fact.read(seen.facts, seen.today).as_number()?,
            Self::Attribute(name) => {
                let text = seen.facts.attributes.get(name).map(|text| text.trim());
                text.and_then(|text| text.parse().ok()).unwrap_or(0.0)
            }
            Self::DaysSince(day) => lossless((seen.today - *day).num_days()),
            Self::Month => f64::from(seen.today.month()),
            Self::Size(text) => lossless(i64::try_from(text.value(seen)?.chars().count()).ok()?),
            Self::Negative(number) => -number.value(seen)?,
            Self::Truncated(number) => number.value(seen)?.trunc(),
            Self::Calculated(operator, sides) => {
                let (a, b) = (sides[0].value(seen)?, sides[1].value(seen)?);
                match operator {
                    Operator::Plus => a + b,
                    Operator::Minus => a - b,
                    Operator::Times => a * b,
                    Operator::Divided => a / b,
                    Operator::WholeDivided => (a / b).trunc(),
                    Operator::Remainder => a % b,
                }
            }
            Self::If(condition, sides) => {
                sides[usize::from(!condition.holds(seen.with_slack(0.0))?)].value(seen)?
            }
        };
        value.is_finite().then_some(value)
    }
}

#[expect(clippy::cast_precision_loss, reason = "days and lengths stay far below 2^53")]
const fn lossless(number: i64) -> f64 {
    number as f64
}

impl Text {
    fn value<'a>(&'a self, seen: Seen<'a>) -> Option<Cow<'a, str>> {
        Some(match self {
            Self::Const(text) => Cow::Borrowed(text),
            Self::Fact(fact) => match fact.read(seen.facts, seen.today) {
                FactValue::Text(text) => Cow::Borrowed(text),
                _ => return None,
            },
            Self::Attribute(name) => {
                Cow::Borrowed(seen.facts.attributes.get(name).map_or("", String::as_str))
            }
            Self::Lower(text) => Cow::Owned(text.value(seen)?.to_lowercase()),
            Self::Joined(sides) => {
                let (a, b) = (sides[0].value(seen)?, sides[1].value(seen)?);
                Cow::Owned(format!("{a}{b}"))
            }
            Self::If(condition, sides) => {
                sides[usize::from(!condition.holds(seen.with_slack(0.0))?)].value(seen)?
            }
        })
    }
}

impl Order {
    fn holds<T: PartialOrd>(self, a: &T, b: &T) -> bool {
        match self {
            Self::Same => a == b,
            Self::Other => a != b,
            Self::Less => a < b,
            Self::AtMost => a <= b,
            Self::More => a > b,
            Self::AtLeast => a >= b,
        }
    }

    /// 1 if a greater left side is better, -1 if a smaller one is, 0 if neither.
    const fn direction(self) -> f64 {
        match self {
            Self::Same | Self::Other => 0.0,
            Self::Less | Self::AtMost => -1.0,
            Self::More | Self::AtLeast => 1.0,
        }
    }

    /// The same with the sides exchanged.
    pub(super) const fn turned(self) -> Self {
        match self {
            Self::Same | Self::Other => self,
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::More => Self::Less,
            Self::AtLeast => Self::AtMost,
        }
    }
}

impl Order {
    /// Whether a number that compares so with `bound` also compares as `wide` does with `wide_bound`.
    pub(super) fn is_within(self, bound: &Number, wide: Self, wide_bound: &Number) -> bool {
        let (Number::Const(bound), Number::Const(wide_bound)) = (bound, wide_bound) else {
            return false;
        };
        match (self, wide) {
            (Self::Same, _) => wide.holds(bound, wide_bound),
            (Self::More | Self::AtLeast, Self::More) => {
                bound > wide_bound || (self == Self::More && bound >= wide_bound)
            }
            (Self::More | Self::AtLeast, Self::AtLeast) => bound >= wide_bound,
            (Self::Less | Self::AtMost, Self::Less) => {
                bound < wide_bound || (self == Self::Less && bound <= wide_bound)
            }
            (Self::Less | Self::AtMost, Self::AtMost) => bound <= wide_bound,
            _ => false,
        }
    }
}

impl Number {
    /// Whether it is the same for everybody and for ever.
    pub(super) fn is_constant(&self) -> bool {
        match self {
            Self::Const(_) => true,
            Self::Negative(number) | Self::Truncated(number) => number.is_constant(),
            Self::Calculated(_, sides) => sides.iter().all(Self::is_constant),
            _ => false,
        }
    }
}
