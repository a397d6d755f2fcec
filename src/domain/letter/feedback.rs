//! Under which words the largest receiver counts complaints.
use crate::domain::Campaign;

/// Characters of the last word.
const SENDER: std::ops::RangeInclusive<usize> = 5..=15;

/// The value of `Feedback-ID`: campaign, kind of occasion, whether it advertises, and the sender. It
/// is the same for all readers of a campaign, or it would tell nothing of any.
///
/// The last word is the sender's domain in 5 to 15 letters and digits, which stays as long as the
/// domain does.
#[must_use]
pub fn feedback_id(campaign: &Campaign, domain: &str) -> String {
    let kind = campaign.occasion.kind().as_str();
    let purpose = if campaign.commercial { "commercial" } else { "service" };
    format!("{}:{kind}:{purpose}:{}", campaign.family(), sender_id(domain))
}

fn sender_id(domain: &str) -> String {
    let plain = domain.chars().filter(char::is_ascii_alphanumeric);
    let mut id: String = plain.map(|c| c.to_ascii_lowercase()).take(*SENDER.end()).collect();
    while id.len() < *SENDER.start() {
        id.push('0');
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DayOff, OccasionRule, samples::campaign};

    #[test]
    fn a_feedback_id_has_four_words_and_nothing_of_the_reader() {
        let campaign = campaign("birthday", OccasionRule::Birthday, 2, DayOff::Keep);
        let id = feedback_id(&campaign, "example.com");
        assert_eq!(id, "birthday:birthday:commercial:examplecom");
        let step = Campaign { key: "birthday/early".to_owned(), commercial: false, ..campaign };
        assert_eq!(feedback_id(&step, "example.com"), "birthday:birthday:service:examplecom");
    }

    #[test]
    fn the_sender_has_five_to_fifteen_characters() {
        for (domain, expected) in [
            ("a.b", "ab000"),
            ("mail.a-rather-long-name.example", "mailaratherlong"),
            ("xn--fsqu00a.com", "xnfsqu00acom"),
        ] {
            assert_eq!(sender_id(domain), expected);
        }
    }
}
