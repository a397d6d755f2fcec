#!/usr/bin/env python3
"""Writes the sample lists: accounts, contacts, reps, orders, contracts and touches.

Every person and company is invented, every domain ends in `.example` (RFC 2606), and telephone
numbers come from ranges that are kept for fiction or do not exist. The same seed gives the same
files; the sample day is Friday, 25 September 2026, which is also Mid-Autumn.

    python3 samples/generate.py            write the files beside this program
    python3 samples/generate.py --check    say whether they are what it would write
"""

import csv
import io
import random
import sys
from datetime import date, timedelta
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
TODAY = date(2026, 9, 25)
FIRST_ORDER = date(2023, 9, 1)
OUR_DOMAIN = "perennial.example"

# Only `random()` is used, since the other methods may change between versions of Python.
RNG = random.Random(20260925)


def chance(share):
    return RNG.random() < share


def between(low, high):
    """A whole number from `low` to `high`, both included."""
    return low + int(RNG.random() * (high - low + 1))


def pick(items):
    return items[int(RNG.random() * len(items))]


def shuffled(items):
    return [item for _, item in sorted((RNG.random(), item) for item in items)]


# --- Reps -------------------------------------------------------------------------------------

REPS = [
    # local part, name, title, phone, locale, zone
    ("zhou.mingyuan", "周明远", "华东区客户经理", "+86 21 0000 0101", "zh-CN", "Asia/Shanghai"),
    ("lin.ruoxi", "林若溪", "华南区客户经理", "+86 20 0000 0102", "zh-CN", "Asia/Shanghai"),
    ("he.ziqian", "何子谦", "华北区客户经理", "+86 10 0000 0103", "zh-CN", "Asia/Shanghai"),
    ("hannah.marwood", "Hannah Marwood", "Account Manager UK", "+44 20 7946 0101", "en", "Europe/London"),
    ("henrik.sollmann", "Henrik Sollmann", "Account Manager Central Europe", "+49 30 23125 102", "en",
     "Europe/Berlin"),
    ("priya.yarrow", "Priya Yarrow", "Account Manager Americas and Pacific", "+1 212 555 0103", "en",
     "America/New_York"),
]


def rep_address(index):
    return f"{REPS[index][0]}@{OUR_DOMAIN}"


def reps():
    yield ["email", "name", "title", "phone", "locale", "zone"]
    for index, (_, *rest) in enumerate(REPS):
        yield [rep_address(index), *rest]


# --- Accounts ---------------------------------------------------------------------------------

ZH_ACCOUNTS = [
    # key, domain label, name, industry
    ("QSL", "qingsongling", "青松岭机械有限公司", "机械"),
    ("YFD", "yuanfandu", "远帆渡物流有限公司", "物流"),
    ("YLS", "yunlingshi", "云岭石新材料有限公司", "新材料"),
    ("LQW", "lanqiaowan", "蓝桥湾电子有限公司", "电子"),
    ("BLT", "bailuting", "白鹭汀仪器有限公司", "仪器"),
    ("ZXL", "zhuxili", "竹溪里纺织有限公司", "纺织"),
    ("XHY", "xingheye", "星禾野食品有限公司", "食品"),
    ("SYP", "shuangyepo", "霜叶坡包装有限公司", "包装"),
    ("MLZ", "mailangzhou", "麦浪洲农机有限公司", "农机"),
    ("SLW", "shiliuwan", "石榴湾阀门有限公司", "阀门"),
    ("QCD", "qingchuandu", "晴川渡水泵有限公司", "水泵"),
    ("YHP", "yanhuiping", "雁回坪轴承有限公司", "轴承"),
    ("SYW", "songyanwu", "松烟坞文具有限公司", "文具"),
    ("DXW", "daoxiangwei", "稻香圩粮机有限公司", "粮机"),
    ("HTL", "hetanglin", "荷塘林照明有限公司", "照明"),
    ("FYT", "fengyutai", "枫屿台医疗器械有限公司", "医疗器械"),
    ("CXG", "chenxigang", "晨汐港模具有限公司", "模具"),
    ("TLW", "tinglanwan", "汀兰湾化工有限公司", "化工"),
    ("JSP", "jinsangpo", "锦桑坡服饰有限公司", "服饰"),
    ("WYQ", "wuyeqiao", "梧叶桥家具有限公司", "家具"),
    ("LXD", "luxueding", "鹿雪顶冷链有限公司", "冷链"),
    ("MHX", "meihexi", "梅鹤溪印刷有限公司", "印刷"),
    ("GYL", "guyueling", "谷月岭玻璃有限公司", "玻璃"),
    ("NFT", "nanfengtang", "楠风塘自动化有限公司", "自动化"),
    ("XQJ", "xingqiaoji", "杏桥集贸易有限公司", "贸易"),
    ("HSY", "heshiyuan", "鹤石原电缆有限公司", "电缆"),
    ("LYC", "liuyancun", "柳燕村茶业有限公司", "茶业"),
    ("BXT", "bixiatan", "碧霞滩光学有限公司", "光学"),
    ("ZYZ", "ziyunzhai", "紫芸寨药业有限公司", "药业"),
    ("CLH", "cuilinghe", "翠翎河环保有限公司", "环保"),
]

EN_ACCOUNTS = [
    # key, domain label, name, industry, country, zone
    ("QUI", "quillmere", "Quillmere Instruments Ltd", "Instruments", "GB", "Europe/London"),
    ("BRA", "brackenford", "Brackenford Foods Ltd", "Food", "GB", "Europe/London"),
    ("TAR", "tarnwick", "Tarnwick Pumps Ltd", "Pumps", "GB", "Europe/London"),
    ("DUN", "dunmarrow", "Dunmarrow Textiles Ltd", "Textiles", "GB", "Europe/London"),
    ("PEL", "pellworth", "Pellworth & Vane", "Packaging", "GB", "Europe/London"),
    ("GRI", "grimsholt", "Grimsholt Castings Ltd", "Castings", "GB", "Europe/London"),
    ("LAR", "larkhollow", "Larkhollow Optics Ltd", "Optics", "GB", "Europe/London"),
    ("ROO", "rookmarsh", "Rookmarsh Printing Ltd", "Printing", "GB", "Europe/London"),
    ("EIC", "eichwinkel-werke", "Eichwinkel Werke GmbH", "Machinery", "DE", "Europe/Berlin"),
    ("BIR", "birkenrode", "Birkenrode Armaturen GmbH", "Valves", "DE", "Europe/Berlin"),
    ("MOO", "moorhagen", "Moorhagen Lager GmbH", "Bearings", "DE", "Europe/Berlin"),
    ("FAL", "falkenstieg", "Falkenstieg Optik GmbH", "Optics", "DE", "Europe/Berlin"),
    ("HAV", "havelquell", "Havelquell Chemie GmbH", "Chemicals", "DE", "Europe/Berlin"),
    ("LIN", "lindengrund", "Lindengrund Möbel GmbH", "Furniture", "DE", "Europe/Berlin"),
    ("WIE", "wiesenklang", "Wiesenklang Akustik GmbH", "Acoustics", "DE", "Europe/Berlin"),
    ("COP", "copperlatch", "Copperlatch Controls Inc", "Automation", "US", "America/New_York"),
    ("JUN", "juniperfork", "Juniper Fork Tools Inc", "Tools", "US", "America/New_York"),
    ("CIN", "cinderquay", "Cinderquay Logistics Inc", "Logistics", "US", "America/New_York"),
    ("MAP", "maplethorn", "Maplethorn Paper Inc", "Paper", "US", "America/New_York"),
    ("HOL", "hollowpine", "Hollowpine Timber Inc", "Timber", "US", "America/New_York"),
    ("RED", "redgulch", "Redgulch Solar Inc", "Energy", "US", "America/Los_Angeles"),
    ("SAL", "saltfern", "Saltfern Devices Inc", "Electronics", "US", "America/Los_Angeles"),
    ("FOG", "foglantern", "Foglantern Studios Inc", "Media", "US", "America/Los_Angeles"),
    ("MES", "mesawillow", "Mesawillow Farms Inc", "Food", "US", "America/Los_Angeles"),
    ("WAT", "wattlequill", "Wattlequill Mining Pty Ltd", "Mining", "AU", "Australia/Sydney"),
    ("EMB", "emberquoll", "Emberquoll Marine Pty Ltd", "Marine", "AU", "Australia/Sydney"),
    ("BIL", "billabrook", "Billabrook Wines Pty Ltd", "Wine", "AU", "Australia/Sydney"),
    ("PAN", "pandanleaf", "Pandanleaf Trading Pte Ltd", "Trading", "SG", "Asia/Singapore"),
    ("ORC", "orchidspan", "Orchidspan Cables Pte Ltd", "Cables", "SG", "Asia/Singapore"),
    ("TEM", "tembusuway", "Tembusuway Cold Chain Pte Ltd", "Cold chain", "SG", "Asia/Singapore"),
]

# On and around the sample day, by place in the list of accounts.
COOPERATION_DAYS = {
    0: date(2018, 9, 25),
    7: date(2021, 9, 24),
    12: date(2020, 9, 25),
    22: date(2016, 9, 28),
    33: date(2019, 9, 25),
    38: date(2022, 9, 26),
    45: date(2023, 9, 25),
    53: date(2017, 10, 1),
}

READINESS = [
    # has_need, can_pay, has_authority, urgent: 3S, 2S, 1S, A, B
    ("yes", "yes", "yes", "yes"),
    ("yes", "yes", "yes", "no"),
    ("no", "yes", "yes", "no"),
    ("yes", "no", "yes", "no"),
    ("no", "no", "no", "no"),
]


# Accounts that others look at, by rank of their revenue.
REACH = (36, 41, 47, 52)


def make_accounts():
    accounts = []
    for key, label, name, industry in ZH_ACCOUNTS:
        accounts.append(dict(key=key, label=label, name=name, industry=industry, country="CN",
                             zone="Asia/Shanghai", zh=True))
    for key, label, name, industry, country, zone in EN_ACCOUNTS:
        accounts.append(dict(key=key, label=label, name=name, industry=industry, country=country,
                             zone=zone, zh=False))
    # Revenue falls with the rank; the last few have never bought and could buy much.
    ranks = shuffled(range(60))
    rep_of = {"GB": 3, "DE": 4, "US": 5, "AU": 5, "SG": 4, "CN": None}
    for index, (account, rank) in enumerate(zip(accounts, ranks)):
        account["key"] = f"{account['key']}-{index + 1:02}"
        rep = rep_of[account["country"]]
        account["rep"] = index % 3 if rep is None else rep
        account["rank"] = rank
        account["since"] = COOPERATION_DAYS.get(
            index, date(between(2014, 2025), 1, 1) + timedelta(days=between(0, 364)))
        account["face"] = "red" if rank % 7 == 3 else "white" if rank % 5 == 0 else "plain"
        account["scale"] = 26_000 / (rank + 1) ** 0.85
        account["orders"] = 0 if rank >= 54 else max(4, int(85 - rank * 1.83))
        # Three good accounts have gone quiet; two more buy half of what they did.
        account["left_on"] = date(2025, 11, 30) if rank in (6, 17, 30) else None
        account["shrinks"] = rank in (9, 21)
        room = 4.0 if rank % 3 == 0 else 1.5
        potential = account["scale"] * max(account["orders"], 12) / 3 * room
        account["potential"] = round(800_000 / (rank - 52) if rank >= 54 else potential, -3)
        grade = 0 if rank < 6 else 1 if rank < 14 else between(0, 4)
        account["readiness"] = READINESS[grade]
    return accounts


ACCOUNTS = make_accounts()


def accounts_rows():
    yield ["key", "name", "rep", "country", "industry", "cooperation_since", "potential", "has_need",
           "can_pay", "has_authority", "urgent", "reach"]
    for account in ACCOUNTS:
        yield [account["key"], account["name"], rep_address(account["rep"]), account["country"],
               account["industry"], account["since"], f"{account['potential']:.2f}",
               *account["readiness"], "yes" if account["rank"] in REACH else "no"]


# --- Contacts ---------------------------------------------------------------------------------

ZH_FAMILY = [
    ("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"),
    ("赵", "zhao"), ("黄", "huang"), ("周", "zhou"), ("吴", "wu"), ("徐", "xu"), ("孙", "sun"),
    ("马", "ma"), ("朱", "zhu"), ("胡", "hu"), ("郭", "guo"), ("高", "gao"), ("罗", "luo"),
    ("欧阳", "ouyang"), ("上官", "shangguan"),
]
ZH_GIVEN_1 = [
    ("若", "ruo"), ("子", "zi"), ("思", "si"), ("雨", "yu"), ("景", "jing"), ("知", "zhi"),
    ("予", "yu"), ("嘉", "jia"), ("书", "shu"), ("清", "qing"), ("云", "yun"), ("一", "yi"),
]
ZH_GIVEN_2 = [
    ("溪", "xi"), ("谦", "qian"), ("齐", "qi"), ("桐", "tong"), ("澄", "cheng"), ("然", "ran"),
    ("夏", "xia"), ("墨", "mo"), ("禾", "he"), ("砚", "yan"), ("越", "yue"), ("舟", "zhou"),
    ("珩", "heng"), ("岚", "lan"),
]
EN_FAMILY = [
    "Wickfield", "Thornbury", "Hallowell", "Okafor", "Lindqvist", "Pemberly", "Castellan", "Dunmore",
    "Fairweather", "Hartwell", "Ironside", "Kestrel", "Merriweather", "Northcote", "Ostrander", "Quist",
    "Ravensworth", "Sandoval", "Tennant", "Underhill", "Vantongeren", "Winterbourne", "Zeller", "Achterberg",
    "Brightwater", "Müllner", "Delacroft", "O'Rannock", "Singhania", "Tan-Whitlock",
]
EN_GIVEN = [
    ("Nora", "Ms"), ("Felix", "Mr"), ("Iris", "Ms"), ("Jonas", "Mr"), ("Clara", "Mrs"), ("Hugo", "Mr"),
    ("Greta", "Ms"), ("Theo", "Mr"), ("Maeve", "Ms"), ("Silas", "Mr"), ("Ingrid", "Mrs"), ("Rafael", "Mr"),
    ("Odile", "Ms"), ("Bram", "Mr"), ("Tilda", "Ms"), ("Otis", "Mr"), ("Freya", "Ms"), ("Magnus", "Mr"),
    ("Leonie", "Ms"), ("Caspar", "Mr"),
]
ZH_TITLES = ["总经理", "采购总监", "生产主管", "技术经理", "采购专员"]
EN_TITLES = ["Managing Director", "Head of Purchasing", "Production Manager", "Chief Engineer", "Buyer"]
ZH_INTERESTS = ["围棋", "登山", "茶", "摄影", "马拉松", "书法", "古典音乐", "钓鱼", "羽毛球", "烘焙"]
EN_INTERESTS = ["chess", "hiking", "tea", "photography", "marathon", "sailing", "jazz", "fishing", "gardening",
                "baking"]
PHONES = {
    "CN": "+86 10 0000 {:04}", "GB": "+44 20 7946 {:04}", "DE": "+49 30 23125 {:03}",
    "US": "+1 212 555 {:04}", "AU": "+61 2 5550 {:04}", "SG": "+65 0000 {:04}",
}

# Birthdays on the sample day and after it, and the ones that calendars find hard; by place in the
# list of contacts. The first 150 are Chinese. 25 September 2026 is the fifteenth of the eighth month.
BIRTHDAYS = {
    1: "1985-09-25", 11: "09-25", 21: "lunar:1979-8-15", 37: "lunar:8-15", 46: "1992-09-26",
    56: "1974-09-27", 64: "09-28", 72: "1988-09-29", 80: "lunar:1983-8-16", 88: "1990-10-01",
    96: "2000-02-29", 101: "lunar:leap4-2", 107: "lunar:1987-leap6-9", 115: "lunar:12-30",
    123: "lunar:1-1", 131: "1963-09-24",
    161: "1990-09-25", 172: "09-25", 183: "1977-09-25", 194: "1969-09-26", 205: "09-27",
    216: "1984-09-28", 227: "1995-09-30", 238: "10-02", 249: "1988-02-29", 260: "02-29",
    271: "1981-12-31", 282: "01-01",
}
NO_MAIL = {5, 33, 77, 118, 149, 166, 211, 254, 293}
NO_TRACKING = {8, 37, 59, 104, 142, 172, 183, 230, 277, 288}


def birthday(index, zh):
    if index in BIRTHDAYS:
        return BIRTHDAYS[index]
    if chance(0.15):
        return ""
    year, month, day = between(1958, 2001), between(1, 12), between(1, 28)
    if zh and chance(0.25):
        return f"lunar:{year}-{month}-{day}" if chance(0.5) else f"lunar:{month}-{day}"
    return f"{year}-{month:02}-{day:02}" if chance(0.7) else f"{month:02}-{day:02}"


def zh_person():
    (family, family_latin) = pick(ZH_FAMILY)
    (one, one_latin), (two, two_latin) = pick(ZH_GIVEN_1), pick(ZH_GIVEN_2)
    honorific = pick(["先生", "女士", "先生", "女士", "总", "老师", "博士"])
    return family + one + two, one + two, family, honorific, f"{family_latin}.{one_latin}{two_latin}"


def en_person():
    (given, honorific), family = pick(EN_GIVEN), pick(EN_FAMILY)
    honorific = pick([honorific] * 8 + ["Dr", "Prof"])
    latin = f"{given}.{family}".lower().replace("ü", "ue").replace("'", "")
    return f"{given} {family}", given, family, honorific, latin


def make_contacts():
    contacts, names, addresses = [], set(), set()
    for index in range(300):
        account = ACCOUNTS[index // 5]
        place = index % 5
        while True:
            name, given, family, honorific, latin = zh_person() if account["zh"] else en_person()
            address = f"{latin}@{account['label']}.example"
            if name not in names and address not in addresses:
                break
        names.add(name)
        addresses.add(address)
        interests = shuffled(ZH_INTERESTS if account["zh"] else EN_INTERESTS)[:between(0, 2)]
        contacts.append(dict(
            index=index, email=address, name=name, given=given, family=family, honorific=honorific,
            title=(ZH_TITLES if account["zh"] else EN_TITLES)[place],
            phone=PHONES[account["country"]].format(100 + index), account=account,
            birthday=birthday(index, account["zh"]),
            level="" if place == 4 and chance(0.5) else min(5, place + between(1, 2)),
            interests=("、" if account["zh"] else ", ").join(interests)))
    return contacts


CONTACTS = make_contacts()


def contacts_rows():
    yield ["email", "name", "given_name", "family_name", "honorific", "title", "phone", "account", "locale",
           "zone", "country", "birthday", "level", "may_send", "may_track", "interests"]
    for contact in CONTACTS:
        account = contact["account"]
        yield [contact["email"], contact["name"], contact["given"], contact["family"], contact["honorific"],
               contact["title"], contact["phone"], account["key"], "zh-CN" if account["zh"] else "en",
               account["zone"], account["country"], contact["birthday"], contact["level"],
               "no" if contact["index"] in NO_MAIL else "yes",
               "no" if contact["index"] in NO_TRACKING else "yes", contact["interests"]]


# --- Orders -----------------------------------------------------------------------------------

MARGINS = {"red": (0.30, 0.45), "white": (0.04, 0.09), "plain": (0.12, 0.24)}


def order_days(account):
    last = account["left_on"] or TODAY - timedelta(days=1)
    span = (last - FIRST_ORDER).days
    days = []
    for _ in range(account["orders"]):
        place = RNG.random() ** (1.6 if account["shrinks"] else 1.0)
        day = FIRST_ORDER + timedelta(days=int(place * span))
        # Nobody orders on a weekend.
        days.append(day - timedelta(days=max(0, day.weekday() - 4)))
    return days


def make_orders():
    orders = []
    for account in ACCOUNTS:
        low, high = MARGINS[account["face"]]
        for day in order_days(account):
            amount = account["scale"] * (0.4 + 1.2 * RNG.random())
            if account["face"] == "white":
                amount *= 1.5
            if chance(0.012):
                amount *= -0.2
            delivered = day + timedelta(days=between(3, 30))
            profit = amount * (low + (high - low) * RNG.random())
            orders.append((day, account["key"], delivered if delivered < TODAY else "", amount, profit))
    return sorted(orders, key=lambda order: (order[0], order[1], order[3]))


def orders_rows():
    yield ["order", "account", "ordered_on", "delivered_on", "amount", "profit"]
    for number, (day, account, delivered, amount, profit) in enumerate(make_orders(), start=1):
        yield [f"SO-{day.year % 100}-{number:05}", account, day, delivered, f"{amount:.2f}", f"{profit:.2f}"]


# --- Contracts --------------------------------------------------------------------------------

# Days from the sample day to the end of the first contracts; renewals are near.
ENDINGS = [6, 14, 30, 30, 45, 60, 61, 90, 92, 120, -10, -45]


def contracts_rows():
    yield ["contract", "account", "starts_on", "ends_on", "value"]
    buyers = shuffled([index for index, account in enumerate(ACCOUNTS) if account["orders"] > 0])
    for number in range(80):
        account = ACCOUNTS[buyers[number % len(buyers)]]
        months = pick([12, 12, 24, 36])
        if number < len(ENDINGS):
            end = TODAY + timedelta(days=ENDINGS[number])
        elif number < len(buyers):
            end = TODAY + timedelta(days=between(130, 900))
        else:
            end = TODAY - timedelta(days=between(60, 700))
        start = end - timedelta(days=months * 365 // 12 - 1)
        value = account["scale"] * account["orders"] / 36 * months
        yield [f"CT-{start.year}-{number + 1:03}", account["key"], start, end, f"{value:.2f}"]


# --- Touches ----------------------------------------------------------------------------------

KINDS = {True: {"email": "邮件", "call": "电话", "visit": "拜访", "gift": "礼品", "event": "活动"},
         False: {kind: kind for kind in ("email", "call", "visit", "gift", "event")}}
OUTCOMES = {
    True: {"email": ["已回复", "未回复", "约好下周通话"], "call": ["谈到新产线", "未接通", "对交期满意"],
           "visit": ["看了车间，有扩产打算", "讨论了年度框架"], "gift": ["中秋月饼已送达", "新年台历已送达"],
           "event": ["参加了客户沙龙", "参加了周年庆"]},
    False: {"email": ["replied", "no reply", "call agreed for next week"],
            "call": ["talked about the new line", "not reached", "content with delivery times"],
            "visit": ["saw the shop floor, plans to expand", "discussed the yearly agreement"],
            "gift": ["calendar delivered", "anniversary card delivered"],
            "event": ["came to the customer evening", "came to the open day"]},
}
OFFSETS = {"CN": "+08:00", "SG": "+08:00"}


def touch(contact, kind, day):
    account = contact["account"]
    # Without a fixed offset a day is enough.
    offset = OFFSETS.get(account["country"])
    minute = pick(["00", "10", "25", "40"])
    at = f"{day}T{between(9, 17):02}:{minute}:00{offset}" if offset and chance(0.8) else f"{day}"
    zh = account["zh"]
    return (day, contact["email"], KINDS[zh][kind], at, rep_address(account["rep"]), pick(OUTCOMES[zh][kind]))


def days_ago(low, high):
    day = TODAY - timedelta(days=between(low, high))
    return day - timedelta(days=max(0, day.weekday() - 4))


def touches_rows():
    yield ["编号", "联系人邮箱", "方式", "时间", "业务员", "结果"]
    touches = []
    for contact in CONTACTS:
        # The last mail is recent, some weeks old, or so old that a check-in is due.
        if chance(0.75):
            low, high = pick([(2, 20), (21, 80), (21, 80), (81, 260)])
            touches.append(touch(contact, "email", days_ago(low, high)))
    while len(touches) < 600:
        contact = CONTACTS[int(RNG.random() ** 1.5 * 300)] if chance(0.3) else pick(CONTACTS)
        kind = pick(["call", "call", "call", "visit", "visit", "gift", "event", "email"])
        touches.append(touch(contact, kind, days_ago(10, 620)))
    for number, (_, *rest) in enumerate(sorted(touches), start=1):
        yield [f"T-{number:04}", *rest]


# --- Files ------------------------------------------------------------------------------------

FILES = {
    "reps.csv": reps,
    "accounts.csv": accounts_rows,
    "contacts.csv": contacts_rows,
    "orders.csv": orders_rows,
    "contracts.csv": contracts_rows,
    "touches.csv": touches_rows,
}


def main():
    stale = []
    for name, rows in FILES.items():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows())
        content = text.getvalue().encode("utf-8")
        path = FOLDER / name
        if sys.argv[1:] == ["--check"]:
            if not path.exists() or path.read_bytes() != content:
                stale.append(name)
        else:
            path.write_bytes(content)
    if stale:
        sys.exit(f"not what generate.py writes: {', '.join(stale)}")


if __name__ == "__main__":
    main()
