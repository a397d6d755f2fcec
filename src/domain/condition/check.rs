//! From what the parser understood to a rule whose types are known.
//!
//! Every branch is looked at, also those that no contact of today would take.
use cel::{
    IdedExpr,
    common::ast::{CallExpr, Expr, LiteralValue, SourceInfo, operators},
};

use super::{
    ConditionError, nearest, place,
    tree::{Number, Operator, Order, Text, YesNo},
};
use crate::domain::{FACTS, FactInfo, FactType};

/// An expression with its type.
pub(super) enum Typed {
    YesNo(YesNo),
    Number(Number, Kind),
    Text(Text),
    List(Vec<Self>),
}

/// The kind of a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Whole,
    Fraction,
}

pub(super) type Checked<T> = Result<T, ConditionError>;

/// The largest whole number that a fraction holds exactly, 2^53.
const MAX_WHOLE: i64 = 1 << 53;

pub(super) struct Checker<'a> {
    pub(super) source: &'a str,
    pub(super) places: &'a SourceInfo,
    /// The facts that were named.
    pub(super) names: Vec<&'static FactInfo>,
}

impl Checker<'_> {
    /// The whole rule.
    pub(super) fn rule(&mut self, expr: &IdedExpr) -> Checked<YesNo> {
        match self.typed(expr)? {
            Typed::YesNo(rule) => Ok(rule),
            other => Err(self.error(
                expr,
                format!(
                    "expected a rule that comes to yes or no, found one that comes to {}",
                    other.kind()
                ),
            )),
        }
    }

    pub(super) fn error(&self, expr: &IdedExpr, message: String) -> ConditionError {
        let start = self.places.offset_for(expr.id).map_or(0, |(start, _)| start as usize);
        let (line, column) = place(self.source, start);
        ConditionError { line, column, message }
    }

    fn typed(&mut self, expr: &IdedExpr) -> Checked<Typed> {
        match &expr.expr {
            Expr::Literal(value) => self.literal(expr, value),
            Expr::Ident(name) => self.fact(expr, name),
            Expr::Call(call) => self.call(expr, call),
            Expr::List(list) => list
                .elements
                .iter()
                .map(|item| self.typed(item))
                .collect::<Checked<_>>()
                .map(Typed::List),
            Expr::Select(select) if is_attributes(&select.operand) => Ok(if select.test {
                Typed::YesNo(YesNo::HasAttribute(select.field.clone()))
            } else {
                Typed::Text(Text::Attribute(select.field.clone()))
            }),
            Expr::Select(_) => {
                Err(self.error(expr, "facts have no parts; only `attributes` has".into()))
            }
            Expr::Comprehension(_) => Err(self.error(
                expr,
                "rules cannot go through lists; write `country in [\"CN\", \"SG\"]`".into(),
            )),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err(self.error(expr, "expected facts, numbers, texts or lists".into()))
            }
        }
    }

    fn literal(&self, expr: &IdedExpr, value: &LiteralValue) -> Checked<Typed> {
        Ok(match value {
            LiteralValue::Boolean(yes) => Typed::YesNo(YesNo::Const(*yes.inner())),
            LiteralValue::Double(number) => {
                Typed::Number(Number::Const(*number.inner()), Kind::Fraction)
            }
            LiteralValue::Int(number) => self.whole(expr, Some(*number.inner()))?,
            LiteralValue::UInt(number) => self.whole(expr, i64::try_from(*number.inner()).ok())?,
            LiteralValue::String(text) => Typed::Text(Text::Const(text.inner().to_owned())),
            LiteralValue::Bytes(_) | LiteralValue::Null => {
                return Err(self.error(expr, "expected a number, a text, `true` or `false`".into()));
            }
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers from 2^53 on are refused")]
    fn whole(&self, expr: &IdedExpr, number: Option<i64>) -> Checked<Typed> {
        match number {
            Some(number) if number.abs() <= MAX_WHOLE => {
                Ok(Typed::Number(Number::Const(number as f64), Kind::Whole))
            }
            _ => Err(self.error(expr, format!("expected a number of {MAX_WHOLE} at most"))),
        }
    }

    fn fact(&mut self, expr: &IdedExpr, name: &str) -> Checked<Typed> {
        let Some(fact) = FACTS.iter().find(|fact| fact.name == name) else {
            let hint = match nearest(name, FACTS.iter().map(|fact| fact.name)) {
                Some(meant) => format!(", did you mean `{meant}`?"),
                None if name == "attributes" => "; write `attributes[\"name\"]`".to_owned(),
                None => String::new(),
            };
            return Err(self.error(expr, format!("there is no fact `{name}`{hint}")));
        };
        if !self.names.contains(&fact) {
            self.names.push(fact);
        }
        Ok(match fact.kind {
            FactType::Number => Typed::Number(Number::Fact(fact), Kind::Fraction),
            FactType::Whole => Typed::Number(Number::Fact(fact), Kind::Whole),
            FactType::Text => Typed::Text(Text::Fact(fact)),
            FactType::YesNo => Typed::YesNo(YesNo::Fact(fact)),
        })
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Checked<Typed> {
        let arguments: Vec<&IdedExpr> =
            call.target.as_deref().into_iter().chain(&call.args).collect();
        match (call.func_name.as_str(), arguments.as_slice()) {
            (operators::LOGICAL_AND, parts) => {
                self.parts(parts, call).map(YesNo::All).map(Typed::YesNo)
            }
            (operators::LOGICAL_OR, parts) => {
                self.parts(parts, call).map(YesNo::Any).map(Typed::YesNo)
            }
            (operators::LOGICAL_NOT, [part]) => {
                Ok(Typed::YesNo(YesNo::Not(Box::new(self.yes_no(part, "after `!`")?))))
            }
            (operators::NEGATE, [part]) => {
                let (number, kind) = self.number(part, "after `-`")?;
                Ok(Typed::Number(Number::Negative(Box::new(number)), kind))
            }
            (operators::CONDITIONAL, [condition, yes, no]) => self.conditional(condition, yes, no),
            (operators::IN, [item, list]) => self.is_in(item, list).map(Typed::YesNo),
            (operators::INDEX, [map, key]) if is_attributes(map) => {
                Ok(Typed::Text(Text::Attribute(self.name_of(key)?)))
            }
            (name, [a, b]) => match (order(name), operator(name)) {
                (Some(order), _) => self.compared(expr, order, a, b).map(Typed::YesNo),
                (_, Some((operator, sign))) => self.calculated(operator, sign, a, b),
                _ => self.function(expr, call, &arguments),
            },
            _ => self.function(expr, call, &arguments),
        }
    }

    /// The operands of a chain of `&&` or of `||`, however it is nested.
    fn parts(&mut self, parts: &[&IdedExpr], chain: &CallExpr) -> Checked<Vec<YesNo>> {
        let sign =
            if chain.func_name == operators::LOGICAL_AND { "beside `&&`" } else { "beside `||`" };
        let mut all = Vec::new();
        for part in parts {
            match &part.expr {
                Expr::Call(inner) if inner.func_name == chain.func_name => {
                    all.extend(self.parts(&inner.args.iter().collect::<Vec<_>>(), chain)?);
                }
                _ => all.push(self.yes_no(part, sign)?),
            }
        }
        Ok(all)
    }

    fn conditional(
        &mut self,
        condition: &IdedExpr,
        yes: &IdedExpr,
        no: &IdedExpr,
    ) -> Checked<Typed> {
        let condition = self.yes_no(condition, "before `?`")?;
        match (self.typed(yes)?, self.typed(no)?) {
            (Typed::YesNo(a), Typed::YesNo(b)) => {
                Ok(Typed::YesNo(YesNo::If(Box::new([condition, a, b]))))
            }
            (Typed::Number(a, first), Typed::Number(b, second)) => {
                let kind = if first == second { first } else { Kind::Fraction };
                Ok(Typed::Number(Number::If(Box::new(condition), Box::new([a, b])), kind))
            }
            (Typed::Text(a), Typed::Text(b)) => {
                Ok(Typed::Text(Text::If(Box::new(condition), Box::new([a, b]))))
            }
            (a, b) => Err(self.error(
                no,
                format!(
                    "expected the same on both sides of `:`, found {} and {}",
                    a.kind(),
                    b.kind()
                ),
            )),
        }
    }

    fn compared(
        &mut self,
        expr: &IdedExpr,
        order: Order,
        a: &IdedExpr,
        b: &IdedExpr,
    ) -> Checked<YesNo> {
        let is_equality = matches!(order, Order::Same | Order::Other);
        match (self.typed(a)?, self.typed(b)?) {
            (Typed::Number(a, _), Typed::Number(b, _)) => {
                let turn = matches!(a, Number::Const(_)) && !matches!(b, Number::Const(_));
                Ok(if turn {
                    YesNo::Numbers(order.turned(), b, a)
                } else {
                    YesNo::Numbers(order, a, b)
                })
            }
            (Typed::Text(a), Typed::Text(b)) => Ok(YesNo::Texts(order, a, b)),
            (Typed::YesNo(a), Typed::YesNo(b)) if is_equality => {
                let same = YesNo::Same(Box::new([a, b]));
                Ok(if order == Order::Same { same } else { YesNo::Not(Box::new(same)) })
            }
            (a, b) => Err(self.error(
                expr,
                format!(
                    "expected two numbers or two texts to compare, found {} and {}",
                    a.kind(),
                    b.kind()
                ),
            )),
        }
    }

    fn calculated(
        &mut self,
        operator: Operator,
        sign: &str,
        a: &IdedExpr,
        b: &IdedExpr,
    ) -> Checked<Typed> {
        let (left, right) = (self.typed(a)?, self.typed(b)?);
        match (left, right) {
            (Typed::Text(a), Typed::Text(b)) if operator == Operator::Plus => {
                Ok(Typed::Text(Text::Joined(Box::new([a, b]))))
            }
            (Typed::Number(a, first), Typed::Number(b, second)) => {
                let whole = first == Kind::Whole && second == Kind::Whole;
                let operator = match operator {
                    Operator::Divided if whole => Operator::WholeDivided,
                    other => other,
                };
                let kind = if whole { Kind::Whole } else { Kind::Fraction };
                Ok(Typed::Number(Number::Calculated(operator, Box::new([a, b])), kind))
            }
            (Typed::Number(..), other) => {
                Err(self.expected(b, "a number", &format!("after `{sign}`"), &other))
            }
            (other, _) => Err(self.expected(a, "a number", &format!("before `{sign}`"), &other)),
        }
    }

    fn is_in(&mut self, item: &IdedExpr, list: &IdedExpr) -> Checked<YesNo> {
        let Typed::List(items) = self.typed(list)? else {
            let message = "expected a list such as `[\"CN\", \"SG\"]` after `in`";
            return Err(self.error(list, message.into()));
        };
        let Expr::List(sources) = &list.expr else { return Ok(YesNo::Const(false)) };
        match self.typed(item)? {
            Typed::Number(number, _) => {
                let mut numbers = Vec::new();
                for (item, source) in items.into_iter().zip(&sources.elements) {
                    let Typed::Number(item, _) = item else {
                        return Err(self.expected(source, "a number", "in the list", &item));
                    };
                    numbers.push(item);
                }
                Ok(YesNo::NumberIn(number, numbers))
            }
            Typed::Text(text) => {
                let mut texts = Vec::new();
                for (item, source) in items.into_iter().zip(&sources.elements) {
                    let Typed::Text(item) = item else {
                        return Err(self.expected(source, "a text", "in the list", &item));
                    };
                    texts.push(item);
                }
                Ok(YesNo::TextIn(text, texts))
            }
            other => Err(self.expected(item, "a number or a text", "before `in`", &other)),
        }
    }

    fn yes_no(&mut self, expr: &IdedExpr, place: &str) -> Checked<YesNo> {
        match self.typed(expr)? {
            Typed::YesNo(value) => Ok(value),
            other => Err(self.expected(expr, "yes or no", place, &other)),
        }
    }

    pub(super) fn number(&mut self, expr: &IdedExpr, place: &str) -> Checked<(Number, Kind)> {
        match self.typed(expr)? {
            Typed::Number(value, kind) => Ok((value, kind)),
            other => Err(self.expected(expr, "a number", place, &other)),
        }
    }

    pub(super) fn text(&mut self, expr: &IdedExpr, place: &str) -> Checked<Text> {
        match self.typed(expr)? {
            Typed::Text(value) => Ok(value),
            other => Err(self.expected(expr, "a text", place, &other)),
        }
    }

    fn expected(
        &self,
        expr: &IdedExpr,
        wanted: &str,
        place: &str,
        found: &Typed,
    ) -> ConditionError {
        self.error(expr, format!("expected {wanted} {place}, found {}", found.kind()))
    }
}

impl Typed {
    const fn kind(&self) -> &'static str {
        match self {
            Self::YesNo(_) => "yes or no",
            Self::Number(..) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
        }
    }
}

fn is_attributes(expr: &IdedExpr) -> bool {
    matches!(&expr.expr, Expr::Ident(name) if name == "attributes")
}

fn order(name: &str) -> Option<Order> {
    Some(match name {
        operators::EQUALS => Order::Same,
        operators::NOT_EQUALS => Order::Other,
        operators::LESS => Order::Less,
        operators::LESS_EQUALS => Order::AtMost,
        operators::GREATER => Order::More,
        operators::GREATER_EQUALS => Order::AtLeast,
        _ => return None,
    })
}

fn operator(name: &str) -> Option<(Operator, &'static str)> {
    Some(match name {
        operators::ADD => (Operator::Plus, "+"),
        operators::SUBSTRACT => (Operator::Minus, "-"),
        operators::MULTIPLY => (Operator::Times, "*"),
        operators::DIVIDE => (Operator::Divided, "/"),
        operators::MODULO => (Operator::Remainder, "%"),
        _ => return None,
    })
}
