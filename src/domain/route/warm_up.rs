//! A relay that is new to the world begins with few mails a day.
use chrono::NaiveDate;

/// How the most mails of a day grow from the first day on which a relay is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarmUp {
    /// The most mails of the first day, at least 1.
    pub first_day: u32,
    /// What each day has of the one before, in percent, `101..=1000`.
    pub factor_percent: u32,
}

impl WarmUp {
    /// The most mails on `today` of a relay that was used first on `first`; `None` once that is more
    /// than anybody sends.
    ///
    /// # Examples
    ///
    /// ```
    /// # use perennial::domain::WarmUp;
    /// let warm_up = WarmUp { first_day: 50, factor_percent: 150 };
    /// let day = |day| chrono::NaiveDate::from_ymd_opt(2026, 9, day).unwrap();
    /// let caps: Vec<_> = (1..=4).map(|n| warm_up.most_on(day(n), day(1)).unwrap()).collect();
    /// assert_eq!(caps, [50, 75, 112, 168]);
    /// assert_eq!(warm_up.most_on(day(30), day(1)), Some(6_391_701));
    /// ```
    #[must_use]
    pub fn most_on(self, today: NaiveDate, first: NaiveDate) -> Option<u32> {
        let days = i32::try_from((today - first).num_days().max(0)).unwrap_or(i32::MAX);
        let most = f64::from(self.first_day) * (f64::from(self.factor_percent) / 100.0).powi(days);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "just checked")]
        (most < f64::from(u32::MAX)).then_some(most as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_has_its_factor_more_until_there_is_no_limit() {
        let warm_up = WarmUp { first_day: 50, factor_percent: 150 };
        let first = NaiveDate::from_ymd_opt(2026, 9, 25).unwrap();
        let caps: Vec<_> =
            first.iter_days().map(|day| warm_up.most_on(day, first)).take(60).collect();
        let limited: Vec<_> = caps.iter().map_while(|cap| *cap).collect();
        assert!(limited.is_sorted() && limited.len() < 50);
        assert!(caps[limited.len()..].iter().all(Option::is_none));
        assert_eq!(limited[..10].iter().sum::<u32>(), 5663);
        assert_eq!(warm_up.most_on(first.pred_opt().unwrap(), first), Some(50), "a clock put back");
    }
}
