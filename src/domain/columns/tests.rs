use super::*;

fn headers(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

fn map(kind: ImportKind, text: &str, overrides: &[(&str, &str)]) -> Result<Columns, Vec<String>> {
    let overrides: Vec<_> =
        overrides.iter().map(|(c, f)| ((*c).to_owned(), (*f).to_owned())).collect();
    Columns::map(kind, &headers(text), &overrides)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn fields(columns: &Columns) -> Vec<&'static str> {
    columns.mapped().map(|(_, field)| field).collect()
}

#[test]
fn english_and_chinese_names_mean_the_same_fields() {
    let english = "E-Mail Address,Full Name,First name,Surname,Salutation,Job_Title,Mobile,Company,\
        Language,Time Zone,Country Code,Date of Birth,Key-Level,opt-in,Tracking";
    let chinese =
        "邮箱,姓名,名,姓,称呼,职位,手机,公司,语言,时区,国家／地区,出生日期,级别,同意接收,允许跟踪";
    let english = map(ImportKind::Contacts, english, &[]).unwrap();
    assert_eq!(fields(&english), fields(&map(ImportKind::Contacts, chinese, &[]).unwrap()));
    assert_eq!(fields(&english).len(), 15);
}

#[test]
fn every_kind_of_file_is_understood_in_both_languages() {
    for (kind, english, chinese) in [
        (
            ImportKind::Accounts,
            "key,name,rep,country,industry,customer since,potential",
            "客户编号,公司名称,业务员,国家,行业,合作日期,采购潜力",
        ),
        (
            ImportKind::Reps,
            "email,name,title,phone,locale,zone",
            "电子邮箱,姓名,职务,电话,语言,时区",
        ),
        (
            ImportKind::Orders,
            "Order No.,Customer,Order Date,Delivery Date,Total,Gross Profit",
            "订单号,客户,下单日期,交货日期,金额（元）,利润",
        ),
        (
            ImportKind::Contracts,
            "Contract #,Account,From,Until,Value (EUR)",
            "合同号,单位,开始日期,结束日期,合同金额",
        ),
        (
            ImportKind::Touches,
            "id,contact,type,when,by,result",
            "编号,联系人邮箱,方式,日期,业务员,结果",
        ),
    ] {
        let english = map(kind, english, &[]).unwrap();
        let chinese = map(kind, chinese, &[]).unwrap();
        assert_eq!(fields(&english), fields(&chinese), "{kind}");
        assert_eq!(fields(&english).len(), fields_of(kind).len(), "{kind}");
    }
}

#[test]
fn case_spaces_and_full_width_forms_make_no_difference() {
    for name in ["EMAIL", " e mail ", "ｅ－Ｍａｉｌ", "e_mail*", "email:", "E\u{200b}mail"] {
        assert_eq!(fields(&map(ImportKind::Reps, name, &[]).unwrap()), ["email"], "{name}");
    }
}

#[test]
fn other_columns_of_people_and_companies_become_attributes() {
    let columns = map(ImportKind::Contacts, "email,Has Need,兴趣,,Ｓｈｏｅ size", &[]).unwrap();
    let attributes: Vec<_> = columns.attributes().map(|(_, name)| name).collect();
    assert_eq!(attributes, ["has_need", "兴趣", "shoe_size"]);
    assert_eq!(columns.ignored().collect::<Vec<_>>(), ["column 4"]);
}

#[test]
fn other_columns_of_other_files_are_ignored_by_name() {
    let columns = map(ImportKind::Reps, "email,Shoe size", &[]).unwrap();
    assert_eq!(columns.attributes().count(), 0);
    assert_eq!(columns.ignored().collect::<Vec<_>>(), ["Shoe size"]);
}

#[test]
fn an_account_goes_by_its_name_where_it_has_no_key() {
    assert_eq!(fields(&map(ImportKind::Accounts, "公司名称", &[]).unwrap()), ["name"]);
    let problems = map(ImportKind::Accounts, "industry", &[]).unwrap_err();
    assert!(problems[0].starts_with("no column for `name`"), "{problems:?}");
}

#[test]
fn a_missing_column_is_named_with_its_spellings_and_the_nearest_guess() {
    let problems = map(ImportKind::Reps, "Nmae,Emial", &[]).unwrap_err();
    assert_eq!(
        problems,
        ["no column for `email`; known names are `email`, `e-mail`, `mail`, `email address`, \
          `mail address`, `邮箱`, `电子邮件`, `电子邮箱`, `邮件`, `邮箱地址`, `邮件地址`, \
          `电子邮件地址`, `电邮`; the file has `Nmae`, `Emial`; perhaps `--map \"Emial=email\"`"]
    );
    let problems = map(ImportKind::Orders, "x", &[]).unwrap_err();
    assert_eq!(problems.len(), 4, "every problem at once");
    assert!(problems[0].ends_with("the file has `x`; name it with `--map COLUMN=field`"));
}

#[test]
fn an_override_wins_over_the_name() {
    let columns =
        map(ImportKind::Contacts, "Email,Work address", &[("work address", "email")]).unwrap();
    assert_eq!(columns.mapped().collect::<Vec<_>>(), [("Work address", "email")]);
    assert_eq!(columns.attributes().collect::<Vec<_>>(), [("Email", "email")]);
    let columns = map(ImportKind::Contacts, "email,level", &[("level", "attribute")]).unwrap();
    assert_eq!(columns.attributes().collect::<Vec<_>>(), [("level", "level")]);
}

#[test]
fn two_columns_for_one_field_are_refused_until_one_is_left_out() {
    let problems = map(ImportKind::Contacts, "邮箱,电话,手机", &[]).unwrap_err();
    assert_eq!(
        problems,
        [
            "columns `电话` and `手机` both mean `phone`; add `--map \"手机=ignore\"` or `--map \"电话=ignore\"`"
        ]
    );
    let columns = map(ImportKind::Contacts, "邮箱,电话,手机", &[("手机", "ignore")]).unwrap();
    assert_eq!(fields(&columns), ["email", "phone"]);
    assert!(map(ImportKind::Contacts, "email,Shoe Size,shoe_size", &[]).is_err());
}

#[test]
fn overrides_that_name_nothing_are_refused() {
    let problems =
        map(ImportKind::Reps, "Email,Name", &[("Nam", "name"), ("Name", "titel"), ("", "name")])
            .unwrap_err();
    assert_eq!(
        problems,
        [
            "--map: there is no column `Nam`; the file has `Email`, `Name`; did you mean `Name`?",
            "--map: reps have no field `titel`; expected one of `email`, `name`, `title`, `phone`, \
             `locale`, `zone`, `ignore`; did you mean `title`?",
            "--map: there is no column ``; the file has `Email`, `Name`",
        ]
    );
}

#[test]
fn distances_count_characters() {
    assert_eq!(distance("kitten", "sitting"), 3);
    assert_eq!(distance("", "姓名"), 2);
    assert_eq!(nearest("日", ["月"].into_iter()), None);
}

proptest::proptest! {
    #[test]
    fn arbitrary_headers_never_panic(
        names in proptest::collection::vec("\\PC{0,12}|[(（_\\-）) ]{0,6}|email|name", 0..8),
        column in "\\PC{0,8}", field in "\\PC{0,8}|name",
    ) {
        for kind in ImportKind::ALL {
            let _ = Columns::map(kind, &names, &[(column.clone(), field.clone())]);
        }
    }
}
