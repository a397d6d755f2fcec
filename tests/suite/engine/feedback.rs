use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use perennial::{
    domain::{Engagement, Feedback, OutreachId, Purpose, Suppression},
    engine::Recorded,
    web::{Bound, Tracking},
};
use reqwest::{Client, Method, Response, StatusCode, redirect::Policy};

use crate::support::{
    database::Database,
    on_both_databases,
    rows::snapshot,
    world::{BIRTHDAY, Mail, Setup, World},
};

on_both_databases!(
    a_click_leads_on_and_brings_the_next_check_in_closer,
    an_open_alone_changes_nothing,
    of_a_contact_who_is_not_to_be_tracked_nothing_is_kept,
    to_look_at_the_way_out_is_not_to_take_it,
    unsubscribing_twice_is_unsubscribing_once,
    one_click_is_taken_in_both_forms_that_mail_programs_send,
    scanners_that_look_at_the_way_out_unsubscribe_nobody,
    a_token_of_another_purpose_is_refused,
    a_link_that_a_mail_does_not_have_leads_nowhere,
    what_a_head_request_asks_is_not_counted,
);

/// An engine, its public listener, and a browser that follows nothing.
struct Site {
    world: World,
    tracking: Tracking,
    browser: Client,
}

impl Site {
    async fn new(db: &Database) -> Self {
        let bound = Bound::to("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let setup = Setup { listener: Some(bound.address()), ..Setup::default() };
        let world = World::with(db, &setup);
        let tracking = bound.serve(world.engine.clone());
        let browser = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { world, tracking, browser }
    }

    /// The birthday mail of a contact of this list of `email,birthday,may_track`.
    async fn mails(&self, lines: &str) -> Vec<Mail> {
        self.world.contacts(format!("email,birthday,may_track\n{lines}")).await;
        self.world.round().await;
        self.world.mails()
    }

    async fn ask(&self, method: Method, url: &str) -> Response {
        self.browser.request(method, url).send().await.unwrap()
    }

    async fn get(&self, url: &str) -> Response {
        self.ask(Method::GET, url).await
    }

    /// Feedback is written behind the answer's back; this waits until `count` rows are there.
    async fn feedback(&self, db: &Database, count: usize) -> Vec<String> {
        let sql = "select kind || ' ' || times from feedback order by kind, link_no, outreach_id";
        for _ in 0..500 {
            let rows = db.texts(sql).await;
            if rows.len() >= count {
                return rows;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("feedback did not arrive in five seconds");
    }

    async fn leave(self) {
        self.tracking.stop().await;
    }

    /// Where a token that the engine signs itself would lead.
    fn url(&self, path: &str, purpose: Purpose, outreach: i64, link_no: u16) -> String {
        let day = "2026-05-14".parse::<NaiveDate>().unwrap();
        let token = self.world.engine.keyring.sign(purpose, outreach, link_no, day);
        format!("http://{}/{path}/{token}", self.tracking.address())
    }
}

async fn engagement(world: &World, email: &str) -> Engagement {
    snapshot(world.store(), email, BIRTHDAY).await.engagement
}

async fn next_mail(world: &World, email: &str) -> chrono::DateTime<chrono::Utc> {
    let decision = world.engine.explain(&email.parse().unwrap()).await.unwrap().decision;
    decision.look_again_at(world.engine.clock.now()).unwrap()
}

async fn a_click_leads_on_and_brings_the_next_check_in_closer(db: &Database) {
    let site = Site::new(db).await;
    let mails = site.mails("ada@example.org,05-14,yes\n").await;
    let before = next_mail(&site.world, "ada@example.org").await;

    let answer = site.get(mails[0].link("/c/").unwrap()).await;
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert_eq!(answer.headers()["location"], "https://www.example.com/");
    assert_eq!(site.feedback(db, 1).await, ["click 1"]);

    let once = engagement(&site.world, "ada@example.org").await;
    assert!(next_mail(&site.world, "ada@example.org").await < before);
    assert_eq!(
        once.last_human_at.map(|at| at.to_rfc3339()),
        Some("2026-05-14T16:59:30+00:00".into())
    );
    let again = site.world.engine.record(OutreachId(1), Feedback::Click, 0).await.unwrap();
    assert_eq!(again, Recorded::Again);
    assert_eq!(engagement(&site.world, "ada@example.org").await, once, "once for each mail");
    site.leave().await;
}

async fn an_open_alone_changes_nothing(db: &Database) {
    let site = Site::new(db).await;
    let mails = site.mails("ada@example.org,05-14,yes\n").await;
    let before = next_mail(&site.world, "ada@example.org").await;
    let answer = site.get(mails[0].link("/o/").unwrap()).await;
    assert_eq!(answer.headers()["content-type"], "image/gif");
    assert_eq!(site.feedback(db, 1).await, ["open 1"]);
    assert_eq!(engagement(&site.world, "ada@example.org").await, Engagement::default());
    assert_eq!(next_mail(&site.world, "ada@example.org").await, before);
    assert_eq!(site.world.engine.plan().await.unwrap().considered, 0);
    site.leave().await;
}

async fn of_a_contact_who_is_not_to_be_tracked_nothing_is_kept(db: &Database) {
    let site = Site::new(db).await;
    let mails = site.mails("ada@example.org,05-14,no\nbob@example.org,05-14,yes\n").await;
    let ada = mails.iter().find(|mail| mail.to == "ada@example.org").unwrap();
    let bob = mails.iter().find(|mail| mail.to == "bob@example.org").unwrap();
    assert!(ada.link("/o/").is_none() && ada.link("/c/").is_none(), "{}", ada.html);
    assert!(ada.html.contains("href=\"https://www.example.com/\""), "{}", ada.html);
    assert!(ada.link("/u/").is_some(), "the way out is there always");

    // A mail of a time when she still allowed it.
    let id = db.texts("select cast(o.id as text) from outreach o join contacts c on c.id = o.contact_id where c.email = 'ada@example.org'").await;
    let id = id[0].parse().unwrap();
    let answer = site.get(&site.url("c", Purpose::Click, id, 0)).await;
    assert_eq!(answer.headers()["location"], "https://www.example.com/");
    site.get(&site.url("o", Purpose::Open, id, 0)).await;
    for feedback in [Feedback::Open, Feedback::Click] {
        let kept = site.world.engine.record(OutreachId(id), feedback, 0).await.unwrap();
        assert_eq!(kept, Recorded::NotKept);
    }
    site.get(bob.link("/o/").unwrap()).await;
    assert_eq!(site.feedback(db, 1).await, ["open 1"]);
    assert_eq!(engagement(&site.world, "ada@example.org").await, Engagement::default());
    site.leave().await;
}

async fn to_look_at_the_way_out_is_not_to_take_it(db: &Database) {
    let site = Site::new(db).await;
    let mails = site.mails("ada@example.org,05-14,yes\n").await;
    let url = mails[0].link("/u/").unwrap();
    for method in [Method::GET, Method::HEAD, Method::GET] {
        assert_eq!(site.ask(method, url).await.status(), StatusCode::OK);
    }
    let page = site.get(url).await.text().await.unwrap();
    assert!(page.contains("<form method=\"post\"") || page.contains("method=\"post\""), "{page}");
    assert_eq!(db.store.totals().await.unwrap().suppressed, 0);
    assert!(db.texts("select kind from feedback").await.is_empty());
    site.leave().await;
}

async fn unsubscribing_twice_is_unsubscribing_once(db: &Database) {
    let site = Site::new(db).await;
    let mails = site.mails("ada@example.org,05-14,no\n").await;
    let header = format!("<{}>", mails[0].link("/u/").unwrap());
    let unfolded = mails[0].raw.replace("\r\n ", " ").replace("\r\n\t", " ");
    assert!(unfolded.contains(&header), "the header has the address of the footer: {unfolded}");
    for _ in 0..2 {
        let answer = site.ask(Method::POST, mails[0].link("/u/").unwrap()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let ada = snapshot(site.world.store(), "ada@example.org", BIRTHDAY).await;
        assert_eq!(ada.suppressed, Some(Suppression::Unsubscribed));
    }
    assert_eq!(db.store.totals().await.unwrap().suppressed, 1);
    assert_eq!(site.feedback(db, 1).await, ["unsubscribe 2"]);
    site.world.wait(TimeDelta::days(365));
    assert_eq!(site.world.round().await.dispatched.sent, 0);
    site.leave().await;
}

const MULTIPART: &str = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n\
                         One-Click\r\n--b--\r\n";

async fn one_click_is_taken_in_both_forms_that_mail_programs_send(db: &Database) {
    let site = Site::new(db).await;
    let mails = site.mails("ada@example.org,05-14,no\nbob@example.org,05-14,no\n").await;
    for (mail, kind, body) in [
        (&mails[0], "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"),
        (&mails[1], "multipart/form-data; boundary=b", MULTIPART),
    ] {
        for _ in 0..2 {
            let post = site.browser.post(mail.link("/u/").unwrap()).header("content-type", kind);
            let answer = post.body(body).send().await.unwrap();
            // No redirect and no cookie (RFC 8058 section 3.1).
            assert_eq!(answer.status(), StatusCode::OK, "{kind}");
            assert!(!answer.headers().contains_key("set-cookie"));
        }
        let contact = snapshot(site.world.store(), &mail.to, BIRTHDAY).await;
        assert_eq!(contact.suppressed, Some(Suppression::Unsubscribed), "{kind}");
    }
    assert_eq!(db.store.totals().await.unwrap().suppressed, 2);
    assert_eq!(site.feedback(db, 2).await, ["unsubscribe 2", "unsubscribe 2"]);
    site.leave().await;
}

/// Programs that follow the links of mails, as they name themselves.
const SCANNERS: [&str; 6] = [
    "Mozilla/5.0 (compatible; Microsoft SafeLinks)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0",
    "BarracudaCentral",
    "Mimecast",
    "GoogleImageProxy",
    "",
];

async fn scanners_that_look_at_the_way_out_unsubscribe_nobody(db: &Database) {
    let site = Site::new(db).await;
    let mails = site.mails("ada@example.org,05-14,yes\n").await;
    let url = mails[0].link("/u/").unwrap();
    for scanner in SCANNERS {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::GET] {
            let asked = site.browser.request(method.clone(), url).header("user-agent", scanner);
            let status = asked.send().await.unwrap().status();
            assert_eq!(status.is_success(), method != Method::OPTIONS, "{method} {scanner}");
        }
    }
    assert_eq!(db.store.totals().await.unwrap().suppressed, 0);
    assert!(db.texts("select kind from feedback").await.is_empty());
    site.leave().await;
}

async fn a_token_of_another_purpose_is_refused(db: &Database) {
    let site = Site::new(db).await;
    let mails = site.mails("ada@example.org,05-14,yes\n").await;
    let token = |path| mails[0].link(path).unwrap().rsplit('/').next().unwrap().to_owned();
    let (open, click, out) = (token("/o/").replace(".gif", ""), token("/c/"), token("/u/"));
    let at = |path: &str, token: &str| format!("http://{}/{path}/{token}", site.tracking.address());
    for (path, token) in [("c", &open), ("c", &out), ("u", &open), ("u", &click)] {
        assert_eq!(site.get(&at(path, token)).await.status(), StatusCode::GONE, "{path}");
    }
    for token in [&open, &click] {
        let answer = site.ask(Method::POST, &at("u", token)).await;
        assert_eq!(answer.status(), StatusCode::GONE);
    }
    for token in [&click, &out, &"x".repeat(42)] {
        assert_eq!(site.get(&at("o", token)).await.status(), StatusCode::OK, "always a pixel");
    }
    site.get(&at("o", &open)).await;
    assert_eq!(site.feedback(db, 1).await, ["open 1"]);
    assert_eq!(db.store.totals().await.unwrap().suppressed, 0);
    site.leave().await;
}

async fn a_link_that_a_mail_does_not_have_leads_nowhere(db: &Database) {
    let site = Site::new(db).await;
    site.mails("ada@example.org,05-14,yes\n").await;
    for (outreach, link_no) in [(1, 400), (999, 0), (0, 0), (-1, 0)] {
        let answer = site.get(&site.url("c", Purpose::Click, outreach, link_no)).await;
        assert_eq!(answer.status(), StatusCode::GONE, "{outreach} {link_no}");
        assert!(answer.headers().get("location").is_none());
    }
    let nobody = site.url("u", Purpose::Unsubscribe, 999, 0);
    assert_eq!(site.ask(Method::POST, &nobody).await.status(), StatusCode::GONE);
    site.leave().await;
}

async fn what_a_head_request_asks_is_not_counted(db: &Database) {
    let site = Site::new(db).await;
    let mails = site.mails("ada@example.org,05-14,yes\n").await;
    for path in ["/c/", "/o/"] {
        site.ask(Method::HEAD, mails[0].link(path).unwrap()).await;
    }
    site.get(mails[0].link("/c/").unwrap()).await;
    assert_eq!(site.feedback(db, 1).await, ["click 1"]);
    site.leave().await;
}
