//! What is said of secrets and of the way that mail takes.
use super::*;

#[test]
fn secrets_are_not_written_down_and_not_repeated() {
    let mut files = relaying();
    for (old, new) in [
        ("password = \"file:relay.password\"", "password = \"hunter2\""),
        ("key = \"file:secret.key\"", "key = \"env:NOT_SET\""),
        ("url = \"sqlite:../perennial.db\"", "url = \"postgres://ada:hunter2@db/perennial\""),
    ] {
        files = change(files, "perennial.toml", old, new);
    }
    let complaints = Folder::new().complaints(&files);
    assert!(!complaints.contains("hunter2"));
    insta::assert_snapshot!(complaints, @r"
    3 problems in the configuration:
    perennial.toml:10: database.url: a password is not written here; put the whole address into a file of its own and write `file:PATH`, or into the environment and write `env:NAME`
    perennial.toml:63: delivery.relay.password: a secret is not written here; put it into a file of its own and write `file:PATH`, or into the environment and write `env:NAME`
    perennial.toml:83: tracking.key: the environment variable `NOT_SET` is not set
    ");
}

#[test]
fn the_file_of_a_secret_is_looked_at() {
    let folder = Folder::new();
    folder.secret("empty", "\n");
    folder.secret("bad.key", "1:abc\n");
    let with_key = |name: &str| folder.complaints(&with("perennial.toml", "secret.key", name));
    insta::assert_snapshot!(with_key("nowhere"), @r"
    1 problem in the configuration:
    perennial.toml:97: tracking.key: there is no file `CONFIG/nowhere`
    ");
    insta::assert_snapshot!(with_key("empty"), @r"
    1 problem in the configuration:
    perennial.toml:97: tracking.key: the file `CONFIG/empty` is empty
    ");
    insta::assert_snapshot!(with_key("bad.key"), @r"
    1 problem in the configuration:
    perennial.toml:97: tracking.key: line 1 of the key file: expected `NUMBER:KEY`, a number from 0 to 255 and 64 hexadecimal digits
    ");
}

#[test]
fn a_secret_can_come_from_the_environment() {
    let files = change(relaying(), "perennial.toml", "file:relay.password", "env:SET");
    let config = Folder::new().parse(&files).unwrap();
    let crate::config::Delivery::Relay(relay) = config.delivery else { panic!("a folder") };
    assert_eq!(relay.credentials.unwrap().password.expose(), "from the environment");
}

#[test]
fn a_relay_that_is_not_in_use_may_lack_its_password_but_not_its_sense() {
    let files = change(relaying(), "perennial.toml", "via = \"relay\"", "via = \"folder\"");
    let files = change(files, "perennial.toml", "file:relay.password", "file:nowhere");
    assert!(Folder::new().parse(&files).is_ok());
    let files = change(files, "perennial.toml", "port = 587", "port = 0");
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    1 problem in the configuration:
    perennial.toml:59: delivery.relay.port: expected a whole number from 1 to 65535, found `0`
    ");
}

#[test]
fn a_relay_is_safe_complete_and_not_used_in_the_name_of_the_example() {
    let mut files = relaying();
    for (old, new) in [
        ("address = \"a@shop.org\"", "address = \"hello@example.com\""),
        ("security = \"starttls\"", "security = \"none\""),
        ("user = \"perennial\"\n", ""),
        ("#authority = \"authority.pem\"", "authority = \"secret.key\""),
        ("connections = 4", "connections = 0"),
        ("content_timeout = \"10 minutes\"", "content_timeout = \"20 minute\""),
        ("lease = \"15 minutes\"", "lease = \"15 min\""),
    ] {
        files = change(files, "perennial.toml", old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    6 problems in the configuration:
    perennial.toml:50: delivery.lease: expected a length of time from `1 second` to `1 day`, found `15 min`
    perennial.toml:57: delivery.relay.user: missing, expected one, since there is a `password`
    perennial.toml:58: delivery.relay.host: mail would leave in the name of the example; write your own company and `sender.address` first
    perennial.toml:60: delivery.relay.security: `none` is for a relay on this machine; use `starttls` or `tls`, or write `allow_plain = true` if the way to the relay is safe
    perennial.toml:63: delivery.relay.authority: `CONFIG/secret.key` holds no PEM certificate
    perennial.toml:65: delivery.relay.connections: expected a whole number from 1 to 200, found `0`
    ");
    let late = change(relaying(), "perennial.toml", "15 minutes", "10 minutes");
    insta::assert_snapshot!(Folder::new().complaints(&late), @r"
    1 problem in the configuration:
    perennial.toml:50: delivery.lease: expected more than `delivery.relay.content_timeout`, or two daemons could send one message
    ");
}

#[test]
fn plain_mail_is_allowed_on_this_machine_and_where_it_is_asked_for() {
    let plain = change(relaying(), "perennial.toml", "\"starttls\"", "\"none\"");
    let here = change(plain.clone(), "perennial.toml", "smtp.example.com", "127.0.0.1");
    assert!(Folder::new().parse(&here).is_ok());
    let asked = change(plain, "perennial.toml", "allow_plain = false", "allow_plain = true");
    assert!(Folder::new().parse(&asked).is_ok());
}

/// The commented files with `[dkim]` in use, with test keys in the folder.
fn signing() -> (Folder, Files) {
    let folder = Folder::new();
    folder.secret("dkim.pem", include_str!("../../../tests/data/dkim/rsa.pem"));
    folder.secret("dkim-ed25519.pem", include_str!("../../../tests/data/dkim/ed25519.pem"));
    let mut files = Files::embedded();
    for line in ["[dkim]", "selector", "domain", "key", "ed25519_selector", "ed25519_key"] {
        files = change(files, "perennial.toml", &format!("\n#{line}"), &format!("\n{line}"));
    }
    (folder, files)
}

#[test]
fn mail_can_be_signed_with_one_key_or_two() {
    let (folder, files) = signing();
    let dkim = folder.parse(&files).unwrap().dkim.unwrap();
    assert_eq!((dkim.domain.as_str(), dkim.rsa.selector.as_str()), ("example.com", "s2026"));
    assert_eq!(dkim.ed25519.unwrap().selector, "e2026");
    let files = change(files, "perennial.toml", "\ndomain", "\n#domain");
    let files = change(files, "perennial.toml", "\ned25519_selector", "\n#ed25519_selector");
    let files = change(files, "perennial.toml", "\ned25519_key", "\n#ed25519_key");
    let dkim = folder.parse(&files).unwrap().dkim.unwrap();
    assert!(dkim.domain == "example.com" && dkim.ed25519.is_none());
}

#[test]
fn keys_that_sign_nothing_are_told_and_never_shown() {
    let (folder, files) = signing();
    folder.secret("short.pem", include_str!("../../../tests/data/dkim/rsa-1024.pem"));
    let mut files = files;
    for (old, new) in [
        ("\"file:dkim.pem\"", "\"file:short.pem\""),
        ("\"file:dkim-ed25519.pem\"", "\"file:dkim.pem\""),
        ("domain = \"example.com\"", "domain = \"example.org\""),
        ("\"e2026\"", "\"s2026\""),
    ] {
        files = change(files, "perennial.toml", old, new);
    }
    let complaints = folder.complaints(&files);
    assert!(!complaints.contains("MII"), "{complaints}");
    insta::assert_snapshot!(complaints, @r"
    4 problems in the configuration:
    perennial.toml:119: dkim.domain: expected `example.com`, which is the domain of `sender.address`, or one above it that is yours
    perennial.toml:121: dkim.key: the secret holds an RSA key of another length than 2048 to 4096 bits; make one of 2048
    perennial.toml:123: dkim.ed25519_selector: expected another name than `selector`: a name has one key
    perennial.toml:124: dkim.ed25519_key: the secret holds no key of the kind Ed25519, or a damaged one
    ");
}

#[test]
fn a_second_signature_is_never_the_only_one() {
    let (folder, files) = signing();
    let files = change(files, "perennial.toml", "\nselector", "\n#selector");
    let files = change(files, "perennial.toml", "\nkey = \"file:dkim", "\n#key = \"file:dkim");
    insta::assert_snapshot!(folder.complaints(&files), @r"
    2 problems in the configuration:
    perennial.toml:115: dkim.key: missing, expected `file:PATH` or `env:NAME`
    perennial.toml:115: dkim.selector: missing, expected a name for the DNS such as `s2026`
    ");
}

#[test]
fn a_return_path_of_its_own_is_in_a_domain_of_ours_and_the_only_one() {
    let files = with("perennial.toml", "#bounces = ", "bounces = ");
    let config = Folder::new().parse(&files).unwrap();
    let expected = crate::config::ReturnPath::PerMail("bounce.example.com".to_owned());
    assert_eq!(config.sender.return_path, expected);
    let both = change(files.clone(), "perennial.toml", "#return_path", "return_path");
    insta::assert_snapshot!(Folder::new().complaints(&both), @r"
    1 problem in the configuration:
    perennial.toml:35: sender.bounces: expected only without `return_path`: a bounce has one way home
    ");
    let foreign = change(files, "perennial.toml", "bounce.example.com\"", "bounce.example.org\"");
    insta::assert_snapshot!(Folder::new().complaints(&foreign), @r"
    1 problem in the configuration:
    perennial.toml:35: sender.bounces: expected `example.com` or a name below it, as `sender.address` has it: to receivers, SPF of another domain proves nothing (DMARC)
    ");
}

#[test]
fn labels_are_short_and_of_countries() {
    let files = with("perennial.toml", "CN = \"广告\"", "CN = \"广告\"\nHK = \"\"\nUK1 = \"AD\"");
    let files = change(files, "perennial.toml", "HK = \"\"", "HK = \"a label that is too long\"");
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    2 problems in the configuration:
    perennial.toml:130: labels: expected a text of 16 characters at most
    perennial.toml:131: labels: expected a country of two capital letters such as `CN`, found `UK1`
    ");
}

#[test]
fn the_way_out_is_short() {
    let long = format!("https://{}.example.com", "a".repeat(60));
    insta::assert_snapshot!(complaints("perennial.toml", "http://localhost:8025", &long), @r"
    1 problem in the configuration:
    perennial.toml:92: tracking.base_url: expected an address of 75 characters at most
    ");
}
