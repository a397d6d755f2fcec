//! What a contact wants, which stands over every rule.
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::OccasionKind;

/// What a contact has asked for. Nothing is asked for by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// No mail before this day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<NaiveDate>,
    /// Days between check-ins, in place of what tier and behaviour say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_days: Option<u32>,
    /// Names of the only kinds of occasions that mail is wanted for; `None` means all, an empty list
    /// means none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
}

impl Wish {
    /// Whether mail for occasions of `kind` is wanted.
    #[must_use]
    pub fn wants(&self, kind: OccasionKind) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|name| name == kind.as_str()))
    }

    /// This wish over an `older` one: what it does not speak of stays as it was.
    #[must_use]
    pub fn over(self, older: Self) -> Self {
        Self {
            paused_until: self.paused_until.or(older.paused_until),
            every_days: self.every_days.or(older.every_days),
            only: self.only.or(older.only),
        }
    }
}

/// The text is not a list of kinds of occasions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `all`, `none`, or kinds of occasions such as `birthday, holiday`")]
pub struct WishError;

/// Reads the kinds of occasions that a contact wants mail for, as a cell of a list has them: names
/// with commas, semicolons or `、` between, `all`, or `none`.
///
/// # Errors
///
/// If one of them is no kind of occasion.
pub fn parse_wanted(text: &str) -> Result<Vec<String>, WishError> {
    match text.trim().to_lowercase().as_str() {
        "all" | "全部" => {
            return Ok(OccasionKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect());
        }
        "none" | "无" | "不要" => return Ok(Vec::new()),
        _ => {}
    }
    text.split([',', ';', '，', '；', '、'])
        .map(|name| kind_called(&name.trim().to_lowercase()).ok_or(WishError))
        .map(|kind| kind.map(|kind| kind.as_str().to_owned()))
        .collect()
}

fn kind_called(name: &str) -> Option<OccasionKind> {
    let kind = match name {
        "生日" => OccasionKind::Birthday,
        "合作周年" => OccasionKind::CooperationAnniversary,
        "公司周年" => OccasionKind::CompanyAnniversary,
        "合同" => OccasionKind::ContractMilestone,
        "邀请" => OccasionKind::Invitation,
        "节日" => OccasionKind::Holiday,
        "回访" => OccasionKind::FollowUp,
        "挽回" => OccasionKind::WinBack,
        "通知" => OccasionKind::OneOff,
        "问候" => OccasionKind::CheckIn,
        name => return OccasionKind::from_name(&name.replace([' ', '_'], "-")),
    };
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_is_wanted_and_all_is_the_default() {
        assert!(OccasionKind::ALL.iter().all(|kind| Wish::default().wants(*kind)));
        let wish =
            Wish { only: Some(parse_wanted("Birthday；节日").unwrap()), ..Wish::default() };
        assert!(wish.wants(OccasionKind::Birthday) && wish.wants(OccasionKind::Holiday));
        assert!(!wish.wants(OccasionKind::CheckIn));
        let nothing = Wish { only: Some(parse_wanted("none").unwrap()), ..Wish::default() };
        assert!(!OccasionKind::ALL.iter().any(|kind| nothing.wants(*kind)));
        assert_eq!(parse_wanted("birthday, parties"), Err(WishError));
        assert_eq!(parse_wanted("all").unwrap().len(), OccasionKind::ALL.len());
    }

    #[test]
    fn a_newer_wish_keeps_what_it_does_not_speak_of() {
        let older = Wish { every_days: Some(60), ..Wish::default() };
        let newer = Wish { paused_until: NaiveDate::from_ymd_opt(2026, 9, 1), ..Wish::default() };
        let both = newer.clone().over(older);
        assert_eq!((both.every_days, both.paused_until), (Some(60), newer.paused_until));
    }
}
