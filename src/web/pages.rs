//! The pages that a contact may be shown.
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use handlebars::Handlebars;
use serde::Serialize;

use super::words::Page;
use crate::domain::Locale;

/// The page template, compiled.
pub(super) struct Pages(Handlebars<'static>);

#[derive(Serialize)]
struct Context<'a> {
    lang: &'static str,
    title: &'static str,
    text: &'static str,
    button: &'static str,
    company: &'a str,
}

/// Nothing on the page is fetched, run or framed; the only form posts to the page itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

impl Pages {
    pub(super) fn new() -> Self {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry
            .register_template_string("page", include_str!("../../templates/web/page.hbs"))
            .expect("the template is part of the program and rendered by its tests");
        Self(registry)
    }

    /// `page` in the language of `locale`, signed by `company`.
    pub(super) fn answer(
        &self,
        status: StatusCode,
        page: Page,
        locale: &Locale,
        company: &str,
    ) -> Response {
        let words = page.words(locale);
        let context = Context {
            lang: words.lang,
            title: words.title,
            text: words.text,
            button: words.button,
            company,
        };
        let html = self.0.render("page", &context).unwrap_or_else(|_| words.title.to_owned());
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (status, headers, html).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_page_renders_in_both_languages_and_names_the_company_escaped() {
        let pages = Pages::new();
        for locale in ["en", "zh-CN"] {
            for page in Page::ALL {
                let locale: Locale = locale.parse().unwrap();
                let answer = pages.answer(StatusCode::OK, page, &locale, "A <b> & Söhne");
                let body = axum::body::to_bytes(answer.into_body(), 100_000).await.unwrap();
                let html = String::from_utf8(body.to_vec()).unwrap();
                assert!(html.contains(page.words(&locale).title), "{html}");
                assert!(html.contains("A &lt;b&gt; &amp; Söhne"), "{html}");
                assert_eq!(html.contains("<form"), page == Page::Ask);
            }
        }
    }
}
