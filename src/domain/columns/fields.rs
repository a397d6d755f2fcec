//! The fields that a file can fill, and the names that people give their columns.

use crate::domain::ImportKind;

/// What a column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Field {
    Account,
    Amount,
    At,
    Birthday,
    Contact,
    CooperationSince,
    Country,
    DeliveredOn,
    Email,
    EndsOn,
    EveryDays,
    FamilyName,
    GivenName,
    Honorific,
    Industry,
    Key,
    Kind,
    Level,
    Locale,
    MaySend,
    MayTrack,
    Name,
    OrderedOn,
    Outcome,
    PausedUntil,
    Phone,
    Potential,
    Profit,
    Rep,
    StartsOn,
    Title,
    Value,
    Wants,
    Zone,
}

/// One field of one kind of file.
#[derive(Debug)]
pub(super) struct FieldNames {
    pub(super) field: Field,
    /// The name in `--map COLUMN=field`, and the first of the spellings.
    pub(super) key: &'static str,
    /// Other names, English before Chinese, in lower case and with spaces.
    pub(super) others: &'static [&'static str],
    /// Whether a file without it cannot be understood.
    pub(super) required: bool,
}

impl FieldNames {
    /// Every name, the key first.
    pub(super) fn spellings(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.key).chain(self.others.iter().copied())
    }
}

/// The fields of a kind of file.
pub(super) const fn fields_of(kind: ImportKind) -> &'static [FieldNames] {
    match kind {
        ImportKind::Contacts => CONTACTS,
        ImportKind::Accounts => ACCOUNTS,
        ImportKind::Reps => REPS,
        ImportKind::Orders => ORDERS,
        ImportKind::Contracts => CONTRACTS,
        ImportKind::Touches => TOUCHES,
    }
}

const fn may(field: Field, key: &'static str, others: &'static [&'static str]) -> FieldNames {
    FieldNames { field, key, others, required: false }
}

const fn must(field: Field, key: &'static str, others: &'static [&'static str]) -> FieldNames {
    FieldNames { field, key, others, required: true }
}

const EMAIL: &[&str] = &[
    "e-mail",
    "mail",
    "email address",
    "mail address",
    "邮箱",
    "电子邮件",
    "电子邮箱",
    "邮件",
    "邮箱地址",
    "邮件地址",
    "电子邮件地址",
    "电邮",
];
const FULL_NAME: &[&str] = &["full name", "姓名", "名字", "全名"];
const TITLE: &[&str] = &["job title", "position", "role", "职位", "职务", "头衔", "岗位"];
const PHONE: &[&str] = &[
    "mobile",
    "telephone",
    "tel",
    "cell",
    "phone number",
    "mobile phone",
    "mobile number",
    "电话",
    "手机",
    "手机号",
    "手机号码",
    "电话号码",
    "联系电话",
];
const LOCALE: &[&str] = &["language", "lang", "preferred language", "语言"];
const ZONE: &[&str] = &["time zone", "tz", "时区"];
const COUNTRY: &[&str] = &["country code", "国家", "国家/地区", "国别"];
const REP: &[&str] = &[
    "rep email",
    "owner",
    "account owner",
    "sales rep",
    "salesperson",
    "account manager",
    "业务员",
    "业务员邮箱",
    "销售",
    "销售代表",
    "销售邮箱",
    "负责人",
    "客户经理",
];
const ACCOUNT: &[&str] = &[
    "account key",
    "account id",
    "account name",
    "company",
    "company name",
    "organisation",
    "organization",
    "customer",
    "client",
    "公司",
    "公司名称",
    "单位",
    "单位名称",
    "客户",
    "客户名称",
    "客户编号",
    "企业",
];

const CONTACTS: &[FieldNames] = &[
    must(Field::Email, "email", EMAIL),
    may(
        Field::Name,
        "name",
        &["full name", "contact", "contact name", "姓名", "名字", "全名", "联系人", "联系人姓名"],
    ),
    may(Field::GivenName, "given_name", &["first name", "forename", "名"]),
    may(Field::FamilyName, "family_name", &["last name", "surname", "姓", "姓氏"]),
    may(Field::Honorific, "honorific", &["salutation", "称呼", "称谓", "尊称"]),
    may(Field::Title, "title", TITLE),
    may(Field::Phone, "phone", PHONE),
    may(Field::Account, "account", ACCOUNT),
    may(Field::Locale, "locale", LOCALE),
    may(Field::Zone, "zone", ZONE),
    may(Field::Country, "country", COUNTRY),
    may(
        Field::Birthday,
        "birthday",
        &["date of birth", "birth date", "dob", "生日", "出生日期", "出生年月日"],
    ),
    may(Field::Level, "level", &["key level", "级别", "等级"]),
    may(
        Field::MaySend,
        "may_send",
        &["consent", "opt in", "allow mail", "subscribed", "可发送", "允许发信", "同意接收"],
    ),
    may(
        Field::MayTrack,
        "may_track",
        &["tracking", "allow tracking", "可跟踪", "允许跟踪", "同意跟踪"],
    ),
    may(Field::PausedUntil, "paused_until", &["pause until", "no mail before", "暂停至", "暂停到"]),
    may(Field::EveryDays, "every_days", &["own interval", "联系间隔", "间隔天数"]),
    may(Field::Wants, "wants", &["wanted mail", "only wants", "想要的邮件", "只要"]),
];

const ACCOUNTS: &[FieldNames] = &[
    may(
        Field::Key,
        "key",
        &[
            "account",
            "account key",
            "account id",
            "id",
            "code",
            "account number",
            "customer number",
            "编号",
            "客户编号",
            "客户代码",
            "公司编号",
            "单位编号",
        ],
    ),
    may(
        Field::Name,
        "name",
        &[
            "account name",
            "company",
            "company name",
            "customer",
            "customer name",
            "organisation",
            "organization",
            "名称",
            "公司",
            "公司名称",
            "单位",
            "单位名称",
            "客户",
            "客户名称",
        ],
    ),
    may(Field::Rep, "rep", REP),
    may(Field::Country, "country", COUNTRY),
    may(Field::Industry, "industry", &["sector", "line of business", "trade", "行业", "所属行业"]),
    may(
        Field::CooperationSince,
        "cooperation_since",
        &[
            "since",
            "customer since",
            "partner since",
            "合作日期",
            "合作开始",
            "合作开始日期",
            "合作起始日期",
        ],
    ),
    may(
        Field::Potential,
        "potential",
        &["annual potential", "addressable volume", "潜力", "采购潜力", "年需求", "潜在金额"],
    ),
];

const REPS: &[FieldNames] = &[
    must(Field::Email, "email", EMAIL),
    may(Field::Name, "name", FULL_NAME),
    may(Field::Title, "title", TITLE),
    may(Field::Phone, "phone", PHONE),
    may(Field::Locale, "locale", LOCALE),
    may(Field::Zone, "zone", ZONE),
];

const ORDERS: &[FieldNames] = &[
    must(
        Field::Key,
        "key",
        &[
            "order",
            "order number",
            "order no",
            "order id",
            "id",
            "number",
            "订单号",
            "订单编号",
            "单号",
        ],
    ),
    must(Field::Account, "account", ACCOUNT),
    must(
        Field::OrderedOn,
        "ordered_on",
        &["order date", "date", "ordered", "日期", "订单日期", "下单日期", "订购日期"],
    ),
    may(
        Field::DeliveredOn,
        "delivered_on",
        &["delivery date", "delivered", "交货日期", "交付日期", "到货日期"],
    ),
    must(
        Field::Amount,
        "amount",
        &["total", "revenue", "net amount", "order total", "金额", "订单金额", "总额", "销售额"],
    ),
    may(Field::Profit, "profit", &["gross profit", "利润", "毛利", "利润额"]),
];

const CONTRACTS: &[FieldNames] = &[
    must(
        Field::Key,
        "key",
        &[
            "contract",
            "contract number",
            "contract no",
            "contract id",
            "id",
            "number",
            "合同号",
            "合同编号",
        ],
    ),
    must(Field::Account, "account", ACCOUNT),
    must(
        Field::StartsOn,
        "starts_on",
        &["start", "start date", "begin", "from", "valid from", "开始日期", "起始日期", "生效日期"],
    ),
    must(
        Field::EndsOn,
        "ends_on",
        &[
            "end",
            "end date",
            "until",
            "expires",
            "expiry date",
            "valid until",
            "结束日期",
            "到期日期",
            "终止日期",
            "截止日期",
        ],
    ),
    may(Field::Value, "value", &["amount", "total", "contract value", "金额", "合同金额", "总额"]),
];

const TOUCHES: &[FieldNames] = &[
    may(Field::Key, "key", &["id", "number", "touch", "编号", "记录编号"]),
    must(
        Field::Contact,
        "contact",
        &[
            "contact email",
            "email",
            "e-mail",
            "mail",
            "email address",
            "联系人",
            "联系人邮箱",
            "邮箱",
            "电子邮件",
            "电子邮箱",
            "客户邮箱",
        ],
    ),
    must(
        Field::Kind,
        "kind",
        &["type", "channel", "means", "方式", "类型", "联系方式", "沟通方式", "渠道"],
    ),
    must(
        Field::At,
        "at",
        &["date", "time", "when", "date time", "日期", "时间", "联系日期", "联系时间"],
    ),
    may(
        Field::Rep,
        "rep",
        &[
            "rep email",
            "by",
            "owner",
            "sales rep",
            "业务员",
            "业务员邮箱",
            "销售",
            "销售代表",
            "负责人",
        ],
    ),
    may(Field::Outcome, "outcome", &["result", "notes", "结果", "反馈", "备注"]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{super::folded, *};

    #[test]
    fn no_name_means_two_fields_of_one_kind_of_file() {
        for kind in ImportKind::ALL {
            let mut seen = BTreeMap::new();
            for names in fields_of(kind) {
                for name in names.spellings() {
                    let other = seen.insert(folded(name), names.field);
                    assert!(other.is_none_or(|other| other == names.field), "{kind}: {name}");
                }
            }
        }
    }
}
