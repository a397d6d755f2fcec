use std::path::Path;

use perennial::{
    domain::ImportKind,
    engine::{EngineError, ImportOptions},
    store::Totals,
};

use crate::support::{
    at,
    database::Database,
    on_both_databases,
    world::{BIRTHDAY, World},
};

on_both_databases!(
    good_lines_go_in_and_bad_ones_are_named,
    the_samples_go_in_whole_and_a_second_time_change_nothing,
    a_dry_run_says_what_would_happen_and_writes_nothing,
    a_file_whose_columns_are_not_understood_writes_nothing,
    an_order_of_an_unknown_account_is_refused,
    an_account_is_made_of_what_contacts_name,
    a_file_of_legacy_encoding_goes_in,
);

async fn good_lines_go_in_and_bad_ones_are_named(db: &Database) {
    let world = World::new(db);
    let list = "Mail,Name,Birthday\n\
                ada@example.org,Ada,1990-05-14\n\
                bob@,Bob,30.02.1990\n\
                ADA@example.org,Ada again,\n\
                carl@example.org,Carl,\n";
    let (report, refused) = world.import(ImportKind::Contacts, list).await;
    assert_eq!((report.added, report.refused), (2, 2));
    let told: Vec<_> =
        refused.iter().map(|row| (row.line, row.column.as_deref(), row.reason.as_str())).collect();
    let no_such_day = "there is no such day; expected a month from 1 to 12 and a day that it has";
    assert_eq!(
        told,
        [
            (3, Some("Mail"), "expected `name@domain.tld`"),
            (3, Some("Birthday"), no_such_day),
            (4, None, "the same address as on line 2"),
        ]
    );
    assert_eq!(db.store.totals().await.unwrap().contacts, 2);
}

async fn the_samples_go_in_whole_and_a_second_time_change_nothing(db: &Database) {
    let world = World::new(db);
    let mut totals = Vec::new();
    for is_first in [true, false] {
        for kind in ImportKind::ALL {
            let file = format!("samples/{kind}.csv");
            let (report, refused) = world.import_file(Path::new(&file), kind, false).await;
            assert_eq!(refused, [], "{file}");
            let changed = report.added + report.changed;
            assert_eq!(changed > 0, is_first, "{file}: {report:?}");
            assert_eq!(report.unchanged > 0, !is_first, "{file}: {report:?}");
        }
        totals.push(db.store.totals().await.unwrap());
    }
    assert_eq!(totals[0], totals[1]);
}

async fn a_dry_run_says_what_would_happen_and_writes_nothing(db: &Database) {
    let world = World::new(db);
    for _ in 0..2 {
        let file = Path::new("samples/contacts.csv");
        let (report, _) = world.import_file(file, ImportKind::Contacts, true).await;
        assert!(report.added > 100, "{report:?}");
    }
    assert_eq!(db.store.totals().await.unwrap(), Totals::default());
}

async fn a_file_whose_columns_are_not_understood_writes_nothing(db: &Database) {
    let world = World::new(db);
    let options = ImportOptions { kind: ImportKind::Orders, columns: Vec::new(), dry_run: false };
    let file = Path::new("samples/contacts.csv");
    let failed = world.engine.import(file, &options, &mut |_| (), &mut |_| ()).await;
    assert!(matches!(failed, Err(EngineError::Columns(_))), "{failed:?}");
    assert_eq!(db.store.totals().await.unwrap(), Totals::default());
}

async fn an_order_of_an_unknown_account_is_refused(db: &Database) {
    let world = World::new(db);
    world.import(ImportKind::Accounts, "key,name\nA-1,Engines\n").await;
    let orders = "order,account,date,amount\n\
                  1,A-1,2026-05-01,10\n\
                  2,Engines,2026-05-01,10\n\
                  3,Looms,2026-05-01,10\n";
    let (report, refused) = world.import(ImportKind::Orders, orders).await;
    assert_eq!((report.added, report.refused), (2, 1));
    let told = (refused[0].line, refused[0].value.as_deref());
    assert_eq!(told, (4, Some("Looms")));
}

async fn an_account_is_made_of_what_contacts_name(db: &Database) {
    let world = World::new(db);
    world.contacts("email,company\nada@example.org,Engines\nbob@example.org,Engines\n").await;
    let ada = world.engine.explain(&"ada@example.org".parse().unwrap()).await.unwrap();
    assert_eq!((ada.facts.account.as_str(), ada.now), ("Engines", at(BIRTHDAY)));
    assert_eq!(db.store.totals().await.unwrap().accounts, 1);
}

async fn a_file_of_legacy_encoding_goes_in(db: &Database) {
    let world = World::new(db);
    // 邮箱,姓名 / wang@example.org,王伟 in GB18030.
    let list = b"\xd3\xca\xcf\xe4,\xd0\xd5\xc3\xfb\nwang@example.org,\xcd\xf5\xce\xb0\n";
    world.contacts(list).await;
    let wang = world.engine.explain(&"wang@example.org".parse().unwrap()).await.unwrap();
    assert_eq!(wang.facts.name, "王伟");
}
