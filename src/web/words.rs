//! What the public pages say, in each language.
use crate::domain::Locale;

/// The text of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Words {
    pub lang: &'static str,
    pub title: &'static str,
    pub text: &'static str,
    /// Empty where there is nothing to do.
    pub button: &'static str,
}

/// A page that a contact may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// Asks whether to unsubscribe.
    Ask,
    /// Says that it is done.
    Done,
    /// The link is not one of ours, or its mail is gone.
    Gone,
    /// Something is wrong on our side.
    Sorry,
}

impl Page {
    #[cfg(test)]
    pub(super) const ALL: [Self; 4] = [Self::Ask, Self::Done, Self::Gone, Self::Sorry];

    /// The words for a reader of `locale`; English for languages that have none.
    pub(super) fn words(self, locale: &Locale) -> Words {
        if locale.is_chinese() { self.chinese() } else { self.english() }
    }

    const fn english(self) -> Words {
        let (title, text, button) = match self {
            Self::Ask => (
                "Stop these mails?",
                "One press and we will not write to you again. No account, no questions.",
                "Yes, stop writing to me",
            ),
            Self::Done => (
                "Done. We will not write again.",
                "Your address is on our do-not-write list from this moment. If this was a mistake, \
                 answer any of our earlier mails.",
                "",
            ),
            Self::Gone => (
                "This link does not work any more",
                "It may have been cut off or copied in part. If you do not want our mails, answer \
                 any of them with one word and a person will see to it.",
                "",
            ),
            Self::Sorry => (
                "That did not work",
                "Something is wrong on our side. Please try again in a few minutes.",
                "",
            ),
        };
        Words { lang: "en", title, text, button }
    }

    const fn chinese(self) -> Words {
        let (title, text, button) = match self {
            Self::Ask => (
                "不再接收我们的邮件？",
                "点一下即可，我们不会再给您写信。无需登录，也不问原因。",
                "是的，请不要再写信",
            ),
            Self::Done => (
                "已退订，不再打扰",
                "您的地址从此刻起已列入停发名单。如果是误点，回复我们以前的任何一封邮件即可恢复。",
                "",
            ),
            Self::Gone => (
                "这个链接已失效",
                "链接可能被截断或复制不全。如果不想再收到我们的邮件，回复任何一封说一声，会有人为您处理。",
                "",
            ),
            Self::Sorry => ("刚才没有成功", "我们这边出了点问题，请过几分钟再试一次。", ""),
        };
        Words { lang: "zh-CN", title, text, button }
    }
}
