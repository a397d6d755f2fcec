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
    perennial.toml:74: delivery.relay.main.password: a secret is not written here; put it into a file of its own and write `file:PATH`, or into the environment and write `env:NAME`
    perennial.toml:100: tracking.key: the environment variable `NOT_SET` is not set
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
    perennial.toml:126: tracking.key: there is no file `CONFIG/nowhere`
    ");
    insta::assert_snapshot!(with_key("empty"), @r"
    1 problem in the configuration:
    perennial.toml:126: tracking.key: the file `CONFIG/empty` is empty
    ");
    insta::assert_snapshot!(with_key("bad.key"), @r"
    1 problem in the configuration:
    perennial.toml:126: tracking.key: line 1 of the key file: expected `NUMBER:KEY`, a number from 0 to 255 and 64 hexadecimal digits
    ");
}

#[test]
fn a_secret_can_come_from_the_environment() {
    let files = change(relaying(), "perennial.toml", "file:relay.password", "env:SET");
    let config = Folder::new().parse(&files).unwrap();
    let crate::config::Delivery::Relays(relays) = config.delivery else { panic!("a folder") };
    let relay = relays.into_iter().next().unwrap();
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
    perennial.toml:70: delivery.relay.main.port: expected a whole number from 1 to 65535, found `0`
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
    perennial.toml:51: delivery.lease: expected a length of time from `1 second` to `1 day`, found `15 min`
    perennial.toml:68: delivery.relay.main.user: missing, expected one, since there is a `password`
    perennial.toml:69: delivery.relay.main.host: mail would leave in the name of the example; write your own company and `sender.address` first
    perennial.toml:71: delivery.relay.main.security: `none` is for a relay on this machine; use `starttls` or `tls`, or write `allow_plain = true` if the way to the relay is safe
    perennial.toml:74: delivery.relay.main.authority: `CONFIG/secret.key` holds no PEM certificate
    perennial.toml:76: delivery.relay.main.connections: expected a whole number from 1 to 200, found `0`
    ");
    let late = change(relaying(), "perennial.toml", "15 minutes", "10 minutes");
    insta::assert_snapshot!(Folder::new().complaints(&late), @r"
    1 problem in the configuration:
    perennial.toml:51: delivery.lease: expected more than `delivery.relay.main.content_timeout`, or two daemons could send one message
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
