//! What the tests are made of: databases, rows, a running engine, and a relay that misbehaves.
pub(crate) mod chaos;
pub(crate) mod cluster;
pub(crate) mod daemon;
pub(crate) mod database;
pub(crate) mod records;
pub(crate) mod relay;
pub(crate) mod reports;
pub(crate) mod rows;
pub(crate) mod world;

use chrono::{DateTime, NaiveDate, Utc};

/// An instant, RFC 3339.
pub(crate) fn at(instant: &str) -> DateTime<Utc> {
    instant.parse().unwrap()
}

/// A day, `YYYY-MM-DD`.
pub(crate) fn day(day: &str) -> NaiveDate {
    day.parse().unwrap()
}

/// Makes two tests of each claim, one for each database. A claim is an `async fn(&Database)`.
macro_rules! on_both_databases {
    ($($claim:ident),* $(,)?) => {
        $(mod $claim {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$claim(&crate::support::database::Database::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$claim(&crate::support::database::Database::postgres().await).await;
            }
        })*
    };
}
pub(crate) use on_both_databases;
