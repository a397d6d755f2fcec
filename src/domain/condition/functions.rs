//! The functions that a rule may call.
use cel::{
    IdedExpr,
    common::ast::{CallExpr, Expr, LiteralValue},
};
use chrono::NaiveDate;

use super::{
    check::{Checked, Checker, Kind, Typed},
    nearest,
    tree::{Number, Part, Text, YesNo},
};

/// The functions, for whoever misspells one.
const FUNCTIONS: [&str; 10] = [
    "attr",
    "attribute_number",
    "days_since",
    "month",
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "lower",
    "int",
];

impl Checker<'_> {
    /// A call of a function or a method.
    pub(super) fn function(
        &mut self,
        expr: &IdedExpr,
        call: &CallExpr,
        arguments: &[&IdedExpr],
    ) -> Checked<Typed> {
        let name = call.func_name.as_str();
        let part = match name {
            "startsWith" => Some(Part::Start),
            "endsWith" => Some(Part::End),
            "contains" => Some(Part::Anywhere),
            _ => None,
        };
        match (name, part, arguments) {
            (_, Some(part), [text, wanted]) => Ok(Typed::YesNo(YesNo::Part(
                part,
                self.text(text, &format!("before `.{name}`"))?,
                self.text(wanted, &format!("in `{name}(…)`"))?,
            ))),
            ("attr", _, [key]) => Ok(Typed::Text(Text::Attribute(self.name_of(key)?))),
            ("attribute_number", _, [key]) => {
                Ok(Typed::Number(Number::Attribute(self.name_of(key)?), Kind::Fraction))
            }
            ("days_since", _, [day]) => self.days_since(day),
            ("month", _, []) => Ok(Typed::Number(Number::Month, Kind::Whole)),
            ("size", _, [text]) => {
                Ok(Typed::Number(Number::Size(self.text(text, "in `size(…)`")?), Kind::Whole))
            }
            ("lower" | "lowerAscii", _, [text]) => {
                Ok(Typed::Text(Text::Lower(Box::new(self.text(text, "before `.lower`")?))))
            }
            ("int", _, [number]) => {
                let (number, _) = self.number(number, "in `int(…)`")?;
                Ok(Typed::Number(Number::Truncated(Box::new(number)), Kind::Whole))
            }
            ("double", _, [number]) => {
                Ok(Typed::Number(self.number(number, "in `double(…)`")?.0, Kind::Fraction))
            }
            _ => Err(self.error(expr, no_function(name, arguments.len()))),
        }
    }

    fn days_since(&self, day: &IdedExpr) -> Checked<Typed> {
        let text = match &day.expr {
            Expr::Literal(LiteralValue::String(text)) => text.inner(),
            _ => "",
        };
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(|day| Typed::Number(Number::DaysSince(day), Kind::Whole))
            .map_err(|_| {
                self.error(day, "expected a day such as `days_since(\"2026-01-01\")`".into())
            })
    }

    /// The name of an attribute, which is in lower case with `_` for spaces, as an import has it.
    pub(super) fn name_of(&self, key: &IdedExpr) -> Checked<String> {
        match &key.expr {
            Expr::Literal(LiteralValue::String(text)) => Ok(text.inner().to_owned()),
            _ => Err(self.error(key, "expected the name of an attribute in quotes".into())),
        }
    }
}

fn no_function(name: &str, arguments: usize) -> String {
    if FUNCTIONS.contains(&name) {
        return format!("`{name}` does not take {arguments} values");
    }
    let hint = nearest(name, FUNCTIONS.into_iter());
    let hint = hint.map_or(String::new(), |meant| format!(", did you mean `{meant}`?"));
    format!("there is no function `{name}`{hint}")
}
