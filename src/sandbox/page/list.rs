//! The list: newest first, in days, searchable, in pages.
use std::{fmt::Write as _, sync::Arc};

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Page, apart,
    render::size,
    words::{Words, local_day, local_time},
};
use crate::{
    domain::one_line,
    sandbox::{letter::Person, mailbox::Kept},
};

/// Mails on a page.
const PER_PAGE: usize = 50;

/// What may follow the question mark. Texts, so that nonsense is passed over and not an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    q: String,
    page: String,
    live: String,
}

#[derive(Serialize)]
struct List {
    t: &'static Words,
    smtp: String,
    query: String,
    /// The same, percent-encoded.
    query_in_url: String,
    live: bool,
    /// Mails found, or all of them without a query.
    total: usize,
    single: bool,
    unread: usize,
    days: Vec<Day>,
    paged: bool,
    pages: usize,
    page: usize,
    newer: Option<usize>,
    older: Option<usize>,
}

#[derive(Serialize)]
struct Day {
    name: String,
    #[serde(skip)]
    date: NaiveDate,
    mails: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: u64,
    unread: bool,
    to: String,
    others: usize,
    from: String,
    subject: String,
    preview: String,
    language: Option<String>,
    attachments: bool,
    size: String,
    time: String,
    iso: String,
    avatar: Avatar,
}

/// A letter in a coloured circle, by which one person's mails are told from another's.
#[derive(Serialize)]
pub(super) struct Avatar {
    letter: String,
    /// One of the eight colours in the style sheet.
    tone: u32,
}

impl Avatar {
    pub(super) fn of(person: &Person) -> Self {
        let letter = person.shown().chars().find(|c| c.is_alphanumeric()).unwrap_or('?');
        let tone = person.address.bytes().fold(0_u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(byte.to_ascii_lowercase().into())
        });
        Self { letter: letter.to_uppercase().collect(), tone: tone % 8 }
    }
}

pub(super) async fn show(
    State(page): State<Page>,
    headers: HeaderMap,
    Query(ask): Query<Ask>,
) -> Response {
    let words = Words::wanted_by(&headers);
    let templates = Arc::clone(&page.templates);
    match apart(move || list(&page, words, &ask)).await {
        Some(list) => templates.page("list", &list),
        None => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn list(page: &Page, t: &'static Words, ask: &Ask) -> List {
    let query = one_line(&ask.q, 200);
    let mails = search(page, &query);
    let pages = mails.len().div_ceil(PER_PAGE).max(1);
    let number = ask.page.parse().unwrap_or(1).clamp(1, pages);
    let shown = mails.iter().skip((number - 1) * PER_PAGE).take(PER_PAGE);
    List {
        t,
        smtp: page.smtp.to_string(),
        live: ask.live == "1",
        total: mails.len(),
        single: mails.len() == 1,
        unread: mails.iter().filter(|mail| mail.is_unread()).count(),
        days: days(shown, t, page.clock.now()),
        paged: pages > 1,
        pages,
        page: number,
        newer: (number > 1).then(|| number - 1),
        older: (number < pages).then(|| number + 1),
        query_in_url: percent_encoded(&query),
        query,
    }
}

/// `text` for the value of a query parameter (RFC 3986 section 2.1).
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(byte.into());
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The mails that match, newest first; all of them if `query` is empty.
pub(super) fn search(page: &Page, query: &str) -> Vec<Arc<Kept>> {
    let query = query.to_lowercase();
    let mut mails = page.mailbox.newest_first();
    if !query.is_empty() {
        mails.retain(|mail| mail.summary().matches(&query));
    }
    mails
}

fn days<'a>(
    mails: impl Iterator<Item = &'a Arc<Kept>>,
    t: &'static Words,
    now: DateTime<Utc>,
) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for mail in mails {
        let date = local_day(mail.received.at);
        match days.last_mut() {
            Some(day) if day.date == date => day.mails.push(row(mail, t)),
            _ => days.push(Day { name: t.day(date, now), date, mails: vec![row(mail, t)] }),
        }
    }
    days
}

fn row(mail: &Kept, t: &'static Words) -> Row {
    let (received, summary) = (&mail.received, mail.summary());
    let subject = if summary.subject.is_empty() { t.no_subject } else { &summary.subject };
    Row {
        id: received.id,
        unread: mail.is_unread(),
        to: summary.to.shown().to_owned(),
        others: summary.others,
        from: summary.from.shown().to_owned(),
        subject: subject.to_owned(),
        preview: summary.preview.clone(),
        language: summary.language.as_deref().map(Words::language),
        attachments: summary.has_attachments,
        size: size(received.raw.len()),
        time: local_time(received.at),
        iso: received.at.to_rfc3339(),
        avatar: Avatar::of(&summary.to),
    }
}
