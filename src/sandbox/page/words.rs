//! Every word on the page, in English and in Chinese.
use axum::http::{HeaderMap, header::ACCEPT_LANGUAGE};
use chrono::{DateTime, Datelike, Days, Local, NaiveDate, Utc};
use serde::Serialize;

/// The page's texts in one language.
#[derive(Debug, Serialize)]
pub(super) struct Words {
    /// For `<html lang>`.
    pub(super) lang: &'static str,
    inbox: &'static str,
    notice: &'static str,
    search: &'static str,
    clear: &'static str,
    refresh: &'static str,
    live: &'static str,
    live_hint: &'static str,
    mails: &'static str,
    mail: &'static str,
    found: &'static str,
    unread: &'static str,
    attachments: &'static str,
    from: &'static str,
    to: &'static str,
    newer: &'static str,
    older: &'static str,
    empty: &'static str,
    empty_hint: &'static str,
    nothing_found: &'static str,
    nothing_found_hint: &'static str,
    back: &'static str,
    download: &'static str,
    text: &'static str,
    headers: &'static str,
    raw: &'static str,
    desktop: &'static str,
    phone: &'static str,
    width: &'static str,
    no_html: &'static str,
    no_text: &'static str,
    frame: &'static str,
    envelope: &'static str,
    unsubscribe: &'static str,
    cut: &'static str,
    whole: &'static str,
    missing: &'static str,
    missing_hint: &'static str,
    pub(super) no_subject: &'static str,
    pub(super) unnamed: &'static str,
    today: &'static str,
    yesterday: &'static str,
}

static ENGLISH: Words = Words {
    lang: "en",
    inbox: "Inbox",
    notice: "Mail stops here. Nothing leaves this machine.",
    search: "Search people and subjects",
    clear: "Clear search",
    refresh: "Refresh",
    live: "Live",
    live_hint: "Reload every 3 seconds",
    mails: "mails",
    mail: "mail",
    found: "found",
    unread: "unread",
    attachments: "Attachments",
    from: "From",
    to: "To",
    newer: "Newer",
    older: "Older",
    empty: "No mail yet",
    empty_hint: "Whatever is sent to this server shows up here:",
    nothing_found: "Nothing found",
    nothing_found_hint: "No mail has all of these words in its people, subject or first line.",
    back: "Inbox",
    download: "Download",
    text: "Text",
    headers: "Headers",
    raw: "Raw",
    desktop: "Desktop",
    phone: "Phone",
    width: "Width",
    no_html: "This mail has no HTML part.",
    no_text: "This mail has no text part.",
    frame: "The mail as its reader sees it",
    envelope: "Envelope",
    unsubscribe: "Unsubscribe",
    cut: "Only the beginning is shown.",
    whole: "Download all of it",
    missing: "There is no such page",
    missing_hint: "The mail may have made way for newer ones.",
    no_subject: "(no subject)",
    unnamed: "unnamed",
    today: "Today",
    yesterday: "Yesterday",
};

static CHINESE: Words = Words {
    lang: "zh-CN",
    inbox: "收件箱",
    notice: "邮件到此为止，不会离开本机。",
    search: "搜索联系人或主题",
    clear: "清除搜索",
    refresh: "刷新",
    live: "实时",
    live_hint: "每 3 秒自动刷新",
    mails: "封邮件",
    mail: "封邮件",
    found: "条结果",
    unread: "封未读",
    attachments: "附件",
    from: "发件人",
    to: "收件人",
    newer: "较新",
    older: "较早",
    empty: "还没有邮件",
    empty_hint: "发到这个服务器的邮件都会显示在这里：",
    nothing_found: "没有找到",
    nothing_found_hint: "没有邮件的联系人、主题或首行同时包含这些词。",
    back: "收件箱",
    download: "下载",
    text: "纯文本",
    headers: "邮件头",
    raw: "原文",
    desktop: "桌面",
    phone: "手机",
    width: "宽度",
    no_html: "这封邮件没有 HTML 部分。",
    no_text: "这封邮件没有纯文本部分。",
    frame: "收件人看到的邮件",
    envelope: "信封",
    unsubscribe: "退订",
    cut: "只显示开头部分。",
    whole: "下载全部",
    missing: "页面不存在",
    missing_hint: "这封邮件可能已让位给更新的邮件。",
    no_subject: "（无主题）",
    unnamed: "未命名",
    today: "今天",
    yesterday: "昨天",
};

impl Words {
    /// The language that the browser prefers (RFC 9110 section 12.5.4); English if it wants neither.
    pub(super) fn wanted_by(headers: &HeaderMap) -> &'static Self {
        let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut best = (0.0, &ENGLISH);
        for range in wanted.unwrap_or_default().split(',') {
            let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
            let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse);
            let words = match tag.trim().split('-').next().unwrap_or_default() {
                "zh" => &CHINESE,
                "en" | "*" => &ENGLISH,
                _ => continue,
            };
            if let Ok(weight) = weight
                && weight > best.0
            {
                best = (weight, words);
            }
        }
        best.1
    }

    /// The views of a mail, as written in an address and as shown.
    pub(super) fn tabs(&self) -> [(&'static str, &'static str); 4] {
        [("html", "HTML"), ("text", self.text), ("headers", self.headers), ("raw", self.raw)]
    }

    fn is_chinese(&self) -> bool {
        self.lang == CHINESE.lang
    }

    /// The day, as a heading: `Today`, or `Tuesday, 3 November 2026`.
    pub(super) fn day(&self, day: NaiveDate, now: DateTime<Utc>) -> String {
        let today = local_day(now);
        if day == today {
            self.today.to_owned()
        } else if today.checked_sub_days(Days::new(1)) == Some(day) {
            self.yesterday.to_owned()
        } else if self.is_chinese() {
            format!("{} {}", day.format("%Y年%-m月%-d日"), weekday_in_chinese(day))
        } else {
            day.format("%A, %-d %B %Y").to_string()
        }
    }

    /// The instant in full, for the head of a mail: `3 November 2026, 14:05:09 +01:00`.
    pub(super) fn instant(&self, at: DateTime<Utc>) -> String {
        let at = at.with_timezone(&Local);
        let format = if self.is_chinese() {
            "%Y年%-m月%-d日 %H:%M:%S %:z"
        } else {
            "%-d %B %Y, %H:%M:%S %:z"
        };
        at.format(format).to_string()
    }

    /// A language's name for a chip: `EN`, `中文`.
    pub(super) fn language(tag: &str) -> String {
        match tag {
            "zh" => "中文".to_owned(),
            "ja" => "日本語".to_owned(),
            tag => tag.to_uppercase(),
        }
    }
}

/// The reader sits at this machine, so its zone is the reader's.
pub(super) fn local_day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Local).date_naive()
}

/// Hours and minutes on this machine's clock.
pub(super) fn local_time(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format("%H:%M").to_string()
}

fn weekday_in_chinese(day: NaiveDate) -> &'static str {
    const NAMES: [&str; 7] = ["星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"];
    NAMES[day.weekday().num_days_from_sunday() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(languages: &str) -> &'static str {
        let headers = [(ACCEPT_LANGUAGE, languages.parse().unwrap())].into_iter().collect();
        Words::wanted_by(&headers).lang
    }

    #[test]
    fn the_browser_chooses_the_language() {
        assert_eq!(wanted("zh-CN,zh;q=0.9,en;q=0.8"), "zh-CN");
        assert_eq!(wanted("en-GB;q=0.4, zh;q=0.7"), "zh-CN");
        assert_eq!(wanted("de,en;q=0.8,zh;q=0.5"), "en");
        for languages in ["", "de", "zh;q=x", "zh;q=0", ";;,,", "*"] {
            assert_eq!(wanted(languages), "en", "{languages:?}");
        }
    }

    #[test]
    fn days_are_named_from_the_readers_today() {
        let now = "2026-11-03T12:00:00Z".parse().unwrap();
        let day = |day: u32| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        assert_eq!(ENGLISH.day(local_day(now), now), "Today");
        assert_eq!(ENGLISH.day(day(1), now), "Sunday, 1 November 2026");
        assert_eq!(CHINESE.day(day(1), now), "2026年11月1日 星期日");
    }
}
