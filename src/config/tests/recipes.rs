//! The page of recipes is read as configuration, so that it stays right.
use std::collections::BTreeSet;

use super::*;
use crate::domain::{Campaign, OccasionKind};

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/campaigns.md"));

/// Name and text of every file on the page, which is a block after a line with its name.
fn recipes() -> Vec<(&'static str, &'static str)> {
    let blocks = PAGE.split("\n```toml\n").collect::<Vec<_>>();
    let named = blocks.windows(2).map(|pair| {
        let name = pair[0].trim_end().rsplit('\n').next().unwrap();
        let name = name.strip_prefix('`').and_then(|name| name.strip_suffix("`:"));
        (name.expect("the file is named above its text"), pair[1].split("\n```").next().unwrap())
    });
    named.collect()
}

fn campaigns_of(path: &str, text: &str) -> Vec<Campaign> {
    let config = Folder::new().parse(&Files::embedded().with(path, text));
    let campaigns = config.unwrap_or_else(|error| panic!("{error}")).rules.campaigns;
    campaigns.into_iter().filter(|campaign| campaign.place.file.ends_with(path)).collect()
}

#[test]
fn every_recipe_can_be_used_as_it_is_and_has_its_template() {
    for (path, text) in recipes() {
        let campaigns = campaigns_of(path, text);
        assert!(!campaigns.is_empty(), "{path}");
        for name in campaigns.iter().flat_map(Campaign::templates) {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/mail").join(name);
            assert!(folder.join("zh-CN/body.html.hbs").exists(), "{path}: {name}");
        }
    }
}

#[test]
fn every_kind_of_occasion_has_a_recipe() {
    let campaigns = recipes().into_iter().flat_map(|(path, text)| campaigns_of(path, text));
    let kinds: BTreeSet<_> = campaigns.map(|campaign| campaign.occasion.kind()).collect();
    let missing: Vec<_> =
        OccasionKind::ALL.into_iter().filter(|kind| !kinds.contains(kind)).collect();
    assert_eq!(missing, []);
}
