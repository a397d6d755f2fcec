//! What a forecast may expect of readers.
use super::{ContactId, scattered_share};

/// Mails that the whole list's rate stands for in a contact's own: with few mails of one's own the
/// list decides, with many the contact.
const PRIOR_MAILS: f64 = 5.0;

/// Salt of the shares that decide on expected clicks; each further mail takes the next number.
const CLICK_SALT: u64 = 1000;

/// How often a contact follows a link of a mail, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClickRate(f64);

impl ClickRate {
    /// The rate of somebody who followed a link in `clicked` of `mails`, where the whole list does so
    /// in `overall` (0 to 1) of its mails.
    #[must_use]
    pub fn of(clicked: u32, mails: u32, overall: f64) -> Self {
        let overall = overall.clamp(0.0, 1.0);
        let rate = (f64::from(clicked) + PRIOR_MAILS * overall) / (f64::from(mails) + PRIOR_MAILS);
        Self(rate.clamp(0.0, 1.0))
    }

    /// Whether `contact` is expected to follow a link of the mail that is number `nth` from now. The
    /// same answer every time, and over many contacts and mails as often as the rate says.
    #[must_use]
    pub fn expects_click(self, contact: ContactId, nth: u64) -> bool {
        scattered_share(contact.0, CLICK_SALT + nth) < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_no_mails_the_list_decides_and_with_many_the_contact() {
        assert_eq!(ClickRate::of(0, 0, 0.2), ClickRate(0.2));
        let ClickRate(eager) = ClickRate::of(95, 95, 0.2);
        assert!((eager - 0.96).abs() < 1e-9);
        let ClickRate(never) = ClickRate::of(0, 45, 0.2);
        assert!((never - 0.02).abs() < 1e-9);
    }

    #[test]
    fn over_many_contacts_clicks_come_as_often_as_the_rate_says() {
        let rate = ClickRate::of(0, 0, 0.3);
        let clicks = (0..20_000).filter(|id| rate.expects_click(ContactId(*id), 0)).count();
        assert!((5_700..6_300).contains(&clicks), "{clicks}");
        let twice = |nth| rate.expects_click(ContactId(7), nth);
        assert_eq!([twice(0), twice(1), twice(2)], [twice(0), twice(1), twice(2)]);
    }
}
