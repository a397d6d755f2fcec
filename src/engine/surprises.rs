//! Looks for rules that are in order and still surprise, with the contacts there are.
use std::collections::BTreeSet;

use super::{Engine, EngineError, PAGE};
use crate::domain::{Campaign, ContactId, Locale, Surprise, SurpriseKind};

impl Engine {
    /// What is surprising about the rules in force. Reads contacts until every campaign has found
    /// one whom it means; where a campaign means nobody, that is all of them.
    #[tracing::instrument(name = "engine.surprises", skip_all, err)]
    pub async fn surprises(&self) -> Result<Vec<Surprise>, EngineError> {
        let now = self.clock.now();
        let rules = &self.config.rules;
        let mut found = rules.surprises(now.with_timezone(&self.config.defaults.zone).date_naive());
        let mut lonely: BTreeSet<usize> = (0..rules.campaigns.len()).collect();
        let mut after = ContactId(0);
        loop {
            let page = self.store.snapshots(&self.snapshot_options(), after, now, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            lonely.retain(|place| {
                let campaign = &rules.campaigns[*place];
                !page.iter().any(|contact| rules.means(campaign, contact).is_ok())
            });
            if lonely.is_empty() {
                break;
            }
        }
        if after != ContactId(0) {
            found.extend(lonely.into_iter().map(|place| {
                let campaign = &rules.campaigns[place];
                let what = SurpriseKind::ReachesNobody { campaign: campaign.key.clone() };
                Surprise { place: campaign.place.clone(), what }
            }));
        }
        let locales = self.store.locales().await?;
        for campaign in &rules.campaigns {
            found.extend(self.other_languages(campaign, &locales));
        }
        Ok(found)
    }

    /// The languages among `locales` whose readers get mails of `campaign` in another one.
    fn other_languages(&self, campaign: &Campaign, locales: &[Locale]) -> Vec<Surprise> {
        let default = &self.config.defaults.locale;
        let meant = |locale: &&Locale| {
            let wanted = &campaign.audience.locales;
            wanted.is_empty() || wanted.iter().any(|tag| locale.is_within(tag))
        };
        let other = |reads: &Locale| {
            let template = self.templates.find(&campaign.template, reads, default)?;
            let gets = template.locale();
            (gets.language() != reads.language()).then(|| SurpriseKind::OtherLanguage {
                campaign: campaign.key.clone(),
                reads: reads.clone(),
                gets: gets.clone(),
            })
        };
        let found = locales.iter().filter(meant).filter_map(other);
        found.map(|what| Surprise { place: campaign.place.clone(), what }).collect()
    }
}
