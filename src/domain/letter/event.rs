//! Place and time of an event, as a letter tells them.
use chrono::{DateTime, Datelike as _, NaiveDate, Offset as _, TimeDelta, Weekday};
use chrono_tz::Tz;
use serde::Serialize;

use super::date_text;
use crate::domain::{Event, EventKind, Locale};

/// What a letter invites to.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct LetterEvent {
    /// What it is called, in the reader's language.
    pub title: String,
    /// Where it is.
    pub place: String,
    /// Its day, or its first and last day, where it is: `Thursday, 14 May 2026`.
    pub day_text: String,
    /// When it begins and ends, by the clocks of the place:
    /// `14:00 to 18:00 (Shanghai time, UTC+8)`; `all day` for a whole day.
    pub time_text: String,
}

/// Zones as Chinese readers name them; others are named by their city in Latin letters.
const CHINESE_ZONES: [(&str, &str); 20] = [
    ("America/Chicago", "芝加哥时间"),
    ("America/Los_Angeles", "洛杉矶时间"),
    ("America/New_York", "纽约时间"),
    ("Asia/Bangkok", "曼谷时间"),
    ("Asia/Chongqing", "北京时间"),
    ("Asia/Dubai", "迪拜时间"),
    ("Asia/Harbin", "北京时间"),
    ("Asia/Hong_Kong", "香港时间"),
    ("Asia/Kuala_Lumpur", "吉隆坡时间"),
    ("Asia/Macau", "澳门时间"),
    ("Asia/Seoul", "首尔时间"),
    ("Asia/Shanghai", "北京时间"),
    ("Asia/Singapore", "新加坡时间"),
    ("Asia/Taipei", "台北时间"),
    ("Asia/Tokyo", "东京时间"),
    ("Australia/Sydney", "悉尼时间"),
    ("Europe/Berlin", "柏林时间"),
    ("Europe/London", "伦敦时间"),
    ("Europe/Paris", "巴黎时间"),
    ("PRC", "北京时间"),
];

impl LetterEvent {
    /// What a letter in `locale` says of `event`.
    #[must_use]
    pub fn of(event: &Event, locale: &Locale) -> Self {
        let [starts, ends] =
            [event.starts_at, event.ends_at].map(|at| at.with_timezone(&event.zone));
        Self {
            title: event.title(locale).to_owned(),
            place: event.place(locale).to_owned(),
            day_text: match event.kind {
                EventKind::Meeting | EventKind::Reminder => days(locale, &starts, &ends),
                EventKind::Day { .. } => day(locale, event.day()),
            },
            time_text: match event.kind {
                EventKind::Meeting | EventKind::Reminder => times(locale, &starts, &ends),
                EventKind::Day { .. } if locale.is_chinese() => "全天".to_owned(),
                EventKind::Day { .. } => "all day".to_owned(),
            },
        }
    }
}

/// Whether the event is named by its first day alone: an evening that ends past midnight is one.
fn is_of_one_day(starts: &DateTime<Tz>, ends: &DateTime<Tz>) -> bool {
    starts.date_naive() == ends.date_naive() || *ends - *starts < TimeDelta::hours(12)
}

fn days(locale: &Locale, starts: &DateTime<Tz>, ends: &DateTime<Tz>) -> String {
    let first = day(locale, starts.date_naive());
    if is_of_one_day(starts, ends) {
        return first;
    }
    let last = day(locale, ends.date_naive());
    if locale.is_chinese() { format!("{first}至{last}") } else { format!("{first}, to {last}") }
}

/// The date with its day of the week: `Thursday, 14 May 2026`, `2026年5月14日（星期四）`.
fn day(locale: &Locale, date: NaiveDate) -> String {
    let text = date_text(locale, date);
    if locale.is_chinese() {
        format!("{text}（{}）", chinese_weekday(date.weekday()))
    } else {
        format!("{}, {text}", date.format("%A"))
    }
}

const fn chinese_weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "星期一",
        Weekday::Tue => "星期二",
        Weekday::Wed => "星期三",
        Weekday::Thu => "星期四",
        Weekday::Fri => "星期五",
        Weekday::Sat => "星期六",
        Weekday::Sun => "星期日",
    }
}

fn times(locale: &Locale, starts: &DateTime<Tz>, ends: &DateTime<Tz>) -> String {
    let [from, until] = [starts, ends].map(|at| at.format("%H:%M"));
    let is_same_day = starts.date_naive() == ends.date_naive();
    let zone = zone(locale, starts);
    if locale.is_chinese() {
        let until = match (is_same_day, is_of_one_day(starts, ends)) {
            (true, _) => format!("{until}"),
            (false, true) => format!("次日 {until}"),
            (false, false) => format!("最后一天 {until}"),
        };
        format!("{from} 至{space}{until}（{zone}）", space = if is_same_day { " " } else { "" })
    } else {
        let end_day = match (is_same_day, is_of_one_day(starts, ends)) {
            (true, _) => "",
            (false, true) => " the next day",
            (false, false) => " on the last day",
        };
        format!("{from} to {until}{end_day} ({zone})")
    }
}

/// The zone by its city, and how far it is from UTC at that moment.
fn zone(locale: &Locale, at: &DateTime<Tz>) -> String {
    let name = at.timezone().name();
    let minutes = at.offset().fix().local_minus_utc() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
    let offset = match (hours, rest) {
        (0, 0) => "UTC".to_owned(),
        (_, 0) => format!("UTC{sign}{hours}"),
        _ => format!("UTC{sign}{hours}:{rest:02}"),
    };
    let city = name.rsplit_once('/').filter(|(area, _)| *area != "Etc");
    let Some((_, city)) = city else { return offset };
    let city = city.replace('_', " ");
    if !locale.is_chinese() {
        return format!("{city} time, {offset}");
    }
    let known = CHINESE_ZONES.iter().find(|(known, _)| *known == name);
    known.map_or_else(|| format!("{city} 时间，{offset}"), |(_, text)| format!("{text}，{offset}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(starts: &str, ends: &str, zone: Tz, tag: &str) -> [String; 2] {
        let event = Event {
            kind: EventKind::Meeting,
            starts_at: starts.parse().unwrap(),
            ends_at: ends.parse().unwrap(),
            zone,
            titles: vec![(Locale::english(), "Forum".to_owned())],
            places: Vec::new(),
            sequence: 0,
        };
        let said = LetterEvent::of(&event, &tag.parse().unwrap());
        assert_eq!((said.title.as_str(), said.place.as_str()), ("Forum", ""));
        [said.day_text, said.time_text]
    }

    #[test]
    fn times_are_by_the_clocks_of_the_place_and_name_them() {
        let afternoon = |zone, tag| at("2026-12-05T06:00:00Z", "2026-12-05T10:00:00Z", zone, tag);
        assert_eq!(
            afternoon(Tz::Asia__Shanghai, "en-GB"),
            ["Saturday, 5 December 2026", "14:00 to 18:00 (Shanghai time, UTC+8)"]
        );
        assert_eq!(
            afternoon(Tz::Asia__Shanghai, "zh-CN"),
            ["2026年12月5日（星期六）", "14:00 至 18:00（北京时间，UTC+8）"]
        );
        assert_eq!(
            afternoon(Tz::America__New_York, "en")[1],
            "01:00 to 05:00 (New York time, UTC-5)"
        );
        assert_eq!(
            afternoon(Tz::Asia__Kolkata, "zh")[1],
            "11:30 至 15:30（Kolkata 时间，UTC+5:30）"
        );
        assert_eq!(afternoon(Tz::UTC, "en")[1], "06:00 to 10:00 (UTC)");
        assert_eq!(afternoon(Tz::Etc__GMTMinus8, "en")[1], "14:00 to 18:00 (UTC+8)");
    }

    #[test]
    fn a_whole_day_has_no_hours() {
        let zone = Tz::Asia__Shanghai;
        let [starts_at, ends_at] = Event::hours_of("2026-10-08".parse().unwrap(), zone);
        assert_eq!(starts_at.to_rfc3339(), "2026-10-07T16:00:00+00:00");
        let (titles, places) = (Vec::new(), Vec::new());
        let kind = EventKind::Day { yearly: true };
        let event = Event { kind, starts_at, ends_at, zone, titles, places, sequence: 0 };
        let [english, chinese] =
            ["en", "zh"].map(|tag| LetterEvent::of(&event, &tag.parse().unwrap()));
        assert_eq!(
            (&*english.day_text, &*english.time_text),
            ("Thursday, 8 October 2026", "all day")
        );
        assert_eq!((&*chinese.day_text, &*chinese.time_text), ("2026年10月8日（星期四）", "全天"));
    }

    #[test]
    fn an_evening_past_midnight_is_one_day_and_a_fair_is_several() {
        let evening =
            |tag| at("2026-12-05T19:00:00Z", "2026-12-06T01:00:00Z", Tz::Europe__London, tag);
        assert_eq!(
            evening("en"),
            ["Saturday, 5 December 2026", "19:00 to 01:00 the next day (London time, UTC)"]
        );
        assert_eq!(evening("zh")[1], "19:00 至次日 01:00（伦敦时间，UTC）");
        let fair =
            |tag| at("2026-12-05T09:00:00Z", "2026-12-07T16:00:00Z", Tz::Europe__London, tag);
        assert_eq!(
            fair("en"),
            [
                "Saturday, 5 December 2026, to Monday, 7 December 2026",
                "09:00 to 16:00 on the last day (London time, UTC)"
            ]
        );
        assert_eq!(
            fair("zh"),
            [
                "2026年12月5日（星期六）至2026年12月7日（星期一）",
                "09:00 至最后一天 16:00（伦敦时间，UTC）"
            ]
        );
    }
}
