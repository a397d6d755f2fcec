//! Statements over a list of rows whose values are bound one by one.
//!
//! SQLite takes a list as JSON apart three times, once for each element and once for each column of it;
//! for the marks of a busy sender that was a quarter of its work (docs/benchmarks.md).
use std::{
    fmt::Write as _,
    sync::{Arc, OnceLock},
};

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

/// Rows of one statement at most. A group of marks is no larger.
pub(super) const MOST: usize = 64;

/// For each of these numbers of rows there is a text, so that few are prepared; what is missing is
/// filled up with rows of nulls, which meet nothing.
const SIZES: [usize; 8] = [1, 2, 4, 8, 16, 32, 48, MOST];

/// A text in which `{3}` stands for rows of three values each. All its placeholders are `?`: SQLite looks
/// each numbered one up in a list of all of them.
pub(super) struct Listed {
    template: &'static str,
    texts: [OnceLock<SqlStr>; SIZES.len()],
}

impl Listed {
    /// A text with at least one list.
    pub(super) const fn new(template: &'static str) -> Self {
        Self { template, texts: [const { OnceLock::new() }; SIZES.len()] }
    }

    /// The text for `rows` rows, at most [`MOST`], and how many rows it has room for.
    pub(super) fn text(&self, rows: usize) -> (SqlStr, usize) {
        debug_assert!(rows <= MOST);
        let place = SIZES.iter().position(|size| rows <= *size).unwrap_or(SIZES.len() - 1);
        let size = SIZES[place];
        let text = self.texts[place].get_or_init(|| {
            AssertSqlSafe(Arc::<str>::from(written_out(self.template, size))).into_sql_str()
        });
        (text.clone(), size)
    }
}

fn written_out(template: &str, rows: usize) -> String {
    let mut parts = template.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (columns, rest) = part.split_once('}').expect("a list is closed");
        let columns = columns.parse().expect("a list says how many values a row has");
        let row = vec!["?"; columns].join(", ");
        let list = vec![format!("({row})"); rows].join(", ");
        let _ = write!(text, "{list}{rest}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_room_for_its_rows_and_is_written_once_for_each_size() {
        let listed = Listed::new("with m (a, b) as (values {2}) select a from m where b > ?");
        let (text, room) = listed.text(3);
        assert_eq!(room, 4);
        assert_eq!(
            text.as_str(),
            "with m (a, b) as (values (?, ?), (?, ?), (?, ?), (?, ?)) select a from m where b > ?"
        );
        assert_eq!(listed.text(4).0.as_str().as_ptr(), text.as_str().as_ptr());
        for rows in 1..=MOST {
            assert!(listed.text(rows).1 >= rows, "{rows}");
        }
    }
}
