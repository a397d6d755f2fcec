//! What comes back from a mail: the pixel, a link, the way out.
use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use tracing::{debug, warn};

use super::{Shared, words::Page};
use crate::{
    domain::{Feedback, Locale, OutreachId, Purpose, Token},
    engine::chain,
};

/// A transparent GIF of one pixel, 43 bytes.
const PIXEL: &[u8; 43] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\
    \x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// Answers with the pixel, whatever the token: what is counted is nobody's business but ours.
pub(super) async fn open(
    State(shared): State<Arc<Shared>>,
    Path(token): Path<String>,
    method: Method,
) -> Response {
    let token = token.strip_suffix(".gif").unwrap_or(&token);
    if let Some(token) = shared.token(Purpose::Open, token)
        && method == Method::GET
    {
        shared.count(token, Feedback::Open);
    }
    let headers = [
        (header::CONTENT_TYPE, "image/gif"),
        (header::CACHE_CONTROL, "no-store, no-cache, must-revalidate, private"),
        (header::PRAGMA, "no-cache"),
    ];
    (headers, PIXEL.as_slice()).into_response()
}

/// Leads on to where the mail said the link leads.
pub(super) async fn click(
    State(shared): State<Arc<Shared>>,
    Path(token): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let locale = preferred(&headers);
    let Some(token) = shared.token(Purpose::Click, &token) else {
        return shared.page(StatusCode::GONE, Page::Gone, &locale);
    };
    let outreach = OutreachId(token.outreach);
    let url = match shared.engine().store.link(outreach, token.link_no).await {
        Ok(Some(url)) => url,
        Ok(None) => return shared.page(StatusCode::GONE, Page::Gone, &locale),
        Err(error) => return shared.sorry(&error, &locale),
    };
    let Ok(location) = HeaderValue::from_str(&url) else {
        return shared.page(StatusCode::GONE, Page::Gone, &locale);
    };
    if method == Method::GET {
        shared.count(token, Feedback::Click);
    }
    let mut answer = StatusCode::FOUND.into_response();
    answer.headers_mut().extend([
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store, private")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
    ]);
    answer
}

/// Asks whether to unsubscribe. Changes nothing: scanners follow every link (RFC 8058 section 1).
pub(super) async fn ask(
    State(shared): State<Arc<Shared>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    match shared.reader(&token, &headers).await {
        Ok((_, locale)) => shared.page(StatusCode::OK, Page::Ask, &locale),
        Err(answer) => *answer,
    }
}

/// Unsubscribes, at once and however often it is asked. What the body says does not matter: mail
/// programs send `List-Unsubscribe=One-Click`, the page's button sends nothing.
pub(super) async fn unsubscribe(
    State(shared): State<Arc<Shared>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let (outreach, locale) = match shared.reader(&token, &headers).await {
        Ok(reader) => reader,
        Err(answer) => return *answer,
    };
    match shared.engine().record(outreach, Feedback::Unsubscribe, 0).await {
        Ok(_) => shared.page(StatusCode::OK, Page::Done, &locale),
        Err(error) => shared.sorry(&error, &locale),
    }
}

impl Shared {
    fn token(&self, purpose: Purpose, text: &str) -> Option<Token> {
        self.engine().keyring.verify(purpose, text)
    }

    /// Writes feedback down behind the answer's back, so that nobody waits for the database.
    fn count(self: &Arc<Self>, token: Token, feedback: Feedback) {
        let Ok(permit) = Arc::clone(&self.writes).try_acquire_owned() else {
            debug!("Too much feedback at once; one was not counted");
            return;
        };
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let outreach = OutreachId(token.outreach);
            if let Err(error) = shared.engine().record(outreach, feedback, token.link_no).await {
                warn!(%error, "Feedback could not be written down");
            }
            drop(permit);
        });
    }

    /// The mail that an unsubscribe token belongs to and the language of its reader.
    async fn reader(
        &self,
        token: &str,
        headers: &HeaderMap,
    ) -> Result<(OutreachId, Locale), Box<Response>> {
        let preferred = preferred(headers);
        let gone = || Box::new(self.page(StatusCode::GONE, Page::Gone, &preferred));
        let token = self.token(Purpose::Unsubscribe, token).ok_or_else(gone)?;
        let outreach = OutreachId(token.outreach);
        match self.engine().store.feedback_target(outreach).await {
            Ok(Some(target)) => Ok((outreach, target.locale.unwrap_or(preferred))),
            Ok(None) => Err(gone()),
            Err(error) => Err(Box::new(self.sorry(&error, &preferred))),
        }
    }

    fn page(&self, status: StatusCode, page: Page, locale: &Locale) -> Response {
        self.pages.answer(status, page, locale, self.engine().config.company.name_in(locale))
    }

    fn sorry(&self, error: &dyn std::error::Error, locale: &Locale) -> Response {
        warn!(error = chain(&error), "A public page could not be made");
        self.page(StatusCode::SERVICE_UNAVAILABLE, Page::Sorry, locale)
    }
}

/// The language that a browser asks for first, English if it asks for none.
fn preferred(headers: &HeaderMap) -> Locale {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let first = asked.and_then(|list| list.split([',', ';']).next());
    first.and_then(|tag| tag.parse().ok()).unwrap_or_else(Locale::english)
}
