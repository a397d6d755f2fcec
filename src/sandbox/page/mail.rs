//! One mail: its view, its HTML for the frame, its raw form and its parts.
use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    response::{Html, IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    MAIL_POLICY, Page, RAW_POLICY, apart, list::Avatar, not_found, render::size, words::Words,
};
use crate::sandbox::{
    Received,
    letter::{Letter, Person},
    mailbox::{Found, Kept},
    markup,
};

/// How much of a text or of the raw mail the page shows, in bytes; the rest is a click away.
const SHOWN: usize = 256 << 10;

/// What may follow the question mark.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    view: String,
    width: String,
}

#[derive(Serialize)]
struct View {
    t: &'static Words,
    id: u64,
    subject: String,
    from: Named,
    to: Vec<Named>,
    time: String,
    iso: String,
    size: String,
    language: Option<String>,
    envelope_from: String,
    envelope_to: String,
    unsubscribe: Vec<String>,
    parts: Vec<Attached>,
    newer: Option<u64>,
    older: Option<u64>,
    tabs: [Tab; 4],
    /// Of these four there is the one that was asked for.
    frame: Option<Frame>,
    plain: Option<Plain>,
    headers: Option<Vec<(String, String)>>,
    source: Option<String>,
    cut: bool,
}

#[derive(Serialize)]
struct Frame {
    /// Whether the mail has HTML to put in.
    filled: bool,
    phone: bool,
}

#[derive(Serialize)]
struct Plain {
    /// Empty if the mail has no text.
    text: String,
}

#[derive(Serialize)]
struct Named {
    name: String,
    address: String,
    avatar: Avatar,
}

impl From<&Person> for Named {
    fn from(person: &Person) -> Self {
        let name = if person.name == person.address { String::new() } else { person.name.clone() };
        Self { name, address: person.address.clone(), avatar: Avatar::of(person) }
    }
}

#[derive(Serialize)]
struct Attached {
    place: u32,
    name: String,
    size: String,
}

#[derive(Serialize)]
struct Tab {
    view: &'static str,
    name: &'static str,
    chosen: bool,
}

pub(super) async fn show(
    State(page): State<Page>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(ask): Query<Ask>,
) -> Response {
    let (id, download) = match id.strip_suffix(".eml") {
        Some(id) => (id, true),
        None => (id.as_str(), false),
    };
    let Some(found) = page.find(id) else { return not_found(&page, &headers) };
    if download {
        return eml(&found.mail.received);
    }
    found.mail.mark_read();
    let words = Words::wanted_by(&headers);
    match apart(move || view(&found, words, &ask)).await {
        Some(view) => page.templates.page("mail", &view),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn view(found: &Found, t: &'static Words, ask: &Ask) -> View {
    let received = &found.mail.received;
    let letter = Letter::parse(received);
    let filled = letter.html().is_some();
    let chosen = match ask.view.as_str() {
        view @ ("html" | "text" | "headers" | "raw") => view,
        _ if filled => "html",
        _ => "text",
    };
    let text = (chosen == "text").then(|| letter.text().unwrap_or_default());
    let raw = (chosen == "raw").then(|| String::from_utf8_lossy(&received.raw));
    let long = text.map_or(0, str::len).max(raw.as_ref().map_or(0, |raw| raw.len()));
    let subject = letter.subject();
    View {
        t,
        id: received.id,
        subject: if subject.is_empty() { t.no_subject.to_owned() } else { subject },
        from: Named::from(&letter.from()),
        to: letter.to().iter().map(Named::from).collect(),
        time: t.instant(received.at),
        iso: received.at.to_rfc3339(),
        size: size(received.raw.len()),
        language: found.mail.summary().language.as_deref().map(Words::language),
        envelope_from: format!("<{}>", received.from),
        envelope_to: received.to.clone(),
        unsubscribe: letter.list_unsubscribe(),
        parts: attached(&letter, t),
        newer: found.newer,
        older: found.older,
        tabs: t.tabs().map(|(view, name)| Tab { view, name, chosen: view == chosen }),
        frame: (chosen == "html").then(|| Frame { filled, phone: ask.width == "phone" }),
        plain: text.map(|text| Plain { text: beginning(text).to_owned() }),
        headers: (chosen == "headers").then(|| letter.headers()),
        source: raw.map(|raw| beginning(&raw).to_owned()),
        cut: long > SHOWN,
    }
}

fn attached(letter: &Letter<'_>, t: &'static Words) -> Vec<Attached> {
    let parts = letter.parts().into_iter();
    let name = |name: String| if name.is_empty() { t.unnamed.to_owned() } else { name };
    parts
        .map(|part| Attached { place: part.place, name: name(part.name), size: size(part.bytes) })
        .collect()
}

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN)]
}

/// The mail's own HTML, for the frame. Never trusted; see [`MAIL_POLICY`].
pub(super) async fn html(
    State(page): State<Page>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let Some(Found { mail, .. }) = page.find(&id) else { return not_found(&page, &headers) };
    match apart(move || framed(&mail)).await.flatten() {
        Some(html) => ([(CONTENT_SECURITY_POLICY, MAIL_POLICY)], Html(html)).into_response(),
        None => not_found(&page, &headers),
    }
}

fn framed(mail: &Arc<Kept>) -> Option<String> {
    let letter = Letter::parse(&mail.received);
    let id = mail.received.id;
    let part_of = |content_id: &str| {
        letter.part_with_content_id(content_id).map(|place| format!("/m/{id}/part/{place}"))
    };
    letter.html().map(|html| markup::for_frame(html, part_of))
}

/// The mail as it came, byte for byte.
pub(super) async fn raw(
    State(page): State<Page>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let Some(found) = page.find(&id) else { return not_found(&page, &headers) };
    let headers = [(CONTENT_TYPE, "message/rfc822"), (CONTENT_SECURITY_POLICY, RAW_POLICY)];
    (headers, found.mail.received.raw.clone()).into_response()
}

fn eml(received: &Received) -> Response {
    let disposition = format!("attachment; filename=\"mail-{}.eml\"", received.id);
    let headers = [(CONTENT_TYPE, "message/rfc822".to_owned()), (CONTENT_DISPOSITION, disposition)];
    (headers, received.raw.clone()).into_response()
}

/// An attachment. Pictures of a plain kind may be shown in the frame; all else is only saved.
pub(super) async fn part(
    State(page): State<Page>,
    headers: HeaderMap,
    Path((id, place)): Path<(String, u32)>,
) -> Response {
    let Some(Found { mail, .. }) = page.find(&id) else { return not_found(&page, &headers) };
    let letter = Letter::parse(&mail.received);
    let Some((part, content)) = letter.part(place) else { return not_found(&page, &headers) };
    let picture = ["image/png", "image/jpeg", "image/gif", "image/webp"]
        .into_iter()
        .find(|kind| *kind == part.kind);
    let name: String =
        part.name.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
    let disposition = match picture {
        Some(_) => "inline".to_owned(),
        None => format!("attachment; filename=\"{}\"", name.trim_start_matches('.')),
    };
    let headers = [
        (CONTENT_TYPE, picture.unwrap_or("application/octet-stream").to_owned()),
        (CONTENT_DISPOSITION, disposition),
        (CONTENT_SECURITY_POLICY, RAW_POLICY.to_owned()),
    ];
    (headers, content.to_vec()).into_response()
}
