use super::*;
use crate::domain::{Event, EventKind, OccasionRule};

const PATH: &str = "campaigns/day.toml";

/// A campaign whose event has these keys.
fn file(keys: &str) -> Files {
    let texts = "title = { en = \"Day\" }\nplace = { en = \"Here\" }\nzone = \"Asia/Shanghai\"";
    let text =
        format!("occasion = \"invitation\"\ntemplate = \"invitation\"\n[event]\n{texts}\n{keys}\n");
    Files::embedded().with(PATH, &text)
}

fn event(keys: &str) -> Event {
    let config = Folder::new().parse(&file(keys)).unwrap_or_else(|error| panic!("{error}"));
    let mut campaigns = config.rules.campaigns.into_iter();
    match campaigns.find(|campaign| campaign.key == "day").unwrap().occasion {
        OccasionRule::Invitation(event) => event,
        other => panic!("{other:?}"),
    }
}

const HOURS: &str = "starts = 2026-12-05T14:00:00\nends = 2026-12-05T18:00:00";

#[test]
fn an_event_is_a_meeting_unless_it_is_said_to_be_something_else() {
    assert_eq!(event(HOURS).kind, EventKind::Meeting);
    assert_eq!(event(&format!("kind = \"reminder\"\n{HOURS}")).kind, EventKind::Reminder);
}

#[test]
fn a_whole_day_lasts_from_midnight_to_midnight_where_it_is() {
    let event = event("kind = \"day\"\nday = 2026-10-08\nyearly = true");
    assert_eq!(event.kind, EventKind::Day { yearly: true });
    let hours = [event.starts_at, event.ends_at].map(|at| at.to_rfc3339());
    assert_eq!(hours, ["2026-10-07T16:00:00+00:00", "2026-10-08T16:00:00+00:00"]);
}

#[test]
fn keys_of_one_kind_make_no_sense_with_another() {
    for (keys, complaint) in [
        ("kind = \"day\"".to_owned(), "day: missing, expected a day such as 2026-10-08"),
        (
            format!("kind = \"day\"\nday = 2026-10-08\n{HOURS}"),
            "starts: makes no sense with this `kind`",
        ),
        (format!("{HOURS}\nday = 2026-10-08"), "day: makes no sense with this `kind`"),
        (format!("{HOURS}\nyearly = true"), "yearly: expected only with `kind = \"day\"`"),
        ("kind = \"reminder\"".to_owned(), "starts: missing, expected a day and a time"),
        (
            "kind = \"day\"\nday = 2028-02-29\nyearly = true".to_owned(),
            "yearly: expected a day of every year",
        ),
    ] {
        let complaints = Folder::new().complaints(&file(&keys));
        assert!(complaints.contains(complaint), "{keys}: {complaints}");
    }
}
