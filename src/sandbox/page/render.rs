//! Templates, and answers made with them.
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use handlebars::Handlebars;
use serde::Serialize;
use tracing::error;

use super::words::Words;

/// The page's templates. Each escapes what it is given; none has a `{{{`.
pub(super) struct Templates(Handlebars<'static>);

#[derive(Serialize)]
struct Missing {
    t: &'static Words,
}

impl Templates {
    pub(super) fn new() -> Self {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        for (name, source) in [
            ("layout", include_str!("../../../templates/web/inbox_layout.hbs")),
            ("list", include_str!("../../../templates/web/inbox_list.hbs")),
            ("mail", include_str!("../../../templates/web/inbox_mail.hbs")),
            ("missing", include_str!("../../../templates/web/inbox_missing.hbs")),
        ] {
            registry
                .register_template_string(name, source)
                .expect("the templates are part of the program and rendered by its tests");
        }
        Self(registry)
    }

    /// The page, or a plain apology if the template asks for something that `context` lacks.
    pub(super) fn page(&self, name: &'static str, context: &impl Serialize) -> Response {
        match self.0.render(name, context) {
            Ok(page) => Html(page).into_response(),
            Err(error) => {
                error!(template.name = name, %error, "The inbox page {name} was not rendered");
                (StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made\n").into_response()
            }
        }
    }

    pub(super) fn missing(&self, t: &'static Words) -> Response {
        (StatusCode::NOT_FOUND, self.page("missing", &Missing { t })).into_response()
    }
}

/// A number of bytes for people: `512 B`, `8.1 kB`, `24 MB`.
pub(super) fn size(bytes: usize) -> String {
    let scaled = |unit: usize, name: &str| {
        let tenths = bytes.saturating_mul(10) / unit;
        if tenths < 100 {
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        } else {
            format!("{} {name}", tenths / 10)
        }
    };
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => scaled(1_000, "kB"),
        _ => scaled(1_000_000, "MB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_digits_at_least_and_one_decimal_at_most() {
        let sizes = [0, 999, 1_000, 8_149, 10_000, 999_999, 1_000_000, 26_214_400].map(size);
        let expected = ["0 B", "999 B", "1.0 kB", "8.1 kB", "10 kB", "999 kB", "1.0 MB", "26 MB"];
        assert_eq!(sizes, expected);
    }
}
