//! The same mails for programs, as JSON.
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{Page, apart, list::search};
use crate::{
    domain::one_line,
    sandbox::{
        letter::Letter,
        mailbox::{Found, Kept},
        markup,
    },
};

/// What may follow the question mark: the same search as on the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    q: String,
}

/// What both routes say of a mail. `from` and `to` are the envelope's.
#[derive(Serialize)]
struct Brief {
    id: u64,
    from: String,
    to: String,
    subject: String,
    /// RFC 3339, in UTC.
    received_at: String,
    size_bytes: usize,
}

impl Brief {
    fn of(mail: &Kept) -> Self {
        let received = &mail.received;
        Self {
            id: received.id,
            from: received.from.clone(),
            to: received.to.clone(),
            subject: mail.summary().subject.clone(),
            received_at: received.at.to_rfc3339(),
            size_bytes: received.raw.len(),
        }
    }
}

#[derive(Serialize)]
struct Full {
    #[serde(flatten)]
    brief: Brief,
    /// In the order of the mail; a name may occur more than once.
    headers: Vec<Header>,
    text: Option<String>,
    html: Option<String>,
    links: Vec<String>,
    images: Vec<String>,
    list_unsubscribe: Vec<String>,
}

#[derive(Serialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct Problem {
    error: &'static str,
}

/// Every mail kept, newest first.
pub(super) async fn list(State(page): State<Page>, Query(ask): Query<Ask>) -> Response {
    let briefs = apart(move || {
        let mails = search(&page, &one_line(&ask.q, 200));
        mails.iter().map(|mail| Brief::of(mail)).collect::<Vec<_>>()
    });
    match briefs.await {
        Some(briefs) => Json(briefs).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// One mail. Looking at it here does not mark it as read.
pub(super) async fn show(State(page): State<Page>, Path(id): Path<String>) -> Response {
    let Some(Found { mail, .. }) = page.find(&id) else {
        return (StatusCode::NOT_FOUND, Json(Problem { error: "no such mail" })).into_response();
    };
    match apart(move || full(&mail)).await {
        Some(full) => Json(full).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn full(mail: &Kept) -> Full {
    let letter = Letter::parse(&mail.received);
    let markup::Addresses { links, images } =
        letter.html().map(markup::addresses).unwrap_or_default();
    let headers = letter.headers().into_iter().map(|(name, value)| Header { name, value });
    Full {
        brief: Brief::of(mail),
        headers: headers.collect(),
        text: letter.text().map(str::to_owned),
        html: letter.html().map(str::to_owned),
        links,
        images,
        list_unsubscribe: letter.list_unsubscribe(),
    }
}
