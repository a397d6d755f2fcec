//! What the world sees of us: the DNS, and our own public pages.
//!
//! Answers only: what follows from them is for the domain to say. Whatever comes in is bounded in time
//! and size, and nothing of it is believed but that it was said.
mod dns;
mod http;
mod page;

use std::future::Future;

pub use dns::Resolver;
pub use page::{PageError, PageRequest};

use crate::domain::doctor::{Answer, PublicAnswer, Question};

/// Somebody to ask; in tests one who has learned his answers by heart.
pub trait Lookup: Clone + Send + Sync + 'static {
    /// What the DNS says, within five seconds.
    fn ask(&self, question: &Question) -> impl Future<Output = Answer> + Send;

    /// What a web server answers, within five seconds.
    fn page(
        &self,
        request: &PageRequest,
    ) -> impl Future<Output = Result<PublicAnswer, PageError>> + Send;
}

/// The world itself.
#[derive(Debug, Clone)]
pub struct World(Resolver);

impl World {
    /// The world as this machine's settings reach it.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self(Resolver::of_this_machine())
    }
}

impl Lookup for World {
    async fn ask(&self, question: &Question) -> Answer {
        self.0.ask(question).await
    }

    async fn page(&self, request: &PageRequest) -> Result<PublicAnswer, PageError> {
        page::fetch(request).await
    }
}
