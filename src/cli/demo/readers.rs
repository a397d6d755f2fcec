//! People who read their mail: they fetch the pixel, follow links and unsubscribe, over HTTP, as the
//! inbox's page and a browser would.
use std::sync::Mutex;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::play::{Month, Story};
use crate::{domain::scattered_share, sandbox::Inbox};

/// Shares of mails that are opened, clicked and answered with "no more". Invented: a friendly list.
const OPENS: f64 = 0.55;
const CLICKS: f64 = 0.18;
const LEAVES: f64 = 0.004;
/// Mails that a headless demo of one day opens and clicks.
const SOME_OPENS: usize = 6;
const SOME_CLICKS: usize = 3;

pub(super) struct Readers {
    inbox: Inbox,
    client: reqwest::Client,
    tracking: String,
    /// The newest mail that was looked at.
    last_seen: Mutex<u64>,
}

/// What the inbox tells of a mail.
#[derive(Deserialize)]
struct Mail {
    links: Vec<String>,
    images: Vec<String>,
    list_unsubscribe: Vec<String>,
}

impl Readers {
    pub(super) fn new(inbox: Inbox, tracking: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(10))
            .build()?;
        Ok(Self { inbox, client, tracking: tracking.to_owned(), last_seen: Mutex::new(0) })
    }

    /// Lets readers react to the mails that came since the last call.
    pub(super) async fn read_new(&self) -> anyhow::Result<Month> {
        let mut done = Month::default();
        for id in self.new_mails() {
            let seed = id.cast_signed();
            let opens = scattered_share(seed, 11) < OPENS;
            let clicks = opens && scattered_share(seed, 12) < CLICKS / OPENS;
            let leaves = scattered_share(seed, 13) < LEAVES;
            if opens || leaves {
                self.react(id, (opens, clicks, leaves), &mut done).await?;
            }
        }
        Ok(done)
    }

    /// Opens and clicks a few mails, for a demo that nobody watches.
    pub(super) async fn read_some(
        &self,
        story: &mut Story,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let mut done = Month::default();
        for (place, id) in self.new_mails().into_iter().take(SOME_OPENS).enumerate() {
            self.react(id, (true, place < SOME_CLICKS, false), &mut done).await?;
        }
        story.read(now, done);
        Ok(())
    }

    fn new_mails(&self) -> Vec<u64> {
        let mut last = self.last_seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut ids: Vec<_> = self.inbox.received().iter().map(|mail| mail.id).collect();
        ids.retain(|id| *id > *last);
        *last = ids.last().copied().unwrap_or(*last);
        ids
    }

    async fn react(
        &self,
        id: u64,
        (opens, clicks, leaves): (bool, bool, bool),
        done: &mut Month,
    ) -> anyhow::Result<()> {
        let url = format!("{}/api/messages/{id}", self.inbox.page_url());
        let mail: Mail = self.get(&url).await?.json().await.context("the inbox's answer is odd")?;
        let ours = |url: &&String| url.starts_with(&self.tracking);
        if opens && let Some(pixel) = mail.images.iter().find(ours) {
            self.get(pixel).await?;
            done.opened += 1;
        }
        let link = mail.links.iter().find(|url| url.starts_with(&format!("{}/c/", self.tracking)));
        if clicks && let Some(link) = link {
            self.get(link).await?;
            done.clicked += 1;
        }
        if leaves && let Some(url) = mail.list_unsubscribe.iter().find(ours) {
            let form = "List-Unsubscribe=One-Click";
            self.client.post(url).body(form).send().await?.error_for_status()?;
            done.unsubscribed += 1;
        }
        Ok(())
    }

    async fn get(&self, url: &str) -> anyhow::Result<reqwest::Response> {
        Ok(self.client.get(url).send().await?.error_for_status()?)
    }
}
