use proptest::prelude::*;

use super::*;

fn columns(kind: ImportKind, headers: &str) -> Columns {
    let headers: Vec<_> = headers.split(',').map(str::to_owned).collect();
    Columns::map(kind, &headers, &[]).unwrap()
}

fn parse(kind: ImportKind, headers: &str, cells: &str) -> Result<Record, Vec<String>> {
    let cells: Vec<_> = cells.split(';').collect();
    columns(kind, headers)
        .parse(&cells)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn contact(headers: &str, cells: &str) -> ContactRecord {
    match parse(ImportKind::Contacts, headers, cells) {
        Ok(Record::Contact(contact)) => contact,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_chinese_line_is_understood_whole() {
    let found = contact(
        "邮箱,姓名,名,姓,称呼,职位,手机,公司,语言,时区,国家,生日,级别,同意接收,允许跟踪,兴趣",
        "Wang＠Example.com;王小伟;小伟;王;先生;采购经理;１３８ 0000;ＱＳ－０１;中文;Asia/Shanghai;中国;农历八月十五;２;是;否;围棋",
    );
    let expected = ContactRecord {
        email: "Wang@example.com".parse().unwrap(),
        name: Some("王小伟".to_owned()),
        given_name: Some("小伟".to_owned()),
        family_name: Some("王".to_owned()),
        honorific: Some(Honorific::Mr),
        title: Some("采购经理".to_owned()),
        phone: Some("138 0000".to_owned()),
        account: Some("QS-01".to_owned()),
        locale: Some("zh-CN".parse().unwrap()),
        zone: Some(Tz::Asia__Shanghai),
        country: Some("CN".to_owned()),
        birthday: Some("lunar:8-15".parse().unwrap()),
        level: Some(2),
        may_send: Some(true),
        may_track: Some(false),
        wish: Wish::default(),
        attributes: BTreeMap::from([("兴趣".to_owned(), "围棋".to_owned())]),
    };
    assert_eq!(found, expected);
}

#[test]
fn a_blank_or_missing_cell_says_nothing() {
    let found = contact("email,name,level,may_send,interests", "ada@example.com; ;\u{200b}");
    assert_eq!(
        (found.name, found.level, found.may_send, found.attributes.len()),
        (None, None, None, 0)
    );
}

#[test]
fn hidden_characters_in_a_name_are_cleaned_away() {
    let found = contact(
        "email,name,birthday",
        "ada@example.com;Ada\r\nLove\u{202e}lace\t;\u{200e}1990-05-14",
    );
    assert_eq!(found.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(found.birthday, "1990-05-14".parse().ok());
}

#[test]
fn every_bad_cell_of_a_line_is_reported_under_its_own_column() {
    let problems = parse(
        ImportKind::Contacts,
        "Mail,Date of birth,Level,时区,Country,Consent,Language",
        "ada@;30.02.1990;9;Mars/Olympus;Ruritania;maybe;Klingonese",
    )
    .unwrap_err();
    assert_eq!(
        problems,
        [
            "Mail: `ada@`: expected `name@domain.tld`",
            "Language: `Klingonese`: expected a language tag such as `en`, `zh-CN` or `de-AT`",
            "时区: `Mars/Olympus`: expected a time zone such as `Asia/Shanghai` or `Europe/Berlin`",
            "Country: `Ruritania`: expected a country code of two letters such as `CN`, `DE` or `US`",
            "Date of birth: `30.02.1990`: there is no such day; expected a month from 1 to 12 and a day that it has",
            "Level: `9`: expected a level from 1 (highest) to 5",
            "Consent: `maybe`: expected yes or no",
        ]
    );
}

#[test]
fn a_bad_cell_is_shown_on_one_line_and_shortened() {
    let headers = columns(ImportKind::Contacts, "email");
    let long = format!("a\nb{}", "x".repeat(5000));
    let problems = headers.parse(&[long.as_str()]).unwrap_err();
    assert_eq!(problems[0].value, format!("a b{}", "x".repeat(57)));
}

#[test]
fn a_line_without_its_key_is_refused() {
    assert_eq!(
        parse(ImportKind::Contacts, "email,name", ";Ada").unwrap_err(),
        ["email: ``: is blank; no line can do without it"]
    );
    assert_eq!(
        parse(ImportKind::Accounts, "key,name,industry", ";;steel").unwrap_err(),
        ["key: ``: is blank; an account needs a key or a name"]
    );
}

#[test]
fn an_account_goes_by_its_key_or_else_its_name() {
    for (headers, cells, key) in [
        ("key,name", "ＡＣＭＥ-01;青松机械（苏州）", "ACME-01"),
        ("key,name", ";青松机械（苏州）", "青松机械(苏州)"),
        ("公司名称", "Foo Ltd", "Foo Ltd"),
    ] {
        let Ok(Record::Account(account)) = parse(ImportKind::Accounts, headers, cells) else {
            panic!("{cells}");
        };
        assert_eq!(account.key, key);
    }
}

#[test]
fn an_order_is_understood_and_a_return_is_negative() {
    let Ok(Record::Order(order)) = parse(
        ImportKind::Orders,
        "订单号,客户,日期,交货日期,金额,利润",
        "SO-1;QS-01;2026年1月31日;;(￥1,200.50);-80",
    ) else {
        panic!("not an order");
    };
    let expected = OrderRecord {
        key: "SO-1".to_owned(),
        account: "QS-01".to_owned(),
        ordered_on: "2026-01-31".parse().unwrap(),
        delivered_on: None,
        amount_cents: -120_050,
        profit_cents: Some(-8_000),
    };
    assert_eq!(order, expected);
}

#[test]
fn a_contract_that_ends_before_it_starts_is_refused() {
    let headers = "key,account,start,end,value";
    let record = parse(ImportKind::Contracts, headers, "C-1;QS-01;2026-01-01;2026-12-31;1,000");
    assert!(matches!(
        record,
        Ok(Record::Contract(ContractRecord { value_cents: Some(100_000), .. }))
    ));
    assert_eq!(
        parse(ImportKind::Contracts, headers, "C-1;QS-01;2026-01-01;2025-12-31;").unwrap_err(),
        ["end: `2025-12-31`: the contract ends before it starts"]
    );
}

#[test]
fn a_touch_is_understood() {
    let Ok(Record::Touch(touch)) = parse(
        ImportKind::Touches,
        "联系人邮箱,方式,日期,业务员,结果",
        "ada@example.com;电话;2026-01-31;rep@example.com;谈到新产线",
    ) else {
        panic!("not a touch");
    };
    assert_eq!((touch.key, touch.kind), (None, TouchKind::Call));
    assert_eq!(touch.at.to_rfc3339(), "2026-01-31T12:00:00+00:00");
    assert_eq!(touch.outcome.as_deref(), Some("谈到新产线"));
}

#[test]
fn a_rep_is_understood() {
    let Ok(Record::Rep(rep)) = parse(
        ImportKind::Reps,
        "email,name,locale,zone",
        "li@example.com;李想;zh_cn;Asia/Shanghai",
    ) else {
        panic!("not a rep");
    };
    assert_eq!(rep.locale, "zh-CN".parse().ok());
    assert_eq!(rep.zone, Some(Tz::Asia__Shanghai));
}

#[test]
fn a_potential_is_never_negative() {
    assert_eq!(
        parse(ImportKind::Accounts, "key,potential", "A;-5").unwrap_err(),
        ["potential: `-5`: a potential is never negative"]
    );
}

#[test]
fn a_birthday_may_come_as_the_midnight_of_a_database() {
    let found = contact("email,birthday", "ada@example.com;1990-05-14 00:00:00");
    assert_eq!(found.birthday, "1990-05-14".parse().ok());
}

proptest! {
    #[test]
    fn arbitrary_cells_never_panic(
        cells in prop::collection::vec("\\PC{0,40}|[\\x00-\\x7f]{0,20}|[0-9年月日.,/-]{0,12}", 0..20),
    ) {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        for kind in ImportKind::ALL {
            let headers: Vec<_> =
                super::super::fields::fields_of(kind).iter().map(|names| names.key.to_owned()).collect();
            let columns = Columns::map(kind, &headers, &[]).unwrap();
            if let Err(problems) = columns.parse(&cells) {
                prop_assert!(!problems.is_empty());
                prop_assert!(problems.iter().all(|p| p.value.chars().count() <= 60));
            }
        }
    }
}
